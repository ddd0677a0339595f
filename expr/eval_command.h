#pragma once
// What `sluice eval` does, without the command line.  One thread.

#include <iosfwd>
#include <string>
#include <string_view>

#include "core/result.h"
#include "expr/expression.h"

namespace sluice::expr {

// The value of `expression` as JSON text; `this_json` is the object that `this` stands for (empty: no record).
// kInvalidConfig when the expression does not compile or `this_json` is no object, kBadRecord when evaluation fails.
Result<std::string> eval_text(std::string_view expression, std::string_view this_json, Rules rules);

// `sluice eval --cases FILE`: one case a line, {"expr": ..., "bindings": {...}}; one answer a line, {"value": {...}} in the notation
// of CEL's conformance suite or {"error": "message"}.  Never throws; a line that is no case is answered with an error.
void eval_cases(std::istream& in, std::ostream& out, Rules rules = Rules::kStrict);

}  // namespace sluice::expr
