#include "pipeline/lane.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace sluice::pipeline {

namespace {

using Clock = std::chrono::steady_clock;

// A position that moved without records is committed at most this often (G8); an idle pipeline costs one commit per interval.
constexpr std::chrono::seconds kIdleCommitEvery{10};
// How long the lane waits for a batch when nothing is due.
constexpr std::chrono::milliseconds kIdleWait{500};

constexpr std::array kCommitBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0};
constexpr std::array kLatencyBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0};

Error lost_progress(const std::string& sink) {
  return {ErrorKind::kFatal, "progress_lost",
          "sink \"" + sink + "\" no longer knows positions that it had committed: it was emptied, restored or replaced"};
}

}  // namespace

Lane::Lane(const SinkDefinition& definition, std::size_t index, Runtime& runtime)
    : definition_(definition),
      index_(index),
      runtime_(runtime),
      queue_(runtime.definition.queue_bytes),
      dead_letters_(runtime),
      backoff_(definition.retry, runtime.environment.clock),
      last_commit_(Clock::now()),
      commits_(runtime.environment.metrics.counter("sluice_commits_total", "Commits that the sink confirmed.",
                                                   runtime.labels("sink", definition.name))),
      commit_failures_(runtime.environment.metrics.counter("sluice_commit_failures_total", "Commits that failed or whose answer was lost.",
                                                           runtime.labels("sink", definition.name))),
      retries_(
          runtime.environment.metrics.counter("sluice_retries_total", "Tries after a failure.", runtime.labels("sink", definition.name))),
      commit_seconds_(runtime.environment.metrics.histogram("sluice_commit_duration_seconds", "Time a commit takes.", kCommitBounds,
                                                            runtime.labels("sink", definition.name))),
      latency_seconds_(runtime.environment.metrics.histogram("sluice_delivery_latency_seconds", "From reading a batch to its commit.",
                                                             kLatencyBounds, runtime.labels("sink", definition.name))),
      queue_gauge_(runtime.environment.metrics.gauge("sluice_queue_bytes", "Bytes waiting for the sink or written and not committed.",
                                                     runtime.labels("sink", definition.name))),
      checkpoint_time_(runtime.environment.metrics.gauge("sluice_checkpoint_timestamp_seconds", "When the sink last committed.",
                                                         runtime.labels("sink", definition.name))) {
  runtime.environment.metrics.gauge("sluice_queue_limit_bytes", "Limit of sluice_queue_bytes.", runtime.labels("sink", definition.name))
      .set(static_cast<double>(runtime.definition.queue_bytes));
}

Result<std::unique_ptr<Lane>> Lane::build(const SinkDefinition& definition, std::size_t index, Runtime& runtime) {
  std::unique_ptr<Lane> lane(new Lane(definition, index, runtime));
  lane->sink_ = SLUICE_TRY(definition.build(runtime.build_context("sink", definition.name, 0, 1)));
  runtime.key_order.add_lane(index, *lane->sink_);
  if (definition.when) lane->when_ = SLUICE_TRY(definition.when());
  for (const StepDefinition& step : definition.chain) lane->chain_.push_back(SLUICE_TRY(Step::build(step, runtime, 0, 1)));
  return lane;
}

Status Lane::open(std::stop_token stop) {
  for (const auto& step : chain_) SLUICE_TRY(step->open(stop));
  const std::optional<Checkpoint> said = SLUICE_TRY(sink_->open(stop));
  keeps_positions_ = said.has_value();
  return runtime_.keeper.open_lane(index_, said);
}

Status Lane::commit_birth(std::stop_token stop) {
  const Checkpoint start = runtime_.keeper.lane(index_);
  if (!keeps_positions_ || start.empty()) return {};
  return sink_->commit({start, {}}, stop);
}

