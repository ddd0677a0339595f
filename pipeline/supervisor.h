#pragma once
// All pipelines of a daemon, each on a thread of its own.  One that fails does not disturb the others.

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/pipeline.h"

namespace sluice::pipeline {

class Supervisor {
 public:
  ~Supervisor();  // stops and joins what still runs

  // Starts it; the environment's references must outlive the supervisor.
  void start(Definition definition, Environment environment);

  // Asks every pipeline to stop gracefully; returns at once.
  void request_stop();
  // True once every pipeline has finished, stopped or failed.
  bool all_finished() const;
  // Joins all; call after all_finished() or request_stop().
  void join();

  bool any_failed() const;
  std::vector<PipelineStatus> statuses() const;
  // nullptr for an unknown name.
  const Pipeline* find(std::string_view name) const;
  const std::vector<std::unique_ptr<Pipeline>>& pipelines() const { return pipelines_; }

 private:
  std::vector<std::unique_ptr<Pipeline>> pipelines_;
  std::vector<std::jthread> threads_;
};

}  // namespace sluice::pipeline
