#include "sources/postgres_cdc/catalog_shape.h"

#include <charconv>
#include <map>

#include "sources/postgres_cdc/captured_tables.h"
#include "sources/postgres_cdc/relation_catalog.h"
#include "sources/postgres_cdc/relation_shape.h"

namespace sluice::sources::postgres {

namespace {

template <typename T>
T to_number(std::string_view text) {
  T number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// One row per column that the log has: relation, name, type, modifier.
std::string columns_query(const std::vector<CapturedTable>& tables) {
  std::string oids;
  for (const CapturedTable& table : tables) oids += (oids.empty() ? "" : ",") + std::to_string(table.oid);
  return "SELECT attrelid, attname, atttypid, atttypmod FROM pg_catalog.pg_attribute WHERE attrelid IN (" + oids +
         ") AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attrelid, attnum";
}

// As if the server had sent it.
RelationMessage message_of(const CapturedTable& table, std::vector<RelationMessage::Column> columns) {
  RelationMessage message;
  message.id = table.oid;
  message.schema = table.schema;
  message.table = table.name;
  message.identity = table.identity;
  message.columns = std::move(columns);
  return message;
}

RecordShape shape_of(const CapturedTable& table, const RelationMessage& relation, const RelationTypes& types) {
  RecordShape shape;
  shape.origin = "the table " + table.text();
  shape.whole = false;
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    shape.fields.push_back({relation.columns[i].name, value_type(types.columns[i].type.codec), types.columns[i].nullable, false});
  }
  return shape;
}

}  // namespace

Result<KnownShape> catalog_shape(const PostgresCdcConfig& config, const ShapeContext& context) {
  if (!context.online) return KnownShape();
  const SessionSettings settings = SLUICE_TRY(session_settings(config, context.pipeline, context.component, {}));
  Connection connection = SLUICE_TRY(Connection::connect(settings.connect, Connection::Mode::kSql, context.stop));
  const std::vector<CapturedTable> tables = SLUICE_TRY(captured_tables(connection, settings.filter, context.stop));
  const Rows rows = SLUICE_TRY(connection.query(columns_query(tables), "look up the columns of the tables", context.stop));
  std::map<std::uint32_t, std::vector<RelationMessage::Column>> columns;
  for (int row = 0; row < rows.count(); ++row) {
    columns[to_number<std::uint32_t>(rows.text(row, 0))].push_back(
        {false, std::string(rows.text(row, 1)), to_number<std::uint32_t>(rows.text(row, 2)), to_number<std::int32_t>(rows.text(row, 3))});
  }
  Counter changes;
  ServerRelationCatalog catalog(settings.connect, settings.filter, changes);
  catalog.use(context.stop);
  KnownShape result;
  for (const CapturedTable& table : tables) {
    const RelationMessage whole = message_of(table, std::move(columns[table.oid]));
    const NarrowedRelation narrowed = SLUICE_TRY(narrow(whole, settings.filter.rule_for(table.schema, table.name)));
    const RelationTypes types = SLUICE_TRY(catalog.describe(narrowed.relation));
    RecordShape shape = shape_of(table, narrowed.relation, types);
    result = result ? either(result, shape) : KnownShape(std::move(shape));
  }
  return result;
}

}  // namespace sluice::sources::postgres