void Lane::run(std::stop_token abandon) {
  done_ = runtime_.keeper.lane(index_);
  while (true) {
    auto result = step(abandon);
    const bool retry = !result && (result.error().kind() == ErrorKind::kTransient || result.error().kind() == ErrorKind::kCommitUnknown);
    if (retry) result = recover(std::move(result).error(), abandon);
    if (result && !(queue_.drained() && pending_.empty() && through_.empty())) continue;
    const bool cancelled = abandon.stop_requested() || (!result && result.error().kind() == ErrorKind::kCancelled);
    finish(result, cancelled);
    return;
  }
}

void Lane::finish(const Status& result, bool cancelled) {
  if (result && !cancelled) {
    // All is committed, so a failure to seal loses nothing: the next open() finishes it.
    if (const auto sealed = sink_->close(Sink::Closing::kSeal); !sealed)
      runtime_.monitor.report("sink " + definition_.name, sealed.error());
    return;
  }
  if (!cancelled) {
    failed_ = true;
    runtime_.monitor.fail("sink " + definition_.name, result.error());
  }
  // What is not committed is given up; errors of this would only hide the first one.
  static_cast<void>(sink_->close(Sink::Closing::kAbandon).has_value());
}

// One turn: wait for a batch or for the time to commit, and do it.
Status Lane::step(std::stop_token abandon) {
  const auto appetite = inside_chunk_.empty() ? BoundedQueue::Appetite::kNormal : BoundedQueue::Appetite::kNeedsMore;
  auto item = queue_.pop(next_commit(), appetite, abandon);
  if (abandon.stop_requested()) return Error(ErrorKind::kCancelled, "stopped", "stop was requested");
  if (item.batch) SLUICE_TRY(take(std::move(item), abandon));
  queue_gauge_.set(static_cast<double>(queue_.held_bytes()));
  runtime_.monitor.progressed();
  if (queue_.drained() && !inside_chunk_.empty()) {  // the rest of the chunk will never come: it is read again at the next start
    return Error(ErrorKind::kCancelled, "stopped", "stopped inside a snapshot chunk");
  }
  return commit_due() ? commit(abandon) : Status{};
}

Status Lane::take(BoundedQueue::Item item, std::stop_token abandon) {
  const std::shared_ptr<const Batch> batch = item.batch;
  if (pending_.empty()) first_pending_ = Clock::now();
  pending_.push_back(SLUICE_TRY(select(std::move(item), abandon)));
  note_position(batch->through());
  commit_wanted_ = commit_wanted_ || batch->commit_wanted();
  if (batch->replay() != nullptr) {
    // Says nothing of the source's chunks.
  } else if (batch->commit_allowed()) {
    inside_chunk_.erase(batch->source());
  } else {
    inside_chunk_.insert(batch->source());
  }
  pending_bytes_ += pending_.back().queue_bytes;
  pending_records_ += pending_.back().selected.size();
  if (batch->replay() != nullptr) SLUICE_TRY(refuse_stale(pending_.back(), abandon));
  runtime_.key_order.written(index_, *pending_.back().batch, pending_.back().selected);
  SLUICE_TRY(write(pending_.back(), abandon));
  if (pending_.back().selected.empty()) {  // nothing of it is left to be committed but its position
    pending_bytes_ -= pending_.back().queue_bytes;
    queue_.release(pending_.back().queue_bytes);
    pending_.pop_back();
  }
  return {};
}

// A replay for another lane's sake brings positions that this one has long passed.
void Lane::note_position(const Checkpoint& through) {
  for (const auto& [key, position] : through) {
    const auto known = done_.find(key);
    const bool passed = known != done_.end() && position.done <= known->second.done && !(position.retired && !known->second.retired);
    if (!passed) advance(through_, {{key, position}});
  }
}

