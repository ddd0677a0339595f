#include "sources/postgres_cdc/relation_catalog.h"

#include <algorithm>
#include <charconv>

namespace sluice::sources::postgres {

namespace {

template <typename T>
T to_number(const std::optional<std::string>& text) {
  T number = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

std::string oid_array(const std::vector<std::uint32_t>& oids) {
  std::string list;
  for (const std::uint32_t oid : oids) list += (list.empty() ? "" : ",") + std::to_string(oid);
  return "'{" + list + "}'::pg_catalog.oid[]";
}

// One row per column: relation, name, type, modifier, NOT NULL, default.  What a generated column computes is no default.
std::string columns_query(const std::vector<std::uint32_t>& relations) {
  return "SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod, a.attnotnull, "
         "  CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END "
         "FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
         "WHERE a.attrelid = ANY(" +
         oid_array(relations) + ") AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum";
}

// One row per column of an index that matters: relation, column, whether of the primary key, whether of the replica identity.
std::string keys_query(const std::vector<std::uint32_t>& relations) {
  return "SELECT i.indrelid, a.attname, i.indisprimary, i.indisreplident FROM pg_catalog.pg_index i "
         "CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY k(number, place) "
         "JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number "
         "WHERE i.indrelid = ANY(" +
         oid_array(relations) + ") AND (i.indisprimary OR i.indisreplident) AND k.place <= i.indnkeyatts ORDER BY 1, k.place";
}

// Walks from each type through domains, into the elements of an array and through their domains.  An array of a domain over an array
// stops at the inner array: its elements are text.  One row per type: as the server spells it; what was reached: oid, whether inside an
// array, delimiter, kind; and that with its modifier as the server spells it.
std::string types_query(const std::vector<std::pair<std::uint32_t, std::int32_t>>& types) {
  std::vector<std::uint32_t> oids;
  std::string modifiers;
  for (const auto& [oid, modifier] : types) {
    oids.push_back(oid);
    modifiers += (modifiers.empty() ? "" : ",") + std::to_string(modifier);
  }
  return "WITH RECURSIVE c(type, modifier, place) AS (SELECT * FROM ROWS FROM (pg_catalog.unnest(" + oid_array(oids) +
         "), pg_catalog.unnest('{" + modifiers +
         "}'::pg_catalog.int4[])) WITH ORDINALITY), "
         "walk(place, type, modifier, in_array, depth) AS (SELECT place, type, modifier, false, 0 FROM c UNION ALL "
         "  SELECT w.place, CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.typelem END, "
         "    CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE w.modifier END, w.in_array OR t.typtype <> 'd', w.depth + 1 "
         "  FROM walk w JOIN pg_catalog.pg_type t ON t.oid = w.type "
         "  WHERE t.typtype = 'd' OR t.typinput = 'pg_catalog.array_in'::pg_catalog.regproc AND NOT w.in_array) "
         "SELECT DISTINCT ON (c.place) pg_catalog.format_type(n.oid, c.modifier), w.type, w.in_array, t.typdelim, t.typtype, "
         "  pg_catalog.format_type(t.oid, w.modifier) || CASE WHEN w.in_array THEN '[]' ELSE '' END "
         "FROM c JOIN walk w USING (place) LEFT JOIN pg_catalog.pg_type t ON t.oid = w.type "
         "LEFT JOIN pg_catalog.pg_type n ON n.oid = c.type ORDER BY c.place, w.depth DESC";
}

ColumnType type_of(const CatalogRow& row) {
  ColumnType type;
  if (!row[0]) return type;  // dropped since
  type.name = *row[0];
  type.codec = builtin_codec(to_number<std::uint32_t>(row[1])).value_or(ColumnCodec{});  // an enum, a range, a composite, ...: its text
  if (row[2] == "t") {
    if (type.codec.is_array) type.codec.format = TextFormat::kString;
    type.codec.is_array = true;
    type.codec.delimiter = row[3] && !row[3]->empty() ? row[3]->front() : ',';
  }
  if (row[5] && *row[5] != type.name) type.base_type = *row[5];
  return type;
}

std::optional<std::uint32_t> index_of(const RelationMessage& relation, const std::string& name) {
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    if (relation.columns[i].name == name) return static_cast<std::uint32_t>(i);
  }
  return std::nullopt;
}

// All of `names`, or nothing when one is missing.
std::vector<std::uint32_t> indices_of(const RelationMessage& relation, const std::vector<std::string>& names) {
  std::vector<std::uint32_t> indices;
  for (const std::string& name : names) {
    const std::optional<std::uint32_t> index = index_of(relation, name);
    if (!index) return {};
    indices.push_back(*index);
  }
  return indices;
}

RelationTypes::Column column_of(const RelationMessage::Column& column, const ColumnType& type, const CatalogTable& table) {
  RelationTypes::Column result{type, {}, true};
  for (const CatalogTable::Column& candidate : table.columns) {
    if (candidate.name != column.name || candidate.type != column.type || candidate.modifier != column.modifier) continue;
    result.default_expression = candidate.default_expression;
    result.nullable = !candidate.not_null;
  }
  return result;
}

}  // namespace

Result<std::vector<std::uint32_t>> key_columns(const RelationMessage& relation, const CatalogTable& table, const TableRule* rule) {
  if (rule != nullptr && !rule->key.empty()) {
    std::vector<std::uint32_t> key = indices_of(relation, rule->key);
    if (!key.empty()) return key;
    return Error(ErrorKind::kFatal, "key_column_missing",
                 "read " + relation.schema + '.' + relation.table + ": a column of its `key` is not among those that the server sends");
  }
  if (relation.identity == 'f' || relation.identity == 'n') return indices_of(relation, table.primary_key);
  std::vector<std::uint32_t> flagged;
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    if (relation.columns[i].in_identity) flagged.push_back(static_cast<std::uint32_t>(i));
  }
  // The message has the set, the index its order; where they differ the index is a later one.
  std::vector<std::uint32_t> ordered = indices_of(relation, relation.identity == 'i' ? table.identity_index : table.primary_key);
  return std::is_permutation(ordered.begin(), ordered.end(), flagged.begin(), flagged.end()) ? ordered : flagged;
}

