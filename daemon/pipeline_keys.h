#pragma once
// The keys of a pipeline file that are no component's own: bound like a component's, from one list each.  Private to daemon/.

#include <optional>
#include <string>
#include <vector>

#include "core/config_fields.h"
#include "daemon/pipeline_config.h"

namespace sluice::daemon {

// "never" or a duration.
struct GiveUpAfter {
  std::optional<std::chrono::milliseconds> after;
};

// An expression, or a list of them: all must hold.
struct WhenList {
  std::vector<Condition> all;
};

// A name, or a list of names.
struct ReferenceList {
  std::vector<Reference> names;
};

struct RetryKeys {
  std::chrono::milliseconds initial{200}, max{30'000};
  GiveUpAfter give_up_after;
  static const ConfigFields<RetryKeys>& fields();
};

struct CheckpointKeys {
  std::chrono::milliseconds every{1000};
  std::uint64_t records = 10'000;
  ByteSize bytes{16ULL << 20U};
  static const ConfigFields<CheckpointKeys>& fields();
};

struct DeadLetterKeys {
  std::chrono::milliseconds keep{std::chrono::hours(24 * 30)};
  ByteSize keep_bytes{10ULL << 30U};
  static const ConfigFields<DeadLetterKeys>& fields();
};

struct PipelineKeys {
  std::optional<std::string> name;
  std::string description;
  std::optional<ConfigNode> source, sources, transforms, sink, sinks, reference;  // read in a second pass
  std::optional<pipeline::Unmatched> unmatched;
  DeadLetterKeys dead_letters;
  unsigned shards = 1;
  ByteSize queue_bytes{16ULL << 20U};
  CheckpointKeys checkpoint;
  RetryKeys retry;
  std::chrono::milliseconds shutdown_timeout{30'000};
  static const ConfigFields<PipelineKeys>& fields();
};

// Beside the component's key of a source, step or sink.  Which of them are known depends on where it stands.
struct CommonKeys {
  std::optional<std::string> name;
  std::optional<ReferenceList> from;
  WhenList when;
  pipeline::OnError on_error = pipeline::OnError::kDeadLetter;
  std::optional<ConfigNode> transforms;
  CheckpointKeys checkpoint;
  RetryKeys retry;
};

}  // namespace sluice::daemon

namespace sluice {

template <>
struct EnumNames<pipeline::OnError> {
  static constexpr std::array kNames = {std::pair{std::string_view{"dead_letter"}, pipeline::OnError::kDeadLetter},
                                        std::pair{std::string_view{"drop"}, pipeline::OnError::kDrop},
                                        std::pair{std::string_view{"tag"}, pipeline::OnError::kTag},
                                        std::pair{std::string_view{"stop"}, pipeline::OnError::kStop}};
};

template <>
struct EnumNames<pipeline::Unmatched> {
  static constexpr std::array kNames = {std::pair{std::string_view{"drop"}, pipeline::Unmatched::kDrop},
                                        std::pair{std::string_view{"dead_letter"}, pipeline::Unmatched::kDeadLetter}};
};

// As it stands, for a later pass.
template <>
struct ConfigType<ConfigNode> {
  static bool bind(const ConfigNode& node, ConfigNode& out, BindContext&) { return out = node, true; }
  static std::string type_name() { return "mapping or list"; }
  static std::string show(const ConfigNode&) { return {}; }
};

template <>
struct ConfigType<daemon::GiveUpAfter> {
  static bool bind(const ConfigNode& node, daemon::GiveUpAfter& out, BindContext& context);
  static std::string type_name() { return "never | duration"; }
  static std::string show(const daemon::GiveUpAfter& value);
};

template <>
struct ConfigType<daemon::WhenList> {
  static bool bind(const ConfigNode& node, daemon::WhenList& out, BindContext& context);
  static std::string type_name() { return "condition or list of conditions"; }
  static std::string show(const daemon::WhenList&) { return {}; }
};

template <>
struct ConfigType<daemon::ReferenceList> {
  static bool bind(const ConfigNode& node, daemon::ReferenceList& out, BindContext& context);
  static std::string type_name() { return "name or list of names"; }
  static std::string show(const daemon::ReferenceList&) { return {}; }
};

}  // namespace sluice
