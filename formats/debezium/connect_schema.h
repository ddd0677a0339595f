#pragma once
// Schemas as Kafka Connect's JsonConverter writes them with schemas.enable.

#include <cstdint>
#include <string>
#include <string_view>

#include "formats/debezium/column_type.h"
#include "formats/debezium/options.h"

namespace sluice::debezium {

// {"type":...} of a column.  `default_json`: empty for none.  `field`: empty for an element.
std::string column_schema(const ColumnType& type, const Options& options, bool optional, std::string_view default_json,
                          std::string_view field);

// Connect's type of the column: "int32", "string", ...
std::string_view connect_type(const ColumnType& type, const Options& options);

// {"type":"struct","fields":[...],...} around `fields`, which are joined by commas.
std::string struct_schema(std::string_view fields, bool optional, std::string_view name, int version, std::string_view field);

// The blocks of the envelope that are the same for all tables, as fields.
std::string_view source_schema();
std::string_view transaction_block_schema();
// Whole schemas.
std::string_view message_key_schema();
std::string message_value_schema(const Options& options);
std::string_view transaction_key_schema();
std::string_view transaction_value_schema();

}  // namespace sluice::debezium
