#pragma once
// The pipeline's own store of rejected records: one SQLite file, `<data dir>/<pipeline>/dead_letters.db`, mode 0600 (it holds data).
//
//   put      makes letters in memory; a thread of the store's own writes them when there are many, so that steps do not wait for the disk
//            unless kMaxStagedBytes are not written yet
//   flush    returns when all of them are durable (synchronous=FULL); on failure they stay and the next flush tries again
//
// A letter's identity is (pipeline, stage, source, partition, major, minor, sub) in the log of its source, also while it is replayed:
// neither a restart nor a replay makes a second one (G18, G20).
//
//   pending -> open         settle() was told that every lane has passed it
//   open -> replaying       somebody asked for it (dead_letter_service.h)
//   replaying -> replayed   settle() was told that every lane has committed its replay;  -> pending  refused again
//   pending, open -> discarded
//   pending -> replayed     its record came again from the source after a restart, and was not refused

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "core/dead_letter_queue.h"
#include "core/fault_points.h"
#include "core/metrics.h"
#include "core/position.h"
#include "dlq/letter_lots.h"
#include "dlq/letter_retention.h"
#include "dlq/letter_settling.h"
#include "dlq/replay_log.h"
#include "dlq/stored_letters.h"

namespace sluice::storage {
class SqliteDatabase;
}

namespace sluice::dlq {

// Thread-safe.
class SqliteDeadLetterStore final : public DeadLetterQueue {
 public:
  // Letters held in memory; then put() waits for the disk.
  static constexpr std::size_t kMaxStagedBytes = 8 * 1024 * 1024;
  // So many are worth a transaction before the next flush.
  static constexpr std::size_t kHandOverBytes = 1024 * 1024;

  struct Options {
    std::string pipeline;
    std::string config_hash;  // of the configuration that refuses
    RetentionPolicy retention = {};
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
  Status begin_run(std::span<const LaneStart> lanes) override;
  ReplayLog* replays() override { return replays_.get(); }
  // Of what is durable.
  Result<LetterCounts> counts();

 private:
  struct Letter;
  struct Statements;

  static Gauges no_gauges() { return {}; }
  SqliteDeadLetterStore(std::string path, Options options, Clock& clock, FaultPoints& faults, Gauges gauges);
  Status show_counts();
  Status settle_and_retain(const Checkpoint& minimum);
  Letter make_letter(const Batch& owner, const RejectingStage& stage, const Error& reason, std::uint16_t partition,
                     const Ordinal& ordinal) const;
  Status stage_all(std::vector<Letter> letters);
  Status ensure_open();
  Status write_staged(std::stop_token stop);
  // `noted_keys`: how many of the noted keys go with it.
  Status write_transaction(const std::vector<Letter>& letters, std::size_t noted_keys, std::stop_token stop);
  Status write_handed(std::size_t noted_keys, std::stop_token stop);
  void write_on(std::stop_token stop);
  std::size_t held_bytes() const { return staged_bytes_ + handed_bytes_; }
  Status write_letter(Statements& statements, const Letter& letter);
  Status reopen_lot(Lot& lot, const Ordinal& ordinal);

  const std::string path_;
  const Options options_;
  Clock& clock_;
  FaultPoints& faults_;
  const Gauges gauges_;
  std::unique_ptr<ReplayLog> replays_;  // the replaying thread's

  std::mutex staging_;  // of this block; taken after mutex_ where both are
  std::condition_variable_any handed_over_;
  std::vector<Letter> staged_;
  std::size_t staged_bytes_ = 0;
  std::vector<Letter> handed_;  // to be written, or being written; what is in it is changed and taken out with mutex_ held, too
  std::size_t handed_bytes_ = 0;
  bool writer_failed_ = false;  // the next put() or flush() tries, and says what is wrong

  std::mutex mutex_;                                   // of everything below
  std::unique_ptr<storage::SqliteDatabase> database_;  // null after a failure: opened again by the next call
  LetterLots lots_;                                    // as the database has them
  std::unique_ptr<LetterSettling> settling_;
  std::int64_t run_ = 0;
  LetterCounts counts_;
  bool counted_ = false;            // counts_ is what is stored
  std::int64_t data_version_ = -1;  // of the connection when counts_ was taken: another one has written when it changes
  std::chrono::steady_clock::time_point next_retention_;
  std::exception_ptr crash_;  // of the writer: a test's SimulatedCrash, for the next caller
  std::jthread writer_;       // last: it uses all of the above
};

}  // namespace sluice::dlq
