#pragma once
// `format:` as users write it, for both directions:
//   format: json            format: {json: {meta: false}}            format: {csv: {delimiter: ";", header: true, null_text: ""}}
//   format: debezium_json   format: {debezium_json: {lossless: true}}

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/batch.h"
#include "core/config_binding.h"
#include "core/record.h"
#include "core/result.h"
#include "core/schema.h"
#include "formats/cloudevents.h"
#include "formats/csv_cells.h"
#include "formats/debezium/options.h"
#include "formats/maxwell.h"

namespace sluice {

struct JsonOptions {
  bool meta = true;  // writing: "_meta" behind the row's fields
  bool operator==(const JsonOptions&) const = default;
};

enum class Format : std::uint8_t { kJson, kCsv, kLines, kDebezium, kMaxwell, kCloudEvents };

// What a sink writes: json, csv, debezium_json, maxwell or cloudevents.
struct CodecConfig {
  Format format = Format::kJson;
  JsonOptions json;
  CsvOptions csv;
  debezium::Options debezium;
  MaxwellOptions maxwell;
  CloudEventsOptions cloudevents;
};

// What a source reads: json, csv or lines.
struct InputCodecConfig {
  Format format = Format::kJson;
  CsvOptions csv;
};

template <>
struct ConfigType<CodecConfig> {
  static bool bind(const ConfigNode& node, CodecConfig& out, BindContext& context);
  static std::string type_name() { return "format"; }
  static ValueShape shape();
  static std::string show(const CodecConfig& value);
};

template <>
struct ConfigType<InputCodecConfig> {
  static bool bind(const ConfigNode& node, InputCodecConfig& out, BindContext& context);
  static std::string type_name() { return "format"; }
  static ValueShape shape();
  static std::string show(const InputCodecConfig& value);
};

// Records -> bytes of one output (one file, one request).  One thread.
class Encoder {
 public:
  virtual ~Encoder() = default;

  // Appends one line with its line feed.  kBadRecord on failure; `out` is as before then.
  virtual Status encode(const Batch& batch, const Record& record, std::string& out) = 0;
  // What stands before the first record of an output; nothing for most formats.  Call once per output, before encode().
  virtual void header(const Schema& /*first*/, std::string& /*out*/) {}
  // Instead of header() for an output that was begun earlier: `start` is its beginning, up to the first line end at least.
  // kBadRecord csv_header when that is no header.
  virtual Status resume(std::string_view /*start*/) { return {}; }
  // How many bytes of the beginning resume() wants; 0: none, it need not be called.
  virtual std::size_t resume_bytes() const { return 0; }
  // Most formats are lines of JSON.
  virtual std::string_view extension() const { return "json"; }
  virtual std::string_view content_type() const { return "application/x-ndjson"; }
};

std::unique_ptr<Encoder> make_encoder(const CodecConfig& config);

}  // namespace sluice
