#pragma once
// The columns of the tables that a configuration reads, asked of the server before anything starts (`validate --online`).

#include "core/record_shape.h"
#include "sources/postgres_cdc/config.h"

namespace sluice::sources::postgres {

// All tables together, each column with its type.  Nothing without context.online.  Errors as the catalogue's, and those of finding the
// tables: table_missing.
Result<KnownShape> catalog_shape(const PostgresCdcConfig& config, const ShapeContext& context);

}  // namespace sluice::sources::postgres
