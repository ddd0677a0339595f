#pragma once
// One pipeline of a daemon over all its runs: started, paused, resumed and restarted, on a thread of its own.
//
//              resume                        sources ended, or failed
//   [paused] ----------> [running] -----------------------------------> [ended]
//       ^                 |      ^                                         |
//       `---- pause ------'      `-------- resume, restart ----------------'      (pause also from ended)
//
// What somebody asked for last is durable before the method returns, and holds after a restart of the daemon.  Errands (changes of
// positions) are done by the same thread, and only while nothing runs.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/desired_state.h"
#include "pipeline/pipeline.h"

namespace sluice::pipeline {

// Any thread, but for the destructor.
class SupervisedPipeline {
 public:
  // Starts its thread; runs unless it is paused.
  SupervisedPipeline(Definition definition, Environment environment);
  ~SupervisedPipeline();  // stops gracefully and joins
  SupervisedPipeline(const SupervisedPipeline&) = delete;
  SupervisedPipeline& operator=(const SupervisedPipeline&) = delete;

  // kTransient or kFatal of storage/ when the wish cannot be made durable; then nothing changes.
  Status pause();
  Status resume();   // no effect on one that runs
  Status restart();  // also resumes

  // Called on this pipeline's thread while it does not run and cannot start; the caller waits.  kFatal not_paused, kCancelled.
  using Errand = std::function<Status(const Definition&, const Environment&, const std::stop_token&)>;
  Status run_errand(Errand errand, const std::stop_token& stop);

  // For good: gracefully, returns at once.
  void request_stop();
  // Nothing runs and nothing will unless somebody asks: it has ended or was told to stop.  A paused pipeline is not finished.
  bool finished() const;
  // As far as the caller cares: it has begun to read, or has ended or is paused.  For a reload that waits whether it is accepted.
  bool settled() const;

  PipelineStatus status() const;
  // Of all runs since the daemon started, as long as each ended with nothing in flight; one that gave something up lets them begin anew,
  // as a restart of the daemon does.
  std::vector<LaneBooks> books() const;
  Status request_snapshot(const std::string& source, std::span<const std::string> tables, std::stop_token stop);

  // Also while nothing runs: what is to be replayed then waits for the next run.
  std::shared_ptr<dlq::DeadLetterService> dead_letters() const;
  // Of the run of now; null while nothing runs.
  std::shared_ptr<Taps> taps() const;

  const Definition& definition() const { return definition_; }
  const Environment& environment() const { return environment_; }

 private:
  struct Waiting {
    Errand errand;
    std::stop_token stop;
    bool taken = false, done = false;
    Status result = {};
  };

  void work();
  void run_once(std::unique_lock<std::mutex>& lock);
  void do_errand(std::unique_lock<std::mutex>& lock);
  void keep_books();
  Status note(bool paused);
  bool idle() const { return !running_ && (ended_ || desired_.paused || stopping_); }

  const Definition definition_;
  const Environment environment_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  DesiredState desired_;
  std::shared_ptr<Pipeline> pipeline_;  // the run of now, or the last one; null before the first
  std::stop_source run_stop_;
  std::deque<std::shared_ptr<Waiting>> errands_;
  std::vector<LaneBooks> earlier_;  // books of the runs before
  std::uint64_t runs_ = 0;
  bool running_ = false, ended_ = false, restart_ = false, stopping_ = false;
  std::jthread thread_;
};

}  // namespace sluice::pipeline
