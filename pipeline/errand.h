#pragma once
// What a component that is built for one errand may reach: its pipeline does not run.  One thread.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/labelled_metrics.h"
#include "pipeline/definition.h"

namespace sluice::pipeline {

class Errand {
 public:
  // `environment` outlives it; `known_as`: what outside_name() says of the pipeline.
  Errand(std::string pipeline, std::string known_as, const Environment& environment)
      : pipeline_(std::move(pipeline)), known_as_(std::move(known_as)), environment_(environment) {}

  BuildContext context(std::string_view kind, const std::string& component) {
    const Labels labels{{"pipeline", pipeline_}, {"component_kind", std::string(kind)}, {"component", component}};
    metrics_.push_back(std::make_unique<LabelledMetrics>(environment_.metrics, labels));
    return {pipeline_,
            component,
            0,
            1,
            environment_.state_directory,
            environment_.instance,
            *metrics_.back(),
            schemas_,
            environment_.log,
            environment_.clock,
            environment_.faults,
            known_as_};
  }

 private:
  const std::string pipeline_, known_as_;
  const Environment& environment_;
  SchemaPool schemas_;
  std::vector<std::unique_ptr<LabelledMetrics>> metrics_;
};

}  // namespace sluice::pipeline
