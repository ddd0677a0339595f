#pragma once
// One sink and the thread that feeds it: takes batches from its queue, writes them, commits, and starts again from what the
// sink says after every failure.
//
//                 batch                    due                                   ok
//   opened -> [waiting] -> take, write -> [written] -> flush, dead letters, commit -> keeper.advance -> [waiting]
//                 ^            | transient    | transient, commit_unknown
//                 |            v              v
//                 `------ recover: back off, open, drop what is committed, write the rest again
//
// Invariants (GUARANTEES.md): L1 order of a commit as G5; L2 commit() is never called again before open() was asked (G6); L3 a record
// at or below the sink's own checkpoint is never written (G1); L4 pending_ holds every record written and not committed.

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/backoff.h"
#include "pipeline/bounded_queue.h"
#include "pipeline/dead_lettering.h"
#include "pipeline/runtime.h"
#include "pipeline/step.h"

namespace sluice::pipeline {

class Lane {
 public:
  static Result<std::unique_ptr<Lane>> build(const SinkDefinition& definition, std::size_t index, Runtime& runtime);

  // Before the thread: opens the sink (one try) and tells the keeper what it said.
  Status open(std::stop_token stop);
  // Before the thread, after every lane is open: commits the position that a new lane is born with to its sink (G10).
  Status commit_birth(std::stop_token stop);

  // The thread: until the queue is closed and drained (then commits and seals), or `abandon`.  Failures go to the monitor.
  void run(std::stop_token abandon);

  BoundedQueue& queue() { return queue_; }
  const SinkDefinition& definition() const { return definition_; }
  bool failed() const { return failed_; }

 private:
  // A batch that is written and not committed.
  struct Pending {
    std::shared_ptr<const Batch> batch;   // as it came, or the fork that the sink's own chain made of it
    std::vector<std::uint32_t> selected;  // what is (to be) written
    std::size_t queue_bytes = 0;
    std::int64_t ingest_time = 0;
  };

  Lane(const SinkDefinition& definition, std::size_t index, Runtime& runtime);

  void finish(const Status& result, bool cancelled);
  Status step(std::stop_token abandon);
  Status take(BoundedQueue::Item item, std::stop_token abandon);
  Result<Pending> select(BoundedQueue::Item item, std::stop_token abandon);
  void drop_known(const Batch& batch, std::vector<std::uint32_t>& selected);
  Status apply_when(const Batch& batch, std::vector<std::uint32_t>& selected, std::stop_token abandon);
  Status apply_chain(Pending& pending, std::size_t from, std::stop_token abandon);
  void note_position(const Checkpoint& through);
  Status write(Pending& pending, std::stop_token abandon);
  Status settle(const Rejects& rejects, std::string_view phase, std::stop_token abandon);
  Status refuse_stale(const Pending& pending, std::stop_token abandon);
  void unselect(const Rejected& rejected);

  bool commit_due() const;
  std::chrono::steady_clock::time_point next_commit() const;
  Status commit(std::stop_token abandon);
  Status committed(std::stop_token abandon);  // the sink has it: books, queue, keeper

  Status recover(Error error, std::stop_token abandon);
  Status reopen(std::stop_token abandon);

  const SinkDefinition& definition_;
  const std::size_t index_;
  Runtime& runtime_;
  BoundedQueue queue_;
  DeadLettering dead_letters_;
  Backoff backoff_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Predicate> when_;
  std::vector<std::unique_ptr<Step>> chain_;

  bool keeps_positions_ = false;        // the sink stores them itself
  Checkpoint done_;                     // what the sink has committed, as far as we know
  Checkpoint through_;                  // what the next commit reaches beyond done_
  std::vector<std::string> forgotten_;  // keys that the next commit lets the sink delete
  std::vector<Pending> pending_;        // L4
  std::uint64_t pending_records_ = 0;
  std::size_t pending_bytes_ = 0;
  std::set<std::string> inside_chunk_;  // sources that forbid a commit now (G13)
  bool commit_wanted_ = false;
  bool commit_tried_ = false;  // commit() was called for through_, and its outcome is not known
  std::chrono::steady_clock::time_point first_pending_, last_commit_;
  std::atomic<bool> failed_{false};

  Counter& commits_;
  Counter& commit_failures_;
  Counter& retries_;
  Histogram& commit_seconds_;
  Histogram& latency_seconds_;
  Gauge& queue_gauge_;
  Gauge& checkpoint_time_;
};

}  // namespace sluice::pipeline