// Which records of the batch are for this sink; the others are entered into the books at once.
Result<Lane::Pending> Lane::select(BoundedQueue::Item item, std::stop_token abandon) {
  Pending pending{std::move(item.batch), {}, item.bytes, 0};
  pending.ingest_time = pending.batch->ingest_time();
  pending.selected.resize(pending.batch->size());
  std::iota(pending.selected.begin(), pending.selected.end(), 0U);
  runtime_.books.change([&](std::vector<LaneTally>& tallies) {
    tallies[index_].in_queue -= pending.batch->size();
    tallies[index_].in_lane += pending.batch->size();
  });
  drop_known(*pending.batch, pending.selected);
  runtime_.taps.offer(definition_.name, TapSide::kBefore, *pending.batch, pending.selected);
  const BatchReplay* replay = pending.batch->replay();
  if (replay == nullptr || !replay->skip_when) SLUICE_TRY(apply_when(*pending.batch, pending.selected, abandon));
  const std::size_t chain_from = replay == nullptr ? 0 : replay->chain_from;
  if (chain_from < chain_.size()) SLUICE_TRY(apply_chain(pending, chain_from, abandon));
  runtime_.taps.offer(definition_.name, TapSide::kAfter, *pending.batch, pending.selected);
  return pending;
}

// L3.
void Lane::drop_known(const Batch& batch, std::vector<std::uint32_t>& selected) {
  std::vector<const Ordinal*> done;
  for (const std::string& own : batch.checkpoint_keys()) {
    const auto found = done_.find(batch.replay() == nullptr ? own : batch.replay()->checkpoint_key);
    done.push_back(found == done_.end() ? nullptr : &found->second.done);
  }
  if (std::all_of(done.begin(), done.end(), [](const Ordinal* ordinal) { return ordinal == nullptr; })) return;
  const std::size_t dropped = std::erase_if(selected, [&](std::uint32_t i) {
    const Record& record = batch.records()[i];
    return done[record.partition] != nullptr && record.ordinal <= *done[record.partition];
  });
  if (dropped == 0) return;
  runtime_.books.change([&](std::vector<LaneTally>& tallies) {
    tallies[index_].books.skipped += dropped;
    tallies[index_].in_lane -= dropped;
  });
}

Status Lane::apply_when(const Batch& batch, std::vector<std::uint32_t>& selected, std::stop_token abandon) {
  if (!when_) return {};
  std::vector<std::uint32_t> holding;
  Rejects failed;
  when_->select(batch, selected, holding, failed);
  const std::size_t rejected = failed.entries().size();
  const std::size_t filtered = selected.size() - holding.size() - rejected;
  const bool lettered = definition_.on_error == OnError::kDeadLetter;
  if (rejected != 0 && definition_.on_error == OnError::kStop) {
    return Error(ErrorKind::kFatal, failed.entries().front().reason.code(), failed.entries().front().reason.message());
  }
  if (lettered) SLUICE_TRY(dead_letters_.put(batch, failed.entries(), {definition_.name, "transform", definition_.type, "sink"}, abandon));
  runtime_.books.change([&](std::vector<LaneTally>& tallies) {
    tallies[index_].books.filtered += filtered + (lettered ? 0 : rejected);
    tallies[index_].books.dead_lettered += lettered ? rejected : 0;
    tallies[index_].in_lane -= filtered + rejected;
  });
  selected = std::move(holding);
  return {};
}

Status Lane::apply_chain(Pending& pending, std::size_t from, std::stop_token abandon) {
  const auto fork = Batch::fork(pending.batch, pending.selected);
  for (std::size_t i = from; i < chain_.size(); ++i) {
    runtime_.taps.offer(chain_[i]->definition().name, TapSide::kBefore, *fork);
    SLUICE_TRY(chain_[i]->apply(*fork, dead_letters_, abandon));
    runtime_.taps.offer(chain_[i]->definition().name, TapSide::kAfter, *fork);
  }
  const BatchCounts& counts = fork->counts();
  runtime_.books.change([&](std::vector<LaneTally>& tallies) {
    LaneTally& tally = tallies[index_];
    tally.books.created += counts.created;
    tally.books.filtered += counts.filtered;
    tally.books.deduplicated += counts.deduplicated;
    tally.books.dead_lettered += counts.dead_lettered;
    tally.in_lane = tally.in_lane - pending.selected.size() + fork->size();
  });
  pending.selected.resize(fork->size());
  std::iota(pending.selected.begin(), pending.selected.end(), 0U);
  pending.batch = fork;
  return {};
}

