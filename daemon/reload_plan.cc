#include "daemon/reload_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace sluice::daemon {

namespace {

using admin::PlannedPipeline;
using pipeline::Definition;

template <typename T>
const T* named(const std::vector<T>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

void explain_sources(const Definition& before, const Definition& after, std::vector<std::string>& out) {
  for (const auto& source : after.sources) {
    const auto* old = named(before.sources, source.name);
    if (old == nullptr) {
      out.push_back(fmt::format("source \"{}\" is new and begins as its configuration says", source.name));
    } else if (old->type != source.type) {
      out.push_back(
          fmt::format("source \"{}\" becomes {} instead of {}: its old positions mean nothing to it", source.name, source.type, old->type));
    }
  }
  for (const auto& source : before.sources) {
    if (named(after.sources, source.name) == nullptr)
      out.push_back(fmt::format("source \"{}\" is gone; its positions stay, so it would go on there under the same name", source.name));
  }
}

void explain_sinks(const Definition& before, const Definition& after, std::vector<std::string>& out) {
  for (const auto& sink : after.sinks) {
    const auto* old = named(before.sinks, sink.name);
    if (old == nullptr) {
      out.push_back(
          fmt::format("sink \"{}\" is new and begins where the slowest other sink stands; earlier records do not reach it", sink.name));
    } else if (old->type != sink.type) {
      out.push_back(
          fmt::format("sink \"{}\" becomes {} instead of {}: it must hold what the old one committed, else the pipeline stops as "
                      "progress_lost; a new name makes it a new sink",
                      sink.name, sink.type, old->type));
    }
  }
  for (const auto& sink : before.sinks) {
    if (named(after.sinks, sink.name) == nullptr)
      out.push_back(fmt::format("sink \"{}\" is gone: it no longer holds anything back, and its position is forgotten", sink.name));
  }
}

std::vector<std::string> positions_after_change(const Definition& before, const Definition& after) {
  std::vector<std::string> result = {"it drains, commits, and goes on where it stands"};
  explain_sources(before, after, result);
  explain_sinks(before, after, result);
  return result;
}

std::vector<std::string> positions_of_new(const NextPipeline& next) {
  if (next.has_positions) return {"the data directory has positions of this name: it goes on there"};
  return {"it begins as its sources' configuration says"};
}

}  // namespace

std::vector<PlannedPipeline> plan_reload(const std::vector<RunningPipeline>& running, const std::vector<NextPipeline>& next) {
  std::map<std::string, PlannedPipeline> plan;
  for (const RunningPipeline& one : running) {
    plan[one.definition.name] = {
        one.definition.name, "stop", {"its positions stay in the data directory: under the same name it would go on there"}};
  }
  for (const NextPipeline& one : next) {
    const std::string& name = one.definition.name;
    const auto old = std::find_if(running.begin(), running.end(), [&](const RunningPipeline& r) { return r.definition.name == name; });
    if (old == running.end()) {
      plan[name] = {name, "start", positions_of_new(one)};
    } else if (old->definition.config_hash == one.definition.config_hash) {
      plan[name] = {name, "none", {}};
    } else {
      plan[name] = {name, "change", positions_after_change(old->definition, one.definition)};
    }
  }
  std::vector<PlannedPipeline> result;
  for (auto& [name, planned] : plan) result.push_back(std::move(planned));
  return result;
}

}  // namespace sluice::daemon
