#pragma once
// Values as CEL's conformance suite writes them in JSON ({"int64_value": "1"}), and as plain JSON.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/arena.h"
#include "core/result.h"
#include "core/value.h"

namespace sluice::expr {

// kBadRecord when `notation` is no value; may throw what nlohmann::json throws.
Result<Value> from_notation(const nlohmann::ordered_json& notation, Arena& arena);
nlohmann::ordered_json to_notation(const Value& value);

// Integral tokens become int (uint beyond it), others double.
Value from_json(const nlohmann::ordered_json& json, Arena& arena);
// Decimals and times become text, bytes base64.
nlohmann::ordered_json to_json(const Value& value);

}  // namespace sluice::expr