Status Lane::write(Pending& pending, std::stop_token abandon) {
  if (pending.selected.empty()) return {};
  Rejects rejects;
  SLUICE_TRY(sink_->write({pending.batch, pending.selected}, rejects, abandon));
  return settle(rejects, "write", abandon);
}

// What the sink refused leaves the lane: into the dead letters, or as `on_error` says.
Status Lane::settle(const Rejects& rejects, std::string_view phase, std::stop_token abandon) {
  if (rejects.empty()) return {};
  if (definition_.on_error == OnError::kStop) {
    const Error& reason = rejects.entries().front().reason;
    return Error(ErrorKind::kFatal, reason.code(), reason.message());
  }
  const bool drop = definition_.on_error == OnError::kDrop;
  for (const Rejected& entry : rejects.entries()) {
    const std::string_view at = entry.reason.code().starts_with("template_") ? "template" : phase;
    if (!drop) SLUICE_TRY(dead_letters_.put(*entry.batch, {&entry, 1}, {definition_.name, at, definition_.type, "sink"}, abandon));
    unselect(entry);
    runtime_.books.change([&](std::vector<LaneTally>& tallies) {
      (drop ? tallies[index_].books.filtered : tallies[index_].books.dead_lettered) += 1;
      tallies[index_].in_lane -= 1;
    });
  }
  // Newer rows of their keys may have been written already, behind them.
  for (const Pending& pending : pending_) {
    if (!drop) runtime_.key_order.written(index_, *pending.batch, pending.selected);
  }
  return {};
}

// G20; whatever `on_error` says, for the letter is not wrong, only late.
Status Lane::refuse_stale(const Pending& pending, std::stop_token abandon) {
  if (pending.batch->replay()->allow_stale) return {};
  Rejects stale;
  for (const std::uint32_t index : pending.selected) {
    if (runtime_.key_order.is_newest(index_, *pending.batch, pending.batch->records()[index])) continue;
    stale.add({pending.batch, pending.selected}, index,
              Error(ErrorKind::kBadRecord, kStaleLetter,
                    "the sink has written a newer row of this key since, or nobody can tell: replay it with --allow-stale to write this "
                    "one over it, or discard it"));
  }
  for (const Rejected& entry : stale.entries()) {
    SLUICE_TRY(dead_letters_.put(*entry.batch, {&entry, 1}, {definition_.name, "write", definition_.type, "sink"}, abandon));
    unselect(entry);
    runtime_.books.change([&](std::vector<LaneTally>& tallies) {
      tallies[index_].books.dead_lettered += 1;
      tallies[index_].in_lane -= 1;
    });
  }
  return {};
}

void Lane::unselect(const Rejected& rejected) {
  for (Pending& pending : pending_) {
    if (pending.batch != rejected.batch) continue;
    pending_records_ -= std::erase(pending.selected, rejected.index);
  }
}

bool Lane::commit_due() const {
  if (!inside_chunk_.empty()) return false;
  const bool moved = !through_.empty();
  if (!moved && pending_.empty()) return false;
  if (queue_.drained() || commit_wanted_) return true;
  if (pending_records_ == 0)
    return moved && (Clock::now() - last_commit_ >= kIdleCommitEvery || pending_bytes_ >= queue_.limit_bytes() / 2);
  const CommitPolicy& policy = definition_.commit;
  return pending_records_ >= policy.records || pending_bytes_ >= std::min<std::uint64_t>(policy.bytes, queue_.limit_bytes() / 2) ||
         Clock::now() - first_pending_ >= policy.every;
}

Clock::time_point Lane::next_commit() const {
  const auto idle = Clock::now() + kIdleWait;
  if (!inside_chunk_.empty() || pending_records_ == 0) return idle;
  return std::min(idle, first_pending_ + definition_.commit.every);
}

