#pragma once
// The operators + - * / % and unary minus over values.  Overflow is a failure, never a wrap.  Stateless.

#include "core/value.h"
#include "expr/context.h"

namespace sluice::expr {

// `op` is one of + - * / %.  False with context.failure set.  Numbers of different types meet as context.rules says.
bool arithmetic(Context& context, char op, const Value& a, const Value& b, Value& out);
bool negate(Context& context, const Value& a, Value& out);

// 0001-01-01T00:00:00Z .. 9999-12-31T23:59:59.999999999Z (google.protobuf.Timestamp).
bool is_timestamp_in_range(const Value& timestamp);
// Sum of a timestamp (or local timestamp) and nanoseconds; nullopt when out of range or infinite.
std::optional<Value> add_nanoseconds(const Value& timestamp, std::int64_t nanoseconds);

}  // namespace sluice::expr
