#include "sources/postgres_cdc/relation_shape.h"

namespace sluice::sources::postgres {

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
