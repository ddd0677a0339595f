#pragma once
// The pipeline's own store of rejected records: one SQLite file, `<data dir>/<pipeline>/dead_letters.db`, mode 0600 (it holds data).
//
//   put      makes letters in memory (at most kMaxStagedBytes, then it writes them itself)
//   flush    one transaction with all of them, synchronous=FULL; on failure they stay and the next flush tries again
//
// A letter's identity is (pipeline, stage, source, partition, major, minor, sub): a replay makes no second one (G18).
// States (G20): pending -> open once settle() was told that every lane has passed it; replaying, replayed and discarded belong to replay.

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/dead_letter_queue.h"
#include "core/fault_points.h"
#include "core/metrics.h"
#include "core/position.h"
#include "dlq/stored_letters.h"

namespace sluice::storage {
class SqliteDatabase;
}

namespace sluice::dlq {

// Thread-safe.
class SqliteDeadLetterStore final : public DeadLetterQueue {
 public:
  // Letters held in memory before put() writes them itself; bounds memory between commits.
  static constexpr std::size_t kMaxStagedBytes = 4 * 1024 * 1024;

  struct Options {
    std::string pipeline;
    std::string config_hash;  // of the configuration that refuses
  };
  // What operators see: letters that wait for a decision, and when the oldest of them came (seconds since 1970; 0: none).  They follow
  // with settle(), once per commit and not once per letter, because counting walks an index.
  struct Gauges {
    Gauge* stored = nullptr;
    Gauge* oldest = nullptr;
  };

  // Creates the file, or migrates an older version of it (G29).  kFatal newer_state when a newer sluice wrote it.
  static Result<std::unique_ptr<SqliteDeadLetterStore>> open(const std::string& path, Options options, Clock& clock, FaultPoints& faults,
                                                             Gauges gauges = no_gauges());
  ~SqliteDeadLetterStore() override;

  Status put(const Batch& owner, std::span<const Rejected> rejected, const RejectingStage& stage) override;
  Status put_inputs(const Batch& owner, std::span<const RejectedInput> inputs, const RejectingStage& stage) override;
  Status flush(std::stop_token stop) override;

  Status settle(const Checkpoint& minimum) override;
  // Of what is durable.
  Result<LetterCounts> counts();

 private:
  struct Letter;
  struct WaitingPartition;

  static Gauges no_gauges() { return {}; }
  SqliteDeadLetterStore(std::string path, Options options, Clock& clock, FaultPoints& faults, Gauges gauges);
  Status open_passed(const Checkpoint& minimum);
  Result<std::vector<WaitingPartition>> find_passed(const Checkpoint& minimum);
  Status show_counts();
  Letter make_letter(const Batch& owner, const RejectingStage& stage, const Error& reason) const;
  Status stage_all(std::vector<Letter> letters);
  Status ensure_open(std::stop_token stop);
  Status write_staged(std::stop_token stop);
  Status write_transaction(std::stop_token stop);

  const std::string path_;
  const Options options_;
  Clock& clock_;
  FaultPoints& faults_;
  const Gauges gauges_;
  std::mutex mutex_;                                   // of everything below
  std::unique_ptr<storage::SqliteDatabase> database_;  // null after a failure: opened again by the next call
  std::vector<Letter> staged_;
  std::size_t staged_bytes_ = 0;
  bool pending_ = true;  // there may be pending letters: true until settle() has looked
  bool counted_ = false;  // the gauges show what is stored
};

}  // namespace sluice::dlq
