#include "sources/postgres_cdc/relation_shape.h"

#include <algorithm>

namespace sluice::sources::postgres {

RelationShape make_shape(const RelationMessage& relation, const RelationTypes& types, const std::string& database, SchemaPool& schemas) {
  RelationShape shape;
  SchemaSpec spec{database, relation.schema, relation.table, {}, {}};
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    const RelationMessage::Column& column = relation.columns[i];
    spec.fields.push_back({column.name, value_type(types.columns[i].codec), true, types.columns[i].name});
    shape.codecs.push_back(types.columns[i].codec);
    // With the whole row as identity every column is flagged, and the key is the primary key, if there is one.
    const bool primary = std::find(types.primary_key.begin(), types.primary_key.end(), column.name) != types.primary_key.end();
    if (relation.identity == 'f' ? primary : column.in_identity) spec.key.push_back(static_cast<std::uint32_t>(i));
  }
  shape.schema = schemas.intern(std::move(spec));
  return shape;
}

}  // namespace sluice::sources::postgres
