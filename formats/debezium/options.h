#pragma once
// `format: {debezium_json: {...}}`: Debezium's settings under their own names, with _ for . and -  (decimal.handling.mode is
// decimal_handling_mode).  Defaults are those of Debezium 3.5 for PostgreSQL and of Kafka Connect's JsonConverter.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config_fields.h"

namespace sluice::debezium {

enum class DecimalMode : std::uint8_t { kPrecise, kDouble, kString };
enum class TimeMode : std::uint8_t { kAdaptive, kAdaptiveTimeMicroseconds, kConnect, kIsoString, kMicroseconds, kNanoseconds };
enum class BinaryMode : std::uint8_t { kBytes, kBase64, kBase64UrlSafe, kHex };
enum class IntervalMode : std::uint8_t { kNumeric, kString };
enum class HstoreMode : std::uint8_t { kJson, kMap };
enum class Operation : std::uint8_t { kCreate, kUpdate, kDelete, kTruncate, kMessage };

struct Options {
  bool schemas = false;       // the converter's schemas.enable
  bool transactions = false;  // provide.transaction.metadata
  std::string topic_prefix;   // empty: the name of the record's source
  DecimalMode decimal = DecimalMode::kPrecise;
  TimeMode time = TimeMode::kAdaptive;
  BinaryMode binary = BinaryMode::kBytes;
  IntervalMode interval = IntervalMode::kNumeric;
  HstoreMode hstore = HstoreMode::kJson;
  std::int16_t money_fraction_digits = 2;
  bool include_unknown_datatypes = false;
  bool replace_null_with_default = true;  // the converter's: a null in a column with a default is written as that default
  bool tombstones_on_delete = true;
  std::string unavailable_value_placeholder = "__debezium_unavailable_value";
  std::vector<Operation> skipped_operations = {Operation::kTruncate};

  bool operator==(const Options&) const = default;
};

// Findings: conflict where lossless: true meets a mode that loses something.
bool bind_options(const ConfigNode& node, Options& out, BindContext& context);
std::vector<FieldDoc> option_docs();
// As YAML, "{schemas: true, ...}"; what has its default is left out; empty when all has.
std::string show_options(const Options& options);

}  // namespace sluice::debezium
