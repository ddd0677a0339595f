// `sluice explain --json`: the graph and the promises for programs.
#include <nlohmann/json.hpp>

#include "daemon/explain.h"

namespace sluice::daemon {

namespace {

using Json = nlohmann::ordered_json;

std::string_view guarantee_name(const Guarantee& guarantee) { return guarantee.exactly_once ? "exactly_once" : "at_least_once"; }

Json conditions(const std::vector<Condition>& when) {
  Json list = Json::array();
  for (const Condition& condition : when) list.push_back(condition.text());
  return list;
}

Json chain(const std::vector<StepConfig>& steps);

Json step_json(const StepConfig& step) {
  Json item = {{"name", step.name}, {"type", step.type()}, {"from", step.from}, {"when", conditions(step.when)}};
  if (!step.is_route) return item;
  item["outputs"] = Json::array();
  for (const ConfigNode& output : step.outputs) item["outputs"].push_back(output.text);
  return item;
}

Json chain(const std::vector<StepConfig>& steps) {
  Json list = Json::array();
  for (const StepConfig& step : steps) list.push_back(step_json(step));
  return list;
}

Json pipeline_json(const PipelineConfig& pipeline) {
  Json item = {{"name", pipeline.name}, {"file", pipeline.file}, {"description", pipeline.description}, {"config_hash", pipeline.hash}};
  item["sources"] = Json::array();
  for (const SourceConfig& source : pipeline.sources) {
    const Guarantee part = source.component->guarantee(source.config);
    item["sources"].push_back({{"name", source.name},
                               {"type", source.type()},
                               {"steps", chain(source.chain)},
                               {"guarantee", guarantee_name(part)},
                               {"reason", part.reason}});
  }
  item["steps"] = chain(pipeline.steps);
  item["sinks"] = Json::array();
  for (const SinkConfig& sink : pipeline.sinks) {
    const Guarantee whole = end_to_end(pipeline, sink);
    item["sinks"].push_back({{"name", sink.name},
                             {"type", sink.type()},
                             {"from", sink.from},
                             {"when", conditions(sink.when)},
                             {"steps", chain(sink.chain)},
                             {"guarantee", guarantee_name(whole)},
                             {"reason", whole.reason}});
  }
  item["unmatched"] =
      !pipeline.unmatched ? Json(nullptr) : Json(*pipeline.unmatched == pipeline::Unmatched::kDrop ? "drop" : "dead_letter");
  return item;
}

}  // namespace

std::string explain_json(const std::vector<PipelineConfig>& pipelines) {
  Json list = Json::array();
  for (const PipelineConfig& pipeline : pipelines) list.push_back(pipeline_json(pipeline));
  const Json all = {{"version", 1}, {"pipelines", std::move(list)}};
  return all.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sluice::daemon
