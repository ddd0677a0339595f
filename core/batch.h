#pragma once
// Records on their way from a source to the sinks, with the memory they point to and the position they reach.
//
// Life: a Source fills it through a BatchBuilder; the steps of its shard rewrite it in place; then it is shared as
// `shared_ptr<const Batch>` with every lane and never changes again (G7).  Mutable on one thread, immutable on many.
//
// While a step runs, indices are stable: it calls remove() or Rejects::add() and the runner compacts afterwards (sweep()).

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/arena.h"
#include "core/position.h"
#include "core/record.h"
#include "core/replay.h"
#include "core/result.h"
#include "core/schema.h"

namespace sluice {

// Why a record left a batch (G12: each is counted on its own).
enum class Fate : std::uint8_t { kKept, kFiltered, kDeduplicated, kDeadLettered };

// The batch's part of the books (G12).  At all times: in + created = records + filtered + deduplicated + dead_lettered.
struct BatchCounts {
  std::uint64_t in = 0;
  std::uint64_t created = 0;
  std::uint64_t filtered = 0;
  std::uint64_t deduplicated = 0;
  std::uint64_t dead_lettered = 0;
};

// An input that never became a record ("not JSON").  `raw` lives in the batch's arena.
struct RejectedInput {
  std::uint16_t partition = 0;
  Ordinal ordinal;
  std::string_view raw;
  Error reason;
};

// A bit of knowledge that every batch of a source shares; owned by the source's runner.
struct BatchOrigin {
  std::string source;     // the user's name
  SchemaRef meta_schema;  // names of the slots of Record::meta; null where the source has none
};

class Batch {
 public:
  Batch(std::shared_ptr<const BatchOrigin> origin, std::int64_t ingest_time) : origin_(std::move(origin)), ingest_time_(ingest_time) {}
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // A batch of the chosen records of `parent` that may be changed on its own: own record array and arena; rows are shared until a
  // step writes new ones.  Counts start at in = number chosen.
  static std::shared_ptr<Batch> fork(std::shared_ptr<const Batch> parent, std::span<const std::uint32_t> selected);

  const std::string& source() const { return origin_->source; }
  const Schema* meta_schema() const { return origin_->meta_schema.get(); }
  std::int64_t ingest_time() const { return ingest_time_; }  // microseconds since 1970 UTC

  Arena& arena() { return arena_; }
  std::vector<Record>& records() { return records_; }
  const std::vector<Record>& records() const { return records_; }
  std::size_t size() const { return records_.size(); }

  // Partition names as Record::partition indexes them, and their checkpoint keys "<source>/<partition>".
  std::uint16_t partition(std::string_view name);  // finds or adds
  const std::vector<std::string>& partitions() const { return partitions_; }
  const std::vector<std::string>& checkpoint_keys() const { return checkpoint_keys_; }

  // Keeps `schema` alive as long as the batch.  Call once per schema and batch (cheap when it is the one named last).
  const Schema* keep(const SchemaRef& schema);

  // What is durable once every record of this batch is: moved even by a batch without records (G8).
  Checkpoint& through() { return through_; }
  const Checkpoint& through() const { return through_; }

  // The records that the running step is to look at: all, or those whose `when` holds.  Other records pass untouched.
  std::span<const std::uint32_t> active() const { return active_; }
  void activate_all();
  void activate(std::vector<std::uint32_t> indices) { active_ = std::move(indices); }

  // Takes record `index` out at the next sweep().  Idempotent: the first fate stays.
  void remove(std::uint32_t index, Fate fate);
  bool removed(std::uint32_t index) const { return !fates_.empty() && fates_[index] != Fate::kKept; }
  void sweep();

  std::vector<RejectedInput>& rejected_inputs() { return rejected_inputs_; }
  const std::vector<RejectedInput>& rejected_inputs() const { return rejected_inputs_; }
  BatchCounts& counts() { return counts_; }
  const BatchCounts& counts() const { return counts_; }

  // False inside a snapshot chunk: a lane must not commit up to this batch (G13).
  bool commit_allowed() const { return commit_allowed_; }
  void set_commit_allowed(bool allowed) { commit_allowed_ = allowed; }
  // Somebody waits for the answer: commit as soon as this batch is written.
  bool commit_wanted() const { return commit_wanted_; }
  void set_commit_wanted(bool wanted) { commit_wanted_ = wanted; }

  // Set before the first record of a batch of dead letters that are replayed; null in all others.
  void set_replay(std::shared_ptr<const BatchReplay> replay) { replay_ = std::move(replay); }
  const BatchReplay* replay() const { return replay_.get(); }
  // The record's ordinal in its source's log: what names it, also when it is replayed.
  Ordinal log_ordinal(const Record& record) const { return replay_ ? replay_->of(record.ordinal).ordinal : record.ordinal; }

  // Bytes held, parents included; what queues count.
  std::size_t bytes() const;

 private:
  std::shared_ptr<const BatchOrigin> origin_;
  std::int64_t ingest_time_;
  Arena arena_;
  std::vector<Record> records_;
  std::vector<std::string> partitions_;
  std::vector<std::string> checkpoint_keys_;
  std::vector<SchemaRef> schemas_;
  Checkpoint through_;
  std::vector<std::uint32_t> active_;
  std::vector<Fate> fates_;
  std::vector<RejectedInput> rejected_inputs_;
  BatchCounts counts_;
  bool commit_allowed_ = true;
  bool commit_wanted_ = false;
  std::shared_ptr<const Batch> parent_;
  std::shared_ptr<const BatchReplay> replay_;
};

// What a lane works on: a shared batch and which of its records are meant (G7).
struct BatchView {
  std::shared_ptr<const Batch> batch;
  std::span<const std::uint32_t> selected;
};

// One record that a step or a sink could not handle.  It stays as it was on entry (G19).
struct Rejected {
  std::shared_ptr<const Batch> batch;  // sinks only; null inside a step: the batch it was given
  std::uint32_t index = 0;             // into Batch::records()
  Error reason;
};

// Collects the records that one call could not handle.  No I/O: the runner dead-letters them.  One thread.
class Rejects {
 public:
  // From a step: record `index` of the batch it was given.
  void add(std::uint32_t index, Error reason) { entries_.push_back({nullptr, index, std::move(reason)}); }
  // From a sink, which may find out many batches later.
  void add(const BatchView& view, std::uint32_t index, Error reason) { entries_.push_back({view.batch, index, std::move(reason)}); }

  bool empty() const { return entries_.empty(); }
  const std::vector<Rejected>& entries() const { return entries_; }
  void clear() { entries_.clear(); }

 private:
  std::vector<Rejected> entries_;
};

}  // namespace sluice
