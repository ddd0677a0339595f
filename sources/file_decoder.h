#pragma once
// What a file's format means for reading it record by record.

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/batch.h"
#include "core/result.h"
#include "formats/codec.h"
#include "formats/json_reader.h"
#include "formats/text.h"

namespace sluice::sources {

// One per file, because a CSV file has columns of its own.  One thread.
class FileDecoder {
 public:
  // What it needs to know before decode().
  enum class Columns : std::uint8_t { kKnown, kFromHeader, kFromFirstRecord };

  virtual ~FileDecoder() = default;

  // Length of the record that begins `text`, its line feed included; 0: the text ends before the record does.
  virtual std::size_t record_length(std::string_view text) const = 0;
  // Carries no record: an empty line.  `record` is without its line end.
  virtual bool is_blank(std::string_view record) const = 0;

  virtual Columns columns() const = 0;
  virtual Status set_columns(std::string_view first_record) = 0;

  // Sets schema and after of `out`.  `record` is without its line end and lies in the batch's arena, JsonReader::kPadding readable
  // bytes behind it.  kBadRecord where it cannot be read.
  virtual Status decode(std::string_view record, Batch& batch, Utf8 utf8, Record& out) = 0;
};

// `json` is shared by the files of a source and outlives the decoder.
std::unique_ptr<FileDecoder> make_file_decoder(const InputCodecConfig& config, JsonReader& json, SchemaPool& schemas);

}  // namespace sluice::sources
