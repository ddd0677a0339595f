#pragma once
// Runs Code over one record at a time.  One thread.

#include <span>
#include <vector>

#include "core/batch.h"
#include "core/record.h"
#include "expr/compiled.h"
#include "expr/context.h"
#include "expr/record_access.h"
#include "expr/regex_cache.h"

namespace sluice::expr {

enum class Truth : std::uint8_t { kFalse, kTrue, kFailed };

class Evaluator {
 public:
  // `code` outlives the evaluator.
  Evaluator(const Code& code, Rules rules);

  // Both set failure() when they return false or kFailed.
  bool evaluate(const Batch& batch, const Record& record, Arena& arena, Value& out);
  Truth test(const Batch& batch, const Record& record, Arena& arena);
  // The same without a record; `bindings` stand for the variables given at compilation.
  bool evaluate(std::span<const Value> bindings, Arena& arena, Value& out);

  const Failure& failure() const { return context_.failure; }
  RecordAccess& access() { return access_; }

 private:
  // Rounds of macros that one evaluation may take: a mistake must not hang a pipeline.
  static constexpr std::uint32_t kMaxRounds = 1'000'000;

  void start(Arena& arena);
  bool eval(std::uint32_t index, Value& out);
  Truth truth(std::uint32_t index);
  Truth truth_of_value(std::uint32_t index);

  const Value* operand_constant(const Instruction& op, std::size_t which) const;
  std::uint32_t operand(const Instruction& op, std::size_t which) const { return operands_[op.first + which]; }

  template <Truth kDecisive>
  Truth junction(const Instruction& op);
  template <Truth kDecisive>
  Truth junction_after_failure(const Instruction& op, std::uint32_t next);
  Truth negation(const Instruction& op);
  Truth compare(const Instruction& op);
  Truth compare_field(const Instruction& op);
  Truth comparison(Comparison comparison, const Value& a, const Value& b);
  Truth contained(const Instruction& op);
  Truth present(const Instruction& op);

  bool conditional(const Instruction& op, Value& out);
  bool arithmetic_op(const Instruction& op, Value& out);
  bool negate_op(const Instruction& op, Value& out);
  bool call(const Instruction& op, Value& out);
  bool field(const Instruction& op, Value& out);
  bool meta(const Instruction& op, Value& out);
  bool select(const Instruction& op, Value& out);
  bool optional_select(const Instruction& op, Value& out);
  bool index(const Instruction& op, Value& out);
  bool optional_index(const Instruction& op, Value& out);
  bool make_list(const Instruction& op, Value& out);
  bool make_map(const Instruction& op, Value& out);

  bool macro(const Instruction& op, Value& out);
  bool next_round();
  void bind(const MacroOp& macro, const Value& range, std::size_t round);
  Truth quantifier(const Instruction& op, const MacroOp& macro, const Value& range);
  Truth exists_one(const Instruction& op, const MacroOp& macro, const Value& range);
  bool collect(const Instruction& op, const MacroOp& macro, const Value& range, Value& out);
  bool transform_map(const Instruction& op, const MacroOp& macro, const Value& range, Value& out);
  bool map_optional(const Instruction& op, const MacroOp& macro, const Value& content, Value& out);

  const Code& code_;
  const Instruction* ops_;  // code_'s arrays
  const std::uint32_t* operands_;
  Context context_;
  RecordAccess access_;
  RegexCache regexes_;
  std::vector<Value> locals_;
  std::span<const Value> bindings_;
  std::uint32_t rounds_ = 0;
};

// What one item of a list, or of a map, is to macros and to `in`.
std::size_t item_count(const Value& range);

// What operand . field and operand [ key ] find; nullptr: nothing there.  Sets `known` to false when the operand has no fields.
const Value* find_member(const Value& operand, const Value& key, bool& known);

}  // namespace sluice::expr
