#include "daemon/dead_letter_keys.h"

namespace sluice::daemon {

const ConfigFields<DeadLetterBudgetKeys>& DeadLetterBudgetKeys::fields() {
  static const auto kFields =
      ConfigFields<DeadLetterBudgetKeys>{}
          .optional("count", &DeadLetterBudgetKeys::count, "More dead letters than this within the time stop the pipeline.")
          .optional("share", &DeadLetterBudgetKeys::share,
                    "A larger share of the records than this, of at least 100 records within the time, stops the pipeline.")
          .optional("within", &DeadLetterBudgetKeys::within, "The time that count and share look back.")
          .check([](const DeadLetterBudgetKeys& keys, const ConfigNode& node, BindContext& context) {
            if (!keys.count && !keys.share) {
              context.findings.error(node, "missing_key", "a budget needs count or share", "count: 10000, or share: 5%");
            }
            if (keys.within.count() <= 0) context.findings.error(*node.find("within"), "out_of_range", "within must be longer than 0s");
          });
  return kFields;
}

const ConfigFields<DeadLetterKeys>& DeadLetterKeys::fields() {
  static const auto kFields =
      ConfigFields<DeadLetterKeys>{}
          .optional("copy_to", &DeadLetterKeys::copy_to, "A sink that also gets every dead letter, at least once.")
          .optional("keep", &DeadLetterKeys::keep, "How long letters are kept once they are replayed or discarded.")
          .optional(
              "keep_bytes", &DeadLetterKeys::keep_bytes,
              "How large the store may grow: letters replayed or discarded go first; when those that wait fill it alone, the pipeline "
              "stops (dead_letters_full).")
          .optional("budget", &DeadLetterKeys::budget, "Beyond it the pipeline stops (dead_letter_budget); off unless given.")
          .check([](const DeadLetterKeys& keys, const ConfigNode& node, BindContext& context) {
            constexpr std::uint64_t kLeast = 1 << 20U;  // the empty store and one batch of letters
            if (keys.keep_bytes.bytes < kLeast)
              context.findings.error(*node.find("keep_bytes"), "out_of_range", "keep_bytes must be at least 1MiB");
          });
  return kFields;
}

pipeline::DeadLetterPolicy dead_letter_policy(const DeadLetterKeys& keys) {
  pipeline::DeadLetterPolicy policy;
  policy.retention = {keys.keep, keys.keep_bytes.bytes};
  if (!keys.budget) return policy;
  pipeline::DeadLetterBudgetPolicy budget;
  budget.count = keys.budget->count;
  if (keys.budget->share) budget.share = keys.budget->share->fraction;
  budget.within = keys.budget->within;
  policy.budget = budget;
  return policy;
}

}  // namespace sluice::daemon
