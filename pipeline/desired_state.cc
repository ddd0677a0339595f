#include "pipeline/desired_state.h"

#include <fmt/format.h>

#include <sstream>

#include "storage/durable_file.h"

namespace sluice::pipeline {

namespace {

constexpr std::string_view kMagic = "sluice-desired-state";
constexpr unsigned kVersion = 1;
constexpr std::uint64_t kMost = 4096;  // bytes

std::string path_in(const std::string& state_directory) { return state_directory + "/desired_state"; }

}  // namespace

DesiredState load_desired_state(const std::string& state_directory) {
  const auto text = storage::read_file(path_in(state_directory), kMost);
  if (!text) return {true, 0, text.error().message()};
  if (!*text) return {};
  std::istringstream words(**text);
  std::string magic, state;
  unsigned version = 0;
  DesiredState result;
  words >> magic >> version >> state >> result.since;
  const bool known = magic == kMagic && version == kVersion && (state == "paused" || state == "running");
  if (!words || !known) return {true, 0, fmt::format("\"{}\" is damaged or of a newer version", path_in(state_directory))};
  result.paused = state == "paused";
  return result;
}

Status save_desired_state(const std::string& state_directory, const DesiredState& state, FaultPoints& faults) {
  const std::string line = fmt::format("{} {} {} {}\n", kMagic, kVersion, state.paused ? "paused" : "running", state.since);
  return storage::replace_file(path_in(state_directory), line, faults, "desired_state");
}

}  // namespace sluice::pipeline
