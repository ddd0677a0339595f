#include "pipeline/supervisor.h"

#include <algorithm>

namespace sluice::pipeline {

Supervisor::~Supervisor() {
  request_stop();
  join();
}

void Supervisor::start(Definition definition, Environment environment) {
  pipelines_.push_back(std::make_unique<Pipeline>(std::move(definition), std::move(environment)));
  Pipeline* pipeline = pipelines_.back().get();
  // The result stands in status(); a failed pipeline does not end the others.
  threads_.emplace_back([pipeline](std::stop_token stop) { static_cast<void>(pipeline->run(stop).has_value()); });
}

void Supervisor::request_stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

bool Supervisor::all_finished() const {
  return std::all_of(pipelines_.begin(), pipelines_.end(), [](const auto& pipeline) { return pipeline->finished(); });
}

void Supervisor::join() { threads_.clear(); }

bool Supervisor::any_failed() const {
  return std::any_of(pipelines_.begin(), pipelines_.end(), [](const auto& pipeline) { return pipeline->status().state == State::kFailed; });
}

std::vector<PipelineStatus> Supervisor::statuses() const {
  std::vector<PipelineStatus> result;
  for (const auto& pipeline : pipelines_) result.push_back(pipeline->status());
  return result;
}

const Pipeline* Supervisor::find(std::string_view name) const {
  for (const auto& pipeline : pipelines_) {
    if (pipeline->status().name == name) return pipeline.get();
  }
  return nullptr;
}

}  // namespace sluice::pipeline
