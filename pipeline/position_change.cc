#include "pipeline/position_change.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "pipeline/errand.h"
#include "pipeline/identity.h"
#include "storage/durable_file.h"

namespace sluice::pipeline {

namespace {

constexpr std::string_view kWho = "position_change";
// The wish is kept in the format of a checkpoint, with these in the place of sinks.
constexpr const char* kSet = "set";
constexpr const char* kReset = "reset";
constexpr const char* kEverything = "everything";

std::string wish_path(const Environment& environment) { return environment.state_directory + "/position_change"; }

CheckpointStore checkpoint_store(const Environment& environment) {
  return {environment.state_directory + "/checkpoint", environment.faults};
}

Status write_wish(const Environment& environment, const PositionChange& change) {
  StoredCheckpoints wish;
  for (const auto& [key, position] : change.keys) wish.lanes[position ? kSet : kReset].emplace(key, position.value_or(Position{}));
  if (change.everything) wish.lanes[kEverything] = {};
  return CheckpointStore(wish_path(environment), environment.faults, kWho).save(wish);
}

// nullopt: there is none.
Result<std::optional<PositionChange>> read_wish(const Environment& environment) {
  std::error_code ignored;
  if (!std::filesystem::exists(wish_path(environment), ignored)) return std::optional<PositionChange>();
  StoredCheckpoints wish = SLUICE_TRY(CheckpointStore(wish_path(environment), environment.faults, kWho).load());
  PositionChange change;
  for (const auto& [key, position] : wish.lanes[kSet]) change.keys.emplace(key, position);
  for (const auto& [key, ignored_position] : wish.lanes[kReset]) change.keys.emplace(key, std::nullopt);
  change.everything = wish.lanes.contains(kEverything);
  return std::optional(std::move(change));
}

Status remove_wish(const Environment& environment) {
  const std::string path = wish_path(environment);
  environment.faults.reach("position_change.before_remove");
  std::error_code error;
  std::filesystem::remove(path, error);
  if (error) return storage::errno_error(error.value(), "remove", path);
  SLUICE_TRY(storage::sync_directory(storage::parent_directory(path)));
  environment.faults.reach("position_change.after_remove");
  return {};
}

// First everything is forgotten, then the new positions are stored: a sink never moves a position back.
Status change_in_sink(Sink& sink, const PositionChange& change, const std::stop_token& stop) {
  const std::optional<Checkpoint> said = SLUICE_TRY(sink.open(stop));
  if (!said) return {};
  std::vector<std::string> forgotten;
  for (const auto& [key, ignored] : *said) {
    if (change.everything || change.keys.contains(key)) forgotten.push_back(key);
  }
  Checkpoint through;
  for (const auto& [key, position] : change.keys) {
    if (position) through.emplace(key, *position);
  }
  const Checkpoint nothing;
  if (!forgotten.empty()) SLUICE_TRY(sink.commit({nothing, forgotten}, stop));
  if (!through.empty()) SLUICE_TRY(sink.commit({through, {}}, stop));
  return {};
}

Status change_in_sinks(const Definition& definition, const Environment& environment, const PositionChange& change,
                       const std::stop_token& stop) {
  Errand errand(definition.name, SLUICE_TRY(outside_name(environment.state_directory, definition.name)), environment);
  for (const SinkDefinition& defined : definition.sinks) {
    auto sink = defined.build(errand.context("sink", defined.name));
    if (!sink) return std::move(sink).error().context("sink \"" + defined.name + "\"");
    Status changed = change_in_sink(**sink, change, stop);
    // Nothing was written, so there is nothing to seal or to lose.
    static_cast<void>((*sink)->close(Sink::Closing::kAbandon).has_value());
    if (!changed) return std::move(changed).error().context("sink \"" + defined.name + "\"");
    environment.faults.reach("position_change.after_sink");
  }
  return {};
}

Status change_in_checkpoint(const Definition& definition, const Environment& environment, const PositionChange& change) {
  CheckpointStore store = checkpoint_store(environment);
  StoredCheckpoints stored = SLUICE_TRY(store.load());
  ++stored.sequence;
  const bool sets = std::any_of(change.keys.begin(), change.keys.end(), [](const auto& entry) { return entry.second.has_value(); });
  // A pipeline that never ran has no lanes yet: positions brought from elsewhere give it them.
  if (stored.lanes.empty() && sets) {
    for (const SinkDefinition& sink : definition.sinks) stored.lanes.emplace(sink.name, Checkpoint{});
  }
  if (change.everything) stored.lanes.clear();
  for (auto& [sink, checkpoint] : stored.lanes) {
    for (const auto& [key, position] : change.keys) {
      checkpoint.erase(key);
      if (position) checkpoint.emplace(key, *position);
    }
  }
  return store.save(stored);
}

Result<std::vector<std::string>> apply(const Definition& definition, const Environment& environment, const PositionChange& change,
                                       const std::stop_token& stop) {
  std::vector<std::string> removed;
  if (change.everything) removed = SLUICE_TRY(clean_origins(definition, environment, stop));
  SLUICE_TRY(change_in_sinks(definition, environment, change, stop));
  SLUICE_TRY(change_in_checkpoint(definition, environment, change));
  SLUICE_TRY(remove_wish(environment));
  return removed;
}

const SourceDefinition* source_of(const Definition& definition, std::string_view key) {
  for (const SourceDefinition& source : definition.sources) {
    if (key.starts_with(source.name + "/")) return &source;
  }
  return nullptr;
}

// Whether the source keeps more than the two numbers for any of its partitions.
bool uses_resume(const StoredCheckpoints& stored, const SourceDefinition& source) {
  for (const auto& [sink, checkpoint] : stored.lanes) {
    for (const auto& [key, position] : checkpoint) {
      if (key.starts_with(source.name + "/") && !position.resume.empty()) return true;
    }
  }
  return false;
}

}  // namespace

Result<StoredCheckpoints> stored_positions(const Environment& environment) { return checkpoint_store(environment).load(); }

Status check_position_change(const Definition& definition, const Environment& environment, const PositionChange& change) {
  const StoredCheckpoints stored = SLUICE_TRY(stored_positions(environment));
  for (const auto& [key, position] : change.keys) {
    const SourceDefinition* source = source_of(definition, key);
    if (source == nullptr) {
      return Error(ErrorKind::kFatal, "unknown_source",
                   fmt::format("\"{}\" is no key of a source of \"{}\"; a key is <source>/<partition>, as `positions show` has it", key,
                               definition.name));
    }
    if (position && position->resume.empty() && uses_resume(stored, *source)) {
      return Error(ErrorKind::kFatal, "resume_needed",
                   fmt::format("the source \"{}\" keeps more than two numbers for a position, and without it could not go on at \"{}\"; "
                               "give `resume` as `positions show --json` showed it, or reset the key",
                               source->name, key));
    }
  }
  return {};
}

Result<std::vector<std::string>> change_positions(const Definition& definition, const Environment& environment,
                                                  const PositionChange& change, const std::stop_token& stop) {
  SLUICE_TRY(check_position_change(definition, environment, change));
  // One that was interrupted comes first: it may have changed a sink already.
  SLUICE_TRY(finish_position_change(definition, environment, stop));
  SLUICE_TRY(write_wish(environment, change));
  return apply(definition, environment, change, stop);
}

Status finish_position_change(const Definition& definition, const Environment& environment, const std::stop_token& stop) {
  const std::optional<PositionChange> wish = SLUICE_TRY(read_wish(environment));
  if (!wish) return {};
  auto removed = apply(definition, environment, *wish, stop);
  if (!removed) return std::move(removed).error().context("finish the change of positions");
  environment.log.info("a change of positions that was interrupted is done", {{"pipeline", definition.name}});
  return {};
}

Result<std::vector<std::string>> clean_origins(const Definition& definition, const Environment& environment, const std::stop_token& stop) {
  Errand errand(definition.name, SLUICE_TRY(outside_name(environment.state_directory, definition.name)), environment);
  std::vector<std::string> removed;
  for (const SourceDefinition& defined : definition.sources) {
    auto source = defined.build(errand.context("source", defined.name));
    if (!source) return std::move(source).error().context("source \"" + defined.name + "\"");
    auto lines = (*source)->cleanup(stop);
    static_cast<void>((*source)->close().has_value());
    if (!lines) return std::move(lines).error().context("source \"" + defined.name + "\"");
    for (std::string& line : *lines) removed.push_back(defined.name + ": " + std::move(line));
    environment.faults.reach("position_change.after_cleanup");
  }
  return removed;
}

}  // namespace sluice::pipeline
