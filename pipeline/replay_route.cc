#include "pipeline/replay_route.h"

#include <algorithm>
#include <optional>

namespace sluice::pipeline {

namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<std::size_t> step_of(const std::vector<StepDefinition>& chain, std::string_view name) {
  const auto found = std::find_if(chain.begin(), chain.end(), [&](const StepDefinition& step) { return step.name == name; });
  if (found == chain.end()) return std::nullopt;
  return static_cast<std::size_t>(found - chain.begin());
}

// The part of "ROUTE.OUTPUT" that names a step; names have no dots.
std::string_view step_name(std::string_view reference) { return reference.substr(0, reference.find('.')); }

// Names of sources and steps that have `from` before them, themselves included; a step stands after everything it reads.
std::vector<std::string> before(const Definition& definition, const std::vector<std::string>& from) {
  std::vector<std::string> names;
  for (const std::string& name : from) names.emplace_back(step_name(name));
  for (auto step = definition.steps.rbegin(); step != definition.steps.rend(); ++step) {
    if (!contains(names, step->name)) continue;
    for (const std::string& name : step->from) {
      if (!contains(names, step_name(name))) names.emplace_back(step_name(name));
    }
  }
  for (const SourceDefinition& source : definition.sources) {
    if (!contains(names, source.name)) continue;
    for (const StepDefinition& step : source.chain) names.push_back(step.name);
  }
  return names;
}

const SourceDefinition* find_source(const Definition& definition, std::string_view name) {
  for (const SourceDefinition& source : definition.sources) {
    if (source.name == name) return &source;
  }
  return nullptr;
}

Error gone(std::string_view code, std::string_view what, std::string_view name, std::string_view hint) {
  return {ErrorKind::kFatal, code,
          "the pipeline has no " + std::string(what) + " \"" + std::string(name) + "\" any more" + std::string(hint)};
}

// Only the sinks that lack the record, where that is known.
Status restrict_lanes(const Definition& definition, const std::vector<std::string>& sinks, ReplayRoute& route) {
  if (sinks.empty()) return {};
  std::erase_if(route.lanes, [&](std::size_t lane) { return !contains(sinks, definition.sinks[lane].name); });
  if (route.lanes.empty()) return gone("unknown_sink", "sink", sinks.front(), ", and every other one has the record");
  return {};
}

bool leads_to(const Definition& definition, const SourceDefinition& source, std::string_view step) {
  return contains(before(definition, {std::string(step)}), source.name);
}

// A place in the chain of the source, or at or behind a step.
Status find_place(const Definition& definition, const LetterPlace& place, const SourceDefinition& source, ReplayRoute& route) {
  const bool parse = place.phase == "parse" || place.phase == "decode";
  if (place.stage == source.name && parse) {
    route.entry = ReplayRoute::Entry::kOriginal;
  } else if (place.component == "unmatched" && leads_to(definition, source, place.stage)) {
    route.entry = ReplayRoute::Entry::kAfter;
    route.name = place.stage;
  } else if (const auto index = step_of(source.chain, place.stage)) {
    route.entry = ReplayRoute::Entry::kSourceChain;
    route.chain_index = *index;
  } else if (step_of(definition.steps, place.stage) && leads_to(definition, source, place.stage)) {
    route.entry = ReplayRoute::Entry::kStep;
    route.name = place.stage;
  } else {
    return gone("unknown_stage", "stage", place.stage, ": replay it from the start, or discard it");
  }
  return {};
}

// At the sink `lane` itself, or at a step of its own chain.
ReplayRoute lane_route(const SinkDefinition& sink, std::size_t lane, const LetterPlace& place) {
  ReplayRoute route;
  route.lanes = {lane};
  if (const auto index = step_of(sink.chain, place.stage)) {
    route.chain_index = *index;
    route.skip_when = true;
  } else if (place.phase != "transform") {
    route.chain_index = sink.chain.size();
    route.skip_when = true;
  }
  return route;
}

}  // namespace

std::vector<std::string> stages_before(const Definition& definition, std::size_t lane) {
  const SinkDefinition& sink = definition.sinks[lane];
  std::vector<std::string> names = before(definition, sink.from);
  names.push_back(sink.name);
  for (const StepDefinition& step : sink.chain) names.push_back(step.name);
  return names;
}

std::vector<std::size_t> lanes_behind(const Definition& definition, const std::string& stage) {
  std::vector<std::size_t> lanes;
  for (std::size_t lane = 0; lane < definition.sinks.size(); ++lane) {
    if (contains(stages_before(definition, lane), stage)) lanes.push_back(lane);
  }
  return lanes;
}

Result<ReplayRoute> route_letter(const Definition& definition, const LetterPlace& place) {
  const SourceDefinition* source = find_source(definition, place.source);
  if (source == nullptr) return gone("unknown_source", "source", place.source, ": discard the letter, or give the source its name back");
  ReplayRoute route;
  route.lanes = lanes_behind(definition, std::string(place.stage));
  const bool parse = place.stage == source->name && (place.phase == "parse" || place.phase == "decode");
  if (place.from_start && !parse) {
    if (route.lanes.empty()) route.lanes = lanes_behind(definition, source->name);  // the stage is gone, and so who lacks it is unknown
    route.entry = ReplayRoute::Entry::kSourceChain;
    SLUICE_TRY(restrict_lanes(definition, place.sinks, route));
    return route;
  }
  for (std::size_t lane = 0; lane < definition.sinks.size(); ++lane) {
    const SinkDefinition& sink = definition.sinks[lane];
    if (sink.name == place.stage || step_of(sink.chain, place.stage)) return lane_route(sink, lane, place);
  }
  SLUICE_TRY(find_place(definition, place, *source, route));
  SLUICE_TRY(restrict_lanes(definition, place.sinks, route));
  return route;
}

}  // namespace sluice::pipeline
