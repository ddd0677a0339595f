#pragma once
// Values -> the payload that Debezium's converters and Kafka Connect's JsonConverter make of them.

#include <optional>
#include <string>
#include <string_view>

#include "core/value.h"
#include "formats/debezium/column_type.h"
#include "formats/debezium/decimal_bytes.h"
#include "formats/debezium/hstore_map.h"
#include "formats/debezium/options.h"
#include "formats/text_buffer.h"

namespace sluice::debezium {

// One thread; keeps its scratch memory.
class ValueWriter {
 public:
  explicit ValueWriter(const Options& options) : options_(options) {}

  // Appends the JSON of a value that is neither null nor unchanged.  False where the value is none of the column's type; what was
  // appended is unspecified then.  Special decimals (NaN) in precise mode, which Debezium cannot write, are null.
  bool write(const ColumnType& type, const Value& value, TextBuffer& out);

  // bytea and everything that is written like it.
  void write_binary(std::string_view bytes, TextBuffer& out);
  void write_text(std::string_view text, TextBuffer& out);

 private:
  bool write_scalar(const ColumnType& type, const Value& value, TextBuffer& out);
  bool write_list(const ColumnType& type, const Value& value, TextBuffer& out);
  bool write_number(ColumnKind kind, const Value& value, TextBuffer& out);
  bool write_decimal(const ColumnType& type, const Value& value, TextBuffer& out);
  bool write_plain_decimal(std::optional<std::size_t> scale, TextBuffer& out);
  bool write_money(const Value& value, TextBuffer& out);
  bool write_bits(const ColumnType& type, const Value& value, TextBuffer& out);
  bool write_hstore(const Value& value, TextBuffer& out);
  bool write_natural(const Value& value, TextBuffer& out);
  std::string_view text_of(const Value& value);

  const Options& options_;
  DecimalDigits decimal_;
  HstoreMap hstore_;
  std::string bytes_, text_;  // scratch
  TextBuffer json_;
};

}  // namespace sluice::debezium
