#pragma once
// `dead_letters:` of a pipeline file.  Private to daemon/.

#include <chrono>
#include <optional>

#include "core/config_fields.h"
#include "pipeline/definition.h"

namespace sluice::daemon {

struct DeadLetterBudgetKeys {
  std::optional<std::uint64_t> count;
  std::optional<Share> share;
  std::chrono::milliseconds within{60'000};
  static const ConfigFields<DeadLetterBudgetKeys>& fields();
};

struct DeadLetterKeys {
  std::optional<ConfigNode> copy_to;  // a sink, read in a second pass
  std::chrono::milliseconds keep{std::chrono::hours(24 * 30)};
  ByteSize keep_bytes{10ULL << 30U};
  std::optional<DeadLetterBudgetKeys> budget;
  static const ConfigFields<DeadLetterKeys>& fields();
};

// Without the copy, which only the registry can read.
pipeline::DeadLetterPolicy dead_letter_policy(const DeadLetterKeys& keys);

}  // namespace sluice::daemon

namespace sluice {

// As it stands, for a later pass.
template <>
struct ConfigType<ConfigNode> {
  static bool bind(const ConfigNode& node, ConfigNode& out, BindContext&) { return out = node, true; }
  static std::string type_name() { return "mapping or list"; }
  static std::string show(const ConfigNode&) { return {}; }
};

}  // namespace sluice