// L1, L2.
Status Lane::commit(std::stop_token abandon) {
  Rejects rejects;
  SLUICE_TRY(sink_->flush(rejects, abandon));
  SLUICE_TRY(settle(rejects, "write", abandon));
  SLUICE_TRY(dead_letters_.flush(abandon));
  if (forgotten_.empty()) forgotten_ = runtime_.keeper.take_forgotten(index_);
  const auto began = Clock::now();
  runtime_.environment.faults.reach("lane.before_commit");
  commit_tried_ = true;
  if (auto done = sink_->commit({through_, forgotten_}, abandon); !done) {
    if (done.error().kind() != ErrorKind::kCancelled) commit_failures_.add();
    return done;
  }
  commit_seconds_.observe(std::chrono::duration<double>(Clock::now() - began).count());
  runtime_.environment.faults.reach("lane.after_commit");
  return committed(abandon);
}

Status Lane::committed(std::stop_token abandon) {
  std::uint64_t out = 0;
  const std::int64_t now = runtime_.environment.clock.utc_microseconds();
  for (const Pending& pending : pending_) {
    out += pending.selected.size();
    if (!pending.selected.empty()) latency_seconds_.observe(static_cast<double>(now - pending.ingest_time) * 1e-6);
  }
  runtime_.books.change([&](std::vector<LaneTally>& tallies) {
    tallies[index_].books.out += out;
    tallies[index_].in_lane -= out;
  });
  pending_.clear();
  pending_records_ = 0;
  queue_.release(std::exchange(pending_bytes_, 0));
  const Checkpoint through = std::exchange(through_, {});
  commit_tried_ = false;
  for (const std::string& key : forgotten_) done_.erase(key);
  advance(done_, through);
  forgotten_.clear();
  commit_wanted_ = false;
  last_commit_ = Clock::now();
  if (backoff_.attempts() != 0) runtime_.monitor.recovered("sink " + definition_.name);
  backoff_.reset();
  commits_.add();
  checkpoint_time_.set(static_cast<double>(now) * 1e-6);
  queue_gauge_.set(static_cast<double>(queue_.held_bytes()));
  // The sink has it, whatever happens here: the store is tried until it takes the position, and only then may a source hear of it.
  Backoff store_backoff({}, runtime_.environment.clock);
  while (true) {
    auto saved = runtime_.keeper.advance(index_, through);
    if (saved && store_backoff.attempts() != 0) runtime_.monitor.recovered("checkpoint");
    if (saved || saved.error().kind() != ErrorKind::kTransient) return saved;
    runtime_.monitor.report("checkpoint", saved.error());
    const Monitor::BackingOff waiting(runtime_.monitor);
    SLUICE_TRY(store_backoff.wait(saved.error(), abandon));
  }
}

Status Lane::recover(Error error, std::stop_token abandon) {
  while (true) {
    const bool temporary = error.kind() == ErrorKind::kTransient || error.kind() == ErrorKind::kCommitUnknown;
    if (!temporary) return error;
    runtime_.monitor.report("sink " + definition_.name, error);
    retries_.add();
    const Monitor::BackingOff waiting(runtime_.monitor);
    SLUICE_TRY(backoff_.wait(error, abandon));
    auto reopened = reopen(abandon);
    if (reopened) return {};
    error = std::move(reopened).error();
  }
}

// Asks the sink how far it got (G6) and writes the rest again (G5).
Status Lane::reopen(std::stop_token abandon) {
  const std::optional<Checkpoint> said = SLUICE_TRY(sink_->open(abandon));
  if (said) {
    Checkpoint expected = done_;
    std::erase_if(expected, [](const auto& entry) { return entry.second.retired; });
    if (!covers(*said, expected)) return lost_progress(definition_.name);
    // Commits are atomic: either all of through_ is there, or nothing of it.  Without a try there is nothing to find.
    const bool landed = std::exchange(commit_tried_, false) && !through_.empty() && covers(*said, through_);
    if (landed) return committed(abandon);
  }
  // The dead letters of this attempt are known already; a record refused before is no longer selected.
  for (Pending& pending : pending_) SLUICE_TRY(write(pending, abandon));
  return {};
}

}  // namespace sluice::pipeline