Result<CatalogRows> ServerRelationCatalog::query(const std::string& sql) {
  return connection_->query(sql, "look up columns in the server's catalogue", stop_);
}

Result<RelationTypes> ServerRelationCatalog::describe(const RelationMessage& relation) {
  if (!connection_) connection_ = SLUICE_TRY(CatalogConnection::open(options_, stop_));
  Result<RelationTypes> types = ask(relation);
  if (!types) {
    connection_.reset();
    return types;
  }
  auto& described = known_[relation.id].described;
  if (described && (described->first != relation || described->second != types.value())) changes_.add();
  described.emplace(relation, types.value());
  return types;
}

Result<RelationTypes> ServerRelationCatalog::ask(const RelationMessage& relation) {
  if (types_session_ != session_) types_.clear();
  types_session_ = session_;
  const auto found = known_.find(relation.id);
  const bool again = found != known_.end() && found->second.session == session_ && found->second.used;
  if (again) {  // the server says it twice because something changed
    for (const auto& column : relation.columns) types_.erase({column.type, column.modifier});
  }
  if (again || found == known_.end() || found->second.session != session_) SLUICE_TRY(load_tables(relation.id));
  SLUICE_TRY(load_types(relation));
  Known& known = known_[relation.id];
  known.used = true;
  RelationTypes types;
  for (const auto& column : relation.columns)
    types.columns.push_back(column_of(column, types_[{column.type, column.modifier}], known.table));
  types.key = SLUICE_TRY(key_columns(relation, known.table, filter_.rule_for(relation.schema, relation.table)));
  return types;
}

// The first question of a session asks for all that were read in earlier ones: 10,000 tables are then one question and not 10,000.
Status ServerRelationCatalog::load_tables(std::uint32_t wanted) {
  std::vector<std::uint32_t> relations{wanted};
  for (const auto& [id, known] : known_) {
    if (id != wanted && known.session != session_) relations.push_back(id);
  }
  std::unordered_map<std::uint32_t, CatalogTable> tables;
  for (CatalogRow& row : SLUICE_TRY(query(columns_query(relations)))) {
    tables[to_number<std::uint32_t>(row[0])].columns.push_back({row[1].value_or(""), to_number<std::uint32_t>(row[2]),
                                                                to_number<std::int32_t>(row[3]), row[4] == "t",
                                                                std::move(row[5]).value_or("")});
  }
  for (const CatalogRow& row : SLUICE_TRY(query(keys_query(relations)))) {
    CatalogTable& table = tables[to_number<std::uint32_t>(row[0])];
    if (row[2] == "t") table.primary_key.push_back(row[1].value_or(""));
    if (row[3] == "t") table.identity_index.push_back(row[1].value_or(""));
  }
  for (const std::uint32_t id : relations) {
    Known& known = known_[id];
    known.table = std::move(tables[id]);
    known.session = session_;
    known.used = false;
  }
  return {};
}

Status ServerRelationCatalog::load_types(const RelationMessage& relation) {
  std::vector<TypeKey> missing;
  for (const auto& column : relation.columns) {
    const TypeKey key{column.type, column.modifier};
    if (!types_.contains(key) && std::find(missing.begin(), missing.end(), key) == missing.end()) missing.push_back(key);
  }
  if (missing.empty()) return {};
  const CatalogRows rows = SLUICE_TRY(query(types_query(missing)));
  if (rows.size() != missing.size()) {
    return Error(ErrorKind::kTransient, "server_error",
                 "look up the types of " + relation.schema + '.' + relation.table + ": the catalogue gave " + std::to_string(rows.size()) +
                     " answers to " + std::to_string(missing.size()) + " questions");
  }
  std::map<std::uint32_t, std::vector<TypeKey>> enumerations;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    types_[missing[i]] = type_of(rows[i]);
    if (rows[i][4] == "e") enumerations[to_number<std::uint32_t>(rows[i][1])].push_back(missing[i]);
  }
  return enumerations.empty() ? Status() : load_labels(enumerations);
}

Status ServerRelationCatalog::load_labels(const std::map<std::uint32_t, std::vector<TypeKey>>& enumerations) {
  std::vector<std::uint32_t> oids;
  for (const auto& [oid, users] : enumerations) oids.push_back(oid);
  const std::string sql = "SELECT enumtypid, enumlabel FROM pg_catalog.pg_enum WHERE enumtypid = ANY(" + oid_array(oids) +
                          ") ORDER BY enumtypid, enumsortorder";
  for (const CatalogRow& row : SLUICE_TRY(query(sql))) {
    for (const TypeKey& user : enumerations.at(to_number<std::uint32_t>(row[0]))) types_[user].labels.push_back(row[1].value_or(""));
  }
  return {};
}

}  // namespace sluice::sources::postgres
