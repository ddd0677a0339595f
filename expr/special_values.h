#pragma once
// The values of CEL that records never hold: types and optionals.  They are structs of two private schemas, so that a Value can
// carry them through an evaluation; Program::evaluate() refuses to hand them out.

#include <string_view>

#include "core/arena.h"
#include "core/value.h"

namespace sluice::expr {

Value make_type(Arena& arena, std::string_view static_name);
bool is_type(const Value& value);
// Of a type value.
std::string_view type_value_name(const Value& value);

// "int", "list", "google.protobuf.Timestamp", ...: what type() answers.  Static.
std::string_view type_of(const Value& value);

Value make_optional(Arena& arena, const Value& content);
Value no_optional(Arena& arena);
bool is_optional(const Value& value);
// nullptr: the optional is empty.
const Value* optional_content(const Value& value);

// A struct as records have it: neither a type nor an optional.
bool is_plain_struct(const Value& value);

}  // namespace sluice::expr
