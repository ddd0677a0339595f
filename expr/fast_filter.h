#pragma once
// The commonest conditions without the evaluator: fields of `this` compared with constants and joined by &&, over ints, doubles and
// short texts.  For anything else on the way (another type, an absent field) it says kUnknown and the evaluator decides; where it
// answers, it answers what the evaluator would.  One thread.

#include <cstdint>
#include <cstring>
#include <vector>

#include "core/record.h"
#include "expr/compiled.h"

namespace sluice::expr {

class FastFilter {
 public:
  explicit FastFilter(const Code& code);

  enum class Answer : std::uint8_t { kFalse, kTrue, kUnknown };

  Answer test(const Record& record) {
    if (steps_.empty() || record.schema == nullptr) return Answer::kUnknown;
    const std::uint32_t* slot = slots_of(*record.schema);
    const std::span<const Value> row = record.row();
    for (const Step& step : steps_) {
      if (*slot >= row.size()) return Answer::kUnknown;
      const Value& value = row.data()[*slot++];
      unsigned outcome = 0;
      switch (value.type()) {
        case Value::Type::kInt64:
          if (!step.takes_int) return Answer::kUnknown;
          outcome = 1U + static_cast<unsigned>(value.as_int64() > step.integer) - static_cast<unsigned>(value.as_int64() < step.integer);
          break;
        case Value::Type::kFloat64:
          if (!step.takes_double) return Answer::kUnknown;
          outcome = order(value.as_float64(), step.real);
          break;
        case Value::Type::kString:
          if (!step.takes_text) return Answer::kUnknown;
          outcome = first_word(value) == first_word(step.text) && value.as_uint64() == step.text.as_uint64() ? 1 : 0;
          break;
        default: return Answer::kUnknown;
      }
      if (((step.holds >> outcome) & 1U) == 0) return Answer::kFalse;
    }
    return Answer::kTrue;
  }

 private:
  struct Step {
    std::uint32_t field = 0;
    std::uint8_t holds = 0;  // comparison_bits()
    bool takes_int = false;
    bool takes_double = false;
    bool takes_text = false;  // == and != with a text of at most 14 bytes, which is inside its Value and padded with zeros
    std::int64_t integer = 0;
    double real = 0;
    Value text;
  };

  static unsigned order(double a, double b) { return a < b ? 0U : a == b ? 1U : a > b ? 2U : 3U; }
  static std::uint64_t first_word(const Value& value) {
    std::uint64_t word = 0;
    std::memcpy(&word, &value, sizeof(word));
    return word;
  }

  const std::uint32_t* slots_of(const Schema& schema) {
    return cache_.find(schema, steps_.size(),
                       [this](const Schema& found, std::size_t i) { return found.find(code_.fields[steps_[i].field].name); });
  }
  bool add(const Instruction& op);

  const Code& code_;
  std::vector<Step> steps_;  // empty: not such a condition
  SlotCache cache_;
};

}  // namespace sluice::expr
