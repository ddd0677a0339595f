#pragma once
// How the rows of one schema become Debezium's JSON: made once per schema, then used for every record.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/record.h"
#include "core/result.h"
#include "core/schema.h"
#include "formats/debezium/column_type.h"
#include "formats/debezium/value_writer.h"

namespace sluice::debezium {

// Everything that a plan depends on besides the schema.
struct PlanSettings {
  const Options& options;
  std::string prefix;                         // of topics: source.name
  const std::vector<std::string>& key_paths;  // columns that the sink wants as key; empty: the source's key
};

class TablePlan {
 public:
  TablePlan(const Schema& schema, const PlanSettings& settings, ValueWriter& writer);

  // {"id":1,...}; "null" for an empty row.  kBadRecord value_not_representable.
  enum class Image : std::uint8_t { kBefore, kAfter };
  Status write_row(std::span<const Value> row, Image image, ValueWriter& writer, TextBuffer& out) const;
  // The key's payload.  A column that `row` lacks is taken from `other`.  kBadRecord key_missing, key_unavailable.
  Status write_key(std::span<const Value> row, std::span<const Value> other, ValueWriter& writer, TextBuffer& out) const;
  // True when both rows have the key's columns and they differ.
  bool key_differs(std::span<const Value> before, std::span<const Value> after) const;
  // Names of the columns whose value the log left out and whose type has no room for the placeholder, as a JSON list; empty: none.
  std::string lost_columns(std::span<const Value> row) const;

  bool has_key() const { return has_key_; }
  const std::string& topic() const { return topic_; }                // "<prefix>.<schema>.<table>", as a topic may be called
  const std::string& key_schema() const { return key_schema_; }      // without schemas: empty
  const std::string& value_schema() const { return value_schema_; }  // likewise
  const std::string& source_names() const { return source_names_; }  // ,"schema":"public","table":"orders"
  const std::string& table_id() const { return table_id_; }          // "public.orders"
  const std::string& database() const { return database_; }          // in quotes

 private:
  struct Column {
    std::string prefix;  // ,"name":
    std::string name;
    std::uint32_t slot = 0;
    ColumnType type;
    std::string null_json;       // what a null becomes: null, or the column's default
    std::string missing_json;    // of a before image without this column
    std::string unchanged_json;  // the placeholder; null where the type has no room for it
  };

  void add_column(const Field& field, std::uint32_t slot, const PlanSettings& settings, ValueWriter& writer);
  void find_key(const Schema& schema, const PlanSettings& settings);
  void make_schemas();
  Status write_value(const Column& column, const Value& value, Image image, ValueWriter& writer, TextBuffer& out) const;

  std::vector<Column> columns_;
  std::vector<std::string> column_schemas_;  // of columns_, while the plan is made
  std::vector<std::size_t> key_;             // indices into columns_
  std::string missing_key_;                  // a wanted key column that the schema does not have
  bool has_key_ = false;
  std::string topic_, key_schema_, value_schema_, source_names_, table_id_, database_;
};

// The name as a Kafka topic may be called: what is not a letter, digit, '.', '_' or '-' becomes '_'.
std::string topic_name(std::string_view name);

}  // namespace sluice::debezium
