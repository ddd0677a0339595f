#pragma once
// One source instance, the steps behind it, and the thread that drives them: reads, transforms, pushes to the lanes, and tells
// the source what is durable.

#include <atomic>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/backoff.h"
#include "pipeline/lane.h"
#include "pipeline/runtime.h"
#include "pipeline/snapshot_desk.h"
#include "pipeline/step_tree.h"

namespace sluice::pipeline {

class Shard {
 public:
  // `lanes` by index; they outlive the shard.
  static Result<std::unique_ptr<Shard>> build(const SourceDefinition& definition, unsigned shard, unsigned shard_count,
                                              const std::vector<std::unique_ptr<Lane>>& lanes, Runtime& runtime);

  // Before the thread: opens the source just after the minimum over all lanes (one try).
  Status open(std::stop_token stop);

  // The thread: until the source has finished, or `stop`.  After the end of the source it goes on acknowledging until `stop`.
  // What was read when `stop` came is still handed to the lanes, unless `abandon` comes.  Failures go to the monitor.
  void run(std::stop_token stop, std::stop_token abandon);
  bool finished_reading() const { return finished_reading_; }

  // After the thread and the lanes have ended: the last acknowledgement, then closes.
  Status close();

  const SourceDefinition& definition() const { return definition_; }
  // Any thread; outlives the shard in the hands of those who ask.
  const std::shared_ptr<SnapshotDesk>& snapshot_desk() const { return desk_; }

 private:
  Shard(const SourceDefinition& definition, const std::vector<std::unique_ptr<Lane>>& lanes, Runtime& runtime);

  Status read_on(std::stop_token stop, std::stop_token abandon);
  Status deliver(std::shared_ptr<Batch> batch, std::stop_token abandon);
  Status put_rejected_inputs(const Batch& batch, std::stop_token abandon);
  void enter_read(const Batch& batch);
  Status acknowledge();
  Checkpoint own_part(const Checkpoint& checkpoint) const;

  const SourceDefinition& definition_;
  const std::vector<std::unique_ptr<Lane>>& lanes_;
  Runtime& runtime_;
  std::shared_ptr<const BatchOrigin> origin_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<StepTree> tree_;
  const std::shared_ptr<SnapshotDesk> desk_ = std::make_shared<SnapshotDesk>();
  DeadLettering dead_letters_;
  Backoff backoff_;
  Checkpoint sent_;                 // the positions that went to the lanes
  std::uint64_t acknowledged_ = 0;  // the keeper's version that the source has heard of
  std::atomic<bool> finished_reading_{false};

  Counter& records_in_;
  Counter& bytes_in_;
  Counter& retries_;
  Counter& blocked_seconds_;
  Gauge& last_record_;
};

}  // namespace sluice::pipeline
