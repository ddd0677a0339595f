// core/predicate.h over compiled expressions.
#include "expr/expression.h"

namespace sluice::expr {

namespace {

class ProgramPredicate final : public Predicate {
 public:
  explicit ProgramPredicate(std::vector<std::unique_ptr<Program>> programs) : programs_(std::move(programs)) {}

  void select(const Batch& batch, std::span<const std::uint32_t> candidates, std::vector<std::uint32_t>& holding,
              Rejects& failed) override {
    for (const std::uint32_t index : candidates) {
      const Record& record = batch.records()[index];
      Result<bool> holds = test(batch, record);
      if (!holds) {
        failed.add(index, std::move(holds).error());
      } else if (*holds) {
        holding.push_back(index);
      }
    }
  }

 private:
  Result<bool> test(const Batch& batch, const Record& record) {
    for (const auto& program : programs_) {
      if (record.op == Op::kDelete && program->lacks_fields(batch, record)) continue;
      Result<bool> holds = program->test(batch, record);
      if (!holds || !*holds) return holds;
    }
    return true;
  }

  std::vector<std::unique_ptr<Program>> programs_;
};

}  // namespace

std::unique_ptr<Predicate> make_predicate(std::vector<std::unique_ptr<Program>> all_must_hold) {
  return std::make_unique<ProgramPredicate>(std::move(all_must_hold));
}

}  // namespace sluice::expr
