#pragma once
// Points, geometries and vectors from PostgreSQL's text.  Each is false where the text has another form.  `bytes` is scratch memory.

#include <string>

#include "core/value.h"
#include "formats/text_buffer.h"

namespace sluice::debezium {

// (1.5,-2) -> {"x":1.5,"y":-2.0,"wkb":...,"srid":null}
bool write_point(const Value& value, std::string& bytes, TextBuffer& out);
// PostGIS's hexadecimal EWKB -> {"wkb":...,"srid":4326}
bool write_geometry(const Value& value, std::string& bytes, TextBuffer& out);
// pgvector's [1,2.5] -> [1.0,2.5]
bool write_vector(const Value& value, bool as_float, TextBuffer& out);
// pgvector's {1:1.5,3:2}/5 -> {"dimensions":5,"vector":[[1,1.5],[3,2.0]]}
bool write_sparse_vector(const Value& value, TextBuffer& out);
// The text of a box, circle, line, ... with its numbers as PostgreSQL's Java driver writes them: (3,4),(1,2) -> (3.0,4.0),(1.0,2.0)
bool shape_text(const Value& value, std::string& bytes);

}  // namespace sluice::debezium
