#pragma once
// What Debezium makes of a column's DEFAULT: a literal becomes the schema's default value, a function becomes 0, "" or the epoch.

#include <optional>
#include <string>
#include <string_view>

#include "formats/debezium/column_type.h"
#include "formats/debezium/value_writer.h"

namespace sluice::debezium {

// `expression` as pg_get_expr() spells it: 'abc'::text, 42, nextval('s'::regclass), now().  The default as JSON payload; nullopt where
// Debezium has none.
std::optional<std::string> default_json(const ColumnType& type, std::string_view expression, ValueWriter& writer);

}  // namespace sluice::debezium
