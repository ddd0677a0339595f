#include "daemon/definition_builder.h"

#include "expr/expression.h"

namespace sluice::daemon {

namespace {

pipeline::PredicateFactory predicate_factory(const std::vector<Condition>& when) {
  if (when.empty()) return {};
  std::vector<std::string> sources;
  for (const Condition& condition : when) sources.push_back(condition.text());
  return [sources = std::move(sources)]() -> Result<std::unique_ptr<Predicate>> {
    expr::Program::Options options;
    options.must_be_bool = true;
    std::vector<std::unique_ptr<expr::Program>> programs;
    for (const std::string& source : sources) programs.push_back(SLUICE_TRY(expr::Program::compile(source, options)));
    return expr::make_predicate(std::move(programs));
  };
}

// Configurations may be large (rules, tables), so all instances share one.
template <typename T, typename Build>
std::function<Result<std::unique_ptr<T>>(const BuildContext&)> factory(const ComponentUse& use, Build Component::*build) {
  return [build = use.component->*build, config = std::make_shared<const Component::Config>(use.config)](const BuildContext& context) {
    return build(*config, context);
  };
}

pipeline::StepDefinition step_definition(const StepConfig& config) {
  pipeline::StepDefinition step;
  step.name = config.name;
  step.type = config.type();
  step.from = config.from;
  step.when = predicate_factory(config.when);
  step.on_error = config.on_error;
  for (const ConfigNode& output : config.outputs) step.outputs.push_back(output.text);
  if (config.is_route) {
    step.build_router = factory<Router>(config, &Component::build_router);
  } else {
    step.build = factory<Transform>(config, &Component::build_transform);
  }
  return step;
}

std::vector<pipeline::StepDefinition> chain_definition(const std::vector<StepConfig>& chain) {
  std::vector<pipeline::StepDefinition> steps;
  for (const StepConfig& step : chain) steps.push_back(step_definition(step));
  return steps;
}

pipeline::SourceDefinition source_definition(const SourceConfig& config) {
  pipeline::SourceDefinition source;
  source.name = config.name;
  source.type = config.type();
  source.chain = chain_definition(config.chain);
  source.build = factory<Source>(config, &Component::build_source);
  source.meta.assign(config.component->meta.begin(), config.component->meta.end());
  source.guarantee = config.component->guarantee(config.config);
  source.partitioned = config.component->partitioned(config.config);
  source.can_end = config.component->can_end(config.config);
  source.keeps_lag = config.component->keeps_lag;
  source.retry = config.retry;
  return source;
}

pipeline::SinkDefinition sink_definition(const SinkConfig& config) {
  pipeline::SinkDefinition sink;
  sink.name = config.name;
  sink.type = config.type();
  sink.from = config.from;
  sink.when = predicate_factory(config.when);
  sink.on_error = config.on_error;
  sink.chain = chain_definition(config.chain);
  sink.build = factory<Sink>(config, &Component::build_sink);
  sink.guarantee = config.component->guarantee(config.config);
  sink.commit = config.commit;
  sink.retry = config.retry;
  return sink;
}

}  // namespace

pipeline::Definition build_definition(const PipelineConfig& config) {
  pipeline::Definition result;
  result.name = config.name;
  for (const SourceConfig& source : config.sources) result.sources.push_back(source_definition(source));
  result.steps = chain_definition(config.steps);
  for (const SinkConfig& sink : config.sinks) result.sinks.push_back(sink_definition(sink));
  result.unmatched = config.unmatched.value_or(pipeline::Unmatched::kDrop);
  result.shards = config.shards;
  result.queue_bytes = config.queue_bytes.bytes;
  result.shutdown_timeout = config.shutdown_timeout;
  result.config_hash = config.hash;
  result.sources_hash = config.sources_hash;
  return result;
}

}  // namespace sluice::daemon
