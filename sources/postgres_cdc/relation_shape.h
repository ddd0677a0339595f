#pragma once
// From what the server says of a relation to the schema of its records and the codecs of its columns.  The stream and the snapshot
// both go through here: a row has the same schema and the same values whichever way it came.

#include <string>
#include <vector>

#include "core/schema.h"
#include "sources/postgres_cdc/pgoutput_decoder.h"
#include "sources/postgres_cdc/relation_catalog.h"

namespace sluice::sources::postgres {

struct RelationShape {
  SchemaRef schema;
  std::vector<ColumnCodec> codecs;  // as many as the relation has columns
};

// `types` is the catalogue's answer for `relation`.
RelationShape make_shape(const RelationMessage& relation, const RelationTypes& types, const std::string& database, SchemaPool& schemas);

}  // namespace sluice::sources::postgres
