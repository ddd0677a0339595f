#pragma once
// All pipelines of a daemon, each on a thread of its own.  One that fails does not disturb the others.  Any thread.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/supervised_pipeline.h"

namespace sluice::pipeline {

class Supervisor {
 public:
  using Handle = std::shared_ptr<SupervisedPipeline>;

  // Stops and joins what still runs.
  ~Supervisor();

  // Starts it; the environment's references must outlive the supervisor.  A pipeline of the same name must have been taken out before.
  void start(Definition definition, Environment environment);
  // Out of the list; the caller stops it and lets it go.  Null for an unknown name.
  Handle take_out(std::string_view name);

  // Asks every pipeline to stop gracefully; returns at once.
  void request_stop();
  // True once every pipeline has finished, stopped or failed.  A paused one has not, unless it was asked to stop.
  bool all_finished() const;
  // Joins all; call after all_finished() or request_stop().  What they said last stays.
  void join();

  bool any_failed() const;
  std::vector<PipelineStatus> statuses() const;  // by name
  // Null for an unknown name.
  Handle find(std::string_view name) const;
  std::vector<Handle> pipelines() const;  // by name

 private:
  mutable std::mutex mutex_;
  std::vector<Handle> pipelines_;
};

}  // namespace sluice::pipeline
