#pragma once
// Sends dead letters on their way again: a source called `replay` beside the pipeline's own (G20).
//
// Its partition is the store's sequence of replays, so it can be read again after any crash; every lane commits its position, and only the
// lanes that lack a record get it.  Records enter at the stage that refused them, over steps of its own.
//
//   build, open -> run (on a thread) -> close.  The steps are made when there is something to replay for the first time.

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "dlq/replay_log.h"
#include "pipeline/lane.h"
#include "pipeline/replay_route.h"
#include "pipeline/runtime.h"
#include "pipeline/step_tree.h"

namespace sluice::pipeline {

// Tells the replaying thread that somebody has asked for a replay.  Any thread.
class ReplayBell {
 public:
  void ring();
  // Until it rings, `stop`, or kLookEvery.
  void wait(std::stop_token stop);

 private:
  // Requests come over the bell; this only bounds how long one is overlooked that does not.
  static constexpr std::chrono::seconds kLookEvery{1};

  std::mutex mutex_;
  std::condition_variable_any rung_;
  bool ringing_ = false;
};

class ReplayShard {
 public:
  // `lanes` by index; all outlive it.
  ReplayShard(const std::vector<std::unique_ptr<Lane>>& lanes, Runtime& runtime, dlq::ReplayLog& log, ReplayBell& bell);
  ~ReplayShard();

  // Before the thread, after the keeper knows the minimum: goes on just behind it.
  void open();
  // The thread: until `stop`.  What was read when `stop` came is still handed to the lanes, unless `abandon` comes.
  void run(std::stop_token stop, std::stop_token abandon);
  // All that was asked for before the newest look has been handed to the lanes.
  bool caught_up() const { return caught_up_; }
  // After the thread and the lanes have ended.
  Status close();

 private:
  // Letters in sequence that enter at one place.
  struct Group {
    std::string source;
    ReplayRoute route;
    bool allow_stale = false;
    std::vector<std::string> meta;
    std::vector<dlq::ReplayEntry> entries;
  };
  // The part of the pipeline that belongs to one source.
  struct Branch {
    std::unique_ptr<Source> reader;  // never opened: reads original bytes again
    std::unique_ptr<StepTree> tree;
  };

  Result<bool> replay_some(std::stop_token abandon);
  Status settle();
  Status sort_into_groups(std::vector<dlq::ReplayEntry> entries, std::vector<Group>& groups);
  Status replay(Group& group, std::uint64_t through, bool last, std::stop_token abandon);
  Result<std::shared_ptr<Batch>> make_batch(Group& group, Branch& branch);
  Status read_original(const dlq::ReplayEntry& entry, std::uint16_t partition, Branch& branch, BatchBuilder& out);
  Status hand_out(const Group& group, Branch& branch, std::shared_ptr<Batch> batch, std::uint64_t through, bool last,
                  std::stop_token abandon);
  Status push(std::size_t lane, std::shared_ptr<const Batch> batch, std::stop_token abandon);
  std::shared_ptr<Batch> position_only(std::uint64_t through, bool last) const;
  Result<Branch*> branch_of(const std::string& source, std::stop_token stop);
  void enter_read(const std::vector<std::size_t>& lanes, const Batch& batch);

  const std::vector<std::unique_ptr<Lane>>& lanes_;
  Runtime& runtime_;
  dlq::ReplayLog& log_;
  ReplayBell& bell_;
  DeadLettering dead_letters_;
  Backoff backoff_;
  std::map<std::string, Branch> branches_;  // by source
  std::uint64_t sent_ = 0;                  // sequence that has gone to the lanes
  std::atomic<bool> caught_up_{false};
  Counter& records_in_;
};

}  // namespace sluice::pipeline
