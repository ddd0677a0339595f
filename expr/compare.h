#pragma once
// Equality and order of values as expressions have them: all numbers on one line, different types unequal.  Stateless.

#include <compare>
#include <optional>

#include "core/value.h"

namespace sluice::expr {

bool is_number(Value::Type type);
// string, uuid, bits and json: a database's texts compare with string literals.
bool is_string_like(Value::Type type);

// Exact across int, uint, double and decimal; unordered with NaN.  Both are numbers.
std::partial_ordering compare_numbers(const Value& a, const Value& b);

// Deep; NaN differs from itself.  Never fails: values of different types are unequal.
bool equal(const Value& a, const Value& b);

// nullopt: the two have no order.
std::optional<std::partial_ordering> order(const Value& a, const Value& b);

// The entry of a map under `key`, or nullptr; keys match as numbers do: 1 is 1u is 1.0.
const Value* find_key(const Value& map, const Value& key);

}  // namespace sluice::expr
