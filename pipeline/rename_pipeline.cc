#include "pipeline/rename_pipeline.h"

#include <fmt/format.h>

#include <filesystem>

#include "pipeline/errand.h"
#include "pipeline/position_change.h"
#include "storage/durable_file.h"

namespace sluice::pipeline {

namespace {

using Said = std::optional<Checkpoint>;

// Opens the sink as `pipeline`, lets `act` work with what it says, and closes it.  Sealed: files that were committed and not finished yet
// would never be finished under a name that nobody uses any more.
template <typename F>
Status with_sink(const SinkDefinition& defined, const std::string& pipeline, const Environment& environment, const std::stop_token& stop,
                 F act) {
  Errand errand(pipeline, environment);
  auto sink = defined.build(errand.context("sink", defined.name));
  if (!sink) return std::move(sink).error().context("sink \"" + defined.name + "\"");
  Said said = SLUICE_TRY((*sink)->open(stop));
  Status done = said ? act(**sink, *said) : Status{};
  static_cast<void>((*sink)->close(Sink::Closing::kSeal).has_value());  // all is committed
  if (!done) return std::move(done).error().context("sink \"" + defined.name + "\"");
  return {};
}

Checkpoint without_retired(Checkpoint checkpoint) {
  std::erase_if(checkpoint, [](const auto& entry) { return entry.second.retired; });
  return checkpoint;
}

Status move_positions(const SinkDefinition& sink, const std::string& old_name, const std::string& new_name, const Checkpoint& known,
                      const Environment& environment, const std::stop_token& stop) {
  Checkpoint positions;
  const auto read = [&](Sink&, const Checkpoint& said) -> Status {
    positions = said;
    return {};
  };
  SLUICE_TRY(with_sink(sink, old_name, environment, stop, read));
  const Checkpoint nothing;
  const auto store = [&](Sink& target, const Checkpoint& said) -> Status {
    const bool moved_before = positions.empty() && covers(said, without_retired(known));
    if (moved_before) return {};
    if (positions.empty() && !known.empty()) {
      return Error(ErrorKind::kFatal, "progress_lost", "it knows less than the checkpoint, under the old name and under the new one");
    }
    if (!said.empty() && said != positions) {
      return Error(ErrorKind::kFatal, "name_in_use", "it has other positions under the name \"" + new_name + "\"");
    }
    return positions.empty() ? Status{} : target.commit({positions, {}}, stop);
  };
  SLUICE_TRY(with_sink(sink, new_name, environment, stop, store));
  environment.faults.reach("rename_pipeline.after_store");
  const auto forget = [&](Sink& target, const Checkpoint& said) -> Status {
    std::vector<std::string> keys;
    for (const auto& [key, ignored] : said) keys.push_back(key);
    return keys.empty() ? Status{} : target.commit({nothing, keys}, stop);
  };
  SLUICE_TRY(with_sink(sink, old_name, environment, stop, forget));
  environment.faults.reach("rename_pipeline.after_forget");
  return {};
}

}  // namespace

Status rename_pipeline(const Definition& definition, const std::string& old_name, const Environment& environment,
                       const std::string& new_directory, const std::stop_token& stop) {
  Definition as_it_was = definition;
  as_it_was.name = old_name;
  SLUICE_TRY(finish_position_change(as_it_was, environment, stop));
  const StoredCheckpoints stored = SLUICE_TRY(stored_positions(environment));
  for (const SinkDefinition& sink : definition.sinks) {
    const auto found = stored.lanes.find(sink.name);
    const Checkpoint known = found == stored.lanes.end() ? Checkpoint() : found->second;
    SLUICE_TRY(move_positions(sink, old_name, definition.name, known, environment, stop));
  }
  environment.faults.reach("rename_pipeline.before_rename");
  std::error_code error;
  std::filesystem::rename(environment.state_directory, new_directory, error);
  if (error) return storage::errno_error(error.value(), "rename", environment.state_directory);
  SLUICE_TRY(storage::sync_directory(storage::parent_directory(new_directory)));
  environment.faults.reach("rename_pipeline.after_rename");
  return {};
}

}  // namespace sluice::pipeline
