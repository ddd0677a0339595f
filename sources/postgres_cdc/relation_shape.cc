#include "sources/postgres_cdc/relation_shape.h"

#include <algorithm>

namespace sluice::sources::postgres {

Result<NarrowedRelation> narrow(const RelationMessage& relation, const TableRule* rule) {
  NarrowedRelation result{relation, {}};
  if (rule == nullptr || rule->columns.empty()) return result;
  const auto& wanted = rule->columns;
  result.relation.columns.clear();
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    if (std::find(wanted.begin(), wanted.end(), relation.columns[i].name) == wanted.end()) continue;
    result.relation.columns.push_back(relation.columns[i]);
    result.kept.push_back(static_cast<std::uint32_t>(i));
  }
  if (result.kept.size() != wanted.size()) {
    return Error(ErrorKind::kFatal, "column_missing",
                 "read " + relation.schema + '.' + relation.table + ": the server does not send all of its `columns`");
  }
  if (result.kept.size() == relation.columns.size()) result.kept.clear();
  return result;
}

RelationShape make_shape(const RelationMessage& relation, const RelationTypes& types, const std::string& database, SchemaPool& schemas) {
  RelationShape shape;
  SchemaSpec spec{database, relation.schema, relation.table, {}, types.key};
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    const RelationTypes::Column& column = types.columns[i];
    const ColumnType& type = column.type;
    spec.fields.push_back({relation.columns[i].name, value_type(type.codec), column.nullable, type.name, type.base_type,
                           column.default_expression, type.labels});
    shape.codecs.push_back(type.codec);
  }
  shape.schema = schemas.intern(std::move(spec));
  return shape;
}

}  // namespace sluice::sources::postgres
