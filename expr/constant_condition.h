#pragma once
// Conditions that do not depend on the record: legal, and hardly ever meant.

#include <optional>

#include "expr/ast.h"
#include "expr/compile.h"

namespace sluice::expr {

struct ConstantCondition {
  bool value = false;
  SourceRange range;         // of what decides it
  bool comparisons = false;  // two comparisons of one value that rule each other out, or of which one always holds
};

// nullopt: it depends on the record or on the environment, or that cannot be told.  `source` must compile.
std::optional<ConstantCondition> constant_condition(std::string_view source, const CompileOptions& options);

}  // namespace sluice::expr
