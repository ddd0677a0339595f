#include "sources/postgres_cdc/relation_catalog.h"

#include <charconv>

namespace sluice::sources::postgres {

namespace {

std::uint32_t to_oid(std::string_view text) {
  std::uint32_t oid = 0;
  std::from_chars(text.data(), text.data() + text.size(), oid);
  return oid;
}

// Domains become what they are made of; an array is known by its input function.
std::string types_query(const RelationMessage& relation) {
  std::string oids;
  std::string modifiers;
  for (const RelationMessage::Column& column : relation.columns) {
    oids += (oids.empty() ? "" : ",") + std::to_string(column.type);
    modifiers += (modifiers.empty() ? "" : ",") + std::to_string(column.modifier);
  }
  return "WITH RECURSIVE c(oid, modifier, place) AS (SELECT * FROM unnest('{" + oids + "}'::oid[], '{" + modifiers +
         "}'::int4[]) WITH ORDINALITY), "
         "walk(place, oid) AS (SELECT place, oid FROM c UNION ALL "
         "  SELECT w.place, t.typbasetype FROM walk w JOIN pg_type t ON t.oid = w.oid WHERE t.typtype = 'd'), "
         "base AS (SELECT w.place, t.* FROM (SELECT * FROM walk) w JOIN LATERAL "
         "  (SELECT oid AS type, CASE WHEN typinput = 'array_in'::regproc THEN typelem ELSE 0 END AS element FROM pg_type "
         "   WHERE oid = w.oid AND typtype <> 'd') t ON true) "
         "SELECT CASE WHEN c.oid IN (SELECT oid FROM pg_type) THEN format_type(c.oid, c.modifier) END, b.type, "
         "  CASE WHEN e.typtype = 'd' THEN e.typbasetype ELSE b.element END, e.typdelim "
         "FROM c LEFT JOIN base b USING (place) LEFT JOIN pg_type e ON e.oid = b.element AND b.element <> 0 ORDER BY c.place";
}

std::string primary_key_query(const RelationMessage& relation) {
  return "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
         "WHERE i.indisprimary AND i.indrelid = " +
         std::to_string(relation.id);
}

ColumnCodec codec_of(const Rows& rows, int row) {
  const std::uint32_t type = to_oid(rows.text(row, 1));
  const std::uint32_t element = to_oid(rows.text(row, 2));
  if (const auto builtin = builtin_codec(type)) return *builtin;
  if (element == 0) return {};  // an enum, a range, a composite, ...: its text
  ColumnCodec codec = builtin_codec(element).value_or(ColumnCodec{});
  if (codec.is_array) codec.format = TextFormat::kString;  // an array of a domain over an array
  codec.is_array = true;
  codec.delimiter = rows.text(row, 3).empty() ? ',' : rows.text(row, 3)[0];
  return codec;
}

}  // namespace

Result<RelationTypes> ServerRelationCatalog::describe(const RelationMessage& relation) {
  if (!connection_) connection_ = std::make_unique<Connection>(SLUICE_TRY(Connection::connect(options_, Connection::Mode::kSql, stop_)));
  Result<RelationTypes> types = ask(relation);
  if (!types) connection_.reset();
  return types;
}

Result<RelationTypes> ServerRelationCatalog::ask(const RelationMessage& relation) {
  const std::string doing = "look up the columns of " + relation.schema + '.' + relation.table;
  RelationTypes types;
  types.columns.resize(relation.columns.size());
  if (!relation.columns.empty()) {
    const Rows rows = SLUICE_TRY(connection_->query(types_query(relation), doing, stop_));
    if (rows.count() != static_cast<int>(relation.columns.size())) {
      return Error(ErrorKind::kTransient, "server_error", doing + ": the catalog gave " + std::to_string(rows.count()) + " answers");
    }
    for (int row = 0; row < rows.count(); ++row)
      types.columns[static_cast<std::size_t>(row)] = {std::string(rows.text(row, 0)), codec_of(rows, row)};
  }
  if (relation.identity == 'f') {
    const Rows rows = SLUICE_TRY(connection_->query(primary_key_query(relation), doing, stop_));
    for (int row = 0; row < rows.count(); ++row) types.primary_key.emplace_back(rows.text(row, 0));
  }
  return types;
}

}  // namespace sluice::sources::postgres
