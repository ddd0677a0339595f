#include "pipeline/supervisor.h"

#include <algorithm>
#include <thread>

namespace sluice::pipeline {

namespace {

constexpr std::chrono::milliseconds kLookEvery{10};

bool by_name(const Supervisor::Handle& a, const Supervisor::Handle& b) { return a->definition().name < b->definition().name; }

}  // namespace

Supervisor::~Supervisor() { request_stop(); }

void Supervisor::start(Definition definition, Environment environment) {
  auto pipeline = std::make_shared<SupervisedPipeline>(std::move(definition), std::move(environment));
  const std::lock_guard lock(mutex_);
  pipelines_.insert(std::upper_bound(pipelines_.begin(), pipelines_.end(), pipeline, by_name), std::move(pipeline));
}

Supervisor::Handle Supervisor::take_out(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(pipelines_.begin(), pipelines_.end(), [&](const Handle& p) { return p->definition().name == name; });
  if (found == pipelines_.end()) return nullptr;
  Handle result = std::move(*found);
  pipelines_.erase(found);
  return result;
}

void Supervisor::request_stop() {
  for (const Handle& pipeline : pipelines()) pipeline->request_stop();
}

bool Supervisor::all_finished() const {
  const auto all = pipelines();
  return std::all_of(all.begin(), all.end(), [](const Handle& pipeline) { return pipeline->finished(); });
}

void Supervisor::join() {
  while (!all_finished()) std::this_thread::sleep_for(kLookEvery);
}

bool Supervisor::any_failed() const {
  const auto all = pipelines();
  return std::any_of(all.begin(), all.end(), [](const Handle& pipeline) { return pipeline->status().state == State::kFailed; });
}

std::vector<PipelineStatus> Supervisor::statuses() const {
  std::vector<PipelineStatus> result;
  for (const Handle& pipeline : pipelines()) result.push_back(pipeline->status());
  return result;
}

Supervisor::Handle Supervisor::find(std::string_view name) const {
  for (const Handle& pipeline : pipelines()) {
    if (pipeline->definition().name == name) return pipeline;
  }
  return nullptr;
}

std::vector<Supervisor::Handle> Supervisor::pipelines() const {
  const std::lock_guard lock(mutex_);
  return pipelines_;
}

}  // namespace sluice::pipeline
