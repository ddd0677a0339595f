#pragma once
// One running pipeline: its shards, its lanes, its keeper.  Owned by the Supervisor or a test.
//
//   run() on a thread of the caller's; everything else from any thread.
//
// Start: build all, open lanes, compute the minimum, open sources, start lanes, then shards.  Stop: sources first, drain, flush dead
// letters, commit, acknowledge; bounded by shutdown_timeout, after which nothing is committed and the next start replays.

#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/result.h"
#include "dlq/dead_letter_service.h"
#include "pipeline/definition.h"
#include "pipeline/status.h"
#include "pipeline/taps.h"

namespace sluice::pipeline {

class Pipeline {
 public:
  Pipeline(Definition definition, Environment environment);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // Runs until every source has finished and all is committed, until `stop`, or until it fails.  Blocks.  Call once.
  // OK: finished or stopped gracefully.  An error: the pipeline failed (also in status()).
  // Throws nothing but SimulatedCrash, and that only under a test's FaultPoints.
  Status run(std::stop_token stop);

  PipelineStatus status() const;
  std::vector<LaneBooks> books() const;  // one consistent snapshot
  bool finished() const;                 // run() has returned
  // List, show, replay, discard; also before run() and after it, and it may outlive the pipeline.
  std::shared_ptr<dlq::DeadLetterService> dead_letters() const;

  // Listeners of this run; they hear of its end.
  std::shared_ptr<Taps> taps() const;

  // Asks `source` (empty: the only one) to read these tables again; blocks until its thread has taken the wish.  kFatal unknown_source,
  // not_running, or what the source says; kTransient source_busy.
  Status request_snapshot(const std::string& source, std::span<const std::string> tables, std::stop_token stop);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::pipeline
