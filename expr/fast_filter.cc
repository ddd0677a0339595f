#include "expr/fast_filter.h"

namespace sluice::expr {

FastFilter::FastFilter(const Code& code) : code_(code) {
  const Instruction& root = code.ops[code.root];
  bool good = true;
  if (root.kind == OpKind::kCompareField) {
    good = add(root);
  } else if (root.kind == OpKind::kAnd) {
    for (std::uint32_t i = 0; good && i < root.count; ++i) good = add(code.ops[code.operands[root.first + i]]);
  }
  if (!good) steps_.clear();
}

bool FastFilter::add(const Instruction& op) {
  constexpr std::int64_t kExactInDouble = std::int64_t{1} << 53U;
  if (op.kind != OpKind::kCompareField || op.root != Root::kThis) return false;
  const Value& constant = code_.constants[op.first];
  const auto comparison = static_cast<Comparison>(op.sub);
  Step step;
  step.field = op.data;
  step.holds = comparison_bits(comparison);
  switch (constant.type()) {
    case Value::Type::kInt64:
      step.integer = constant.as_int64();
      step.real = static_cast<double>(step.integer);
      step.takes_int = true;
      step.takes_double = step.integer >= -kExactInDouble && step.integer <= kExactInDouble;
      break;
    case Value::Type::kFloat64:
      step.real = constant.as_float64();
      step.takes_double = true;
      break;
    case Value::Type::kString:
      step.text = constant;
      step.takes_text = comparison <= Comparison::kNotEqual && constant.as_text().size() <= Value::kInlineBytes;
      if (!step.takes_text) return false;
      break;
    default: return false;
  }
  steps_.push_back(step);
  return true;
}

}  // namespace sluice::expr
