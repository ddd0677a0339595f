#include "pipeline/supervised_pipeline.h"

#include <algorithm>
#include <array>

#include "pipeline/position_change.h"

namespace sluice::pipeline {

namespace {

// How often a caller who waits for an errand looks at its own stop token.
constexpr std::chrono::milliseconds kLookEvery{100};

constexpr std::array kColumns = {&LaneBooks::in,           &LaneBooks::created,       &LaneBooks::filtered,
                                 &LaneBooks::deduplicated, &LaneBooks::dead_lettered, &LaneBooks::skipped,
                                 &LaneBooks::out};

void add(std::vector<LaneBooks>& into, const std::vector<LaneBooks>& more) {
  for (std::size_t i = 0; i < into.size() && i < more.size(); ++i) {
    for (const auto column : kColumns) into[i].*column += more[i].*column;
  }
}

// A pipeline that has not run yet knows its positions from its checkpoint.
void fill_positions(PipelineStatus& status, const StoredCheckpoints& stored) {
  Checkpoint least;
  bool first = true;
  for (SinkStatus& sink : status.sinks) {
    const auto found = stored.lanes.find(sink.name);
    if (found == stored.lanes.end()) continue;
    sink.committed = found->second;
    least = first ? found->second : minimum(least, found->second);
    first = false;
  }
  for (SourceStatus& source : status.sources) {
    source.acknowledged.clear();
    for (const auto& entry : least) {
      if (entry.first.starts_with(source.name + "/")) source.acknowledged.insert(entry);
    }
  }
}

}  // namespace

SupervisedPipeline::SupervisedPipeline(Definition definition, Environment environment)
    : definition_(std::move(definition)), environment_(std::move(environment)), desired_(load_desired_state(environment_.state_directory)) {
  if (!desired_.problem.empty()) {
    environment_.log.error("the pipeline stays paused: " + desired_.problem, {{"pipeline", definition_.name}});
  } else if (desired_.paused) {
    environment_.log.warning("the pipeline is paused; `sluice resume` starts it", {{"pipeline", definition_.name}});
  }
  pipeline_ = std::make_shared<Pipeline>(definition_, environment_);
  thread_ = std::jthread([this] { work(); });
}

SupervisedPipeline::~SupervisedPipeline() {
  request_stop();
  thread_.join();
}

void SupervisedPipeline::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    const bool may_run = !stopping_ && !ended_ && !desired_.paused;
    if (!errands_.empty()) {
      do_errand(lock);
    } else if (may_run) {
      run_once(lock);
    } else if (stopping_) {
      return;
    } else {
      changed_.wait(lock);
    }
  }
}

void SupervisedPipeline::run_once(std::unique_lock<std::mutex>& lock) {
  if (runs_++ != 0) {
    keep_books();
    pipeline_.reset();  // the old run's objects go before the new one's come
    pipeline_ = std::make_shared<Pipeline>(definition_, environment_);
  }
  run_stop_ = std::stop_source();
  running_ = true;
  restart_ = false;
  const auto pipeline = pipeline_;
  const auto stop = run_stop_.get_token();
  lock.unlock();
  static_cast<void>(pipeline->run(stop).has_value());  // how it ended stands in its status
  lock.lock();
  running_ = false;
  ended_ = !restart_ && !desired_.paused;
  changed_.notify_all();
}

void SupervisedPipeline::keep_books() {
  const std::vector<LaneBooks> last = pipeline_->books();
  const bool all_settled = std::all_of(last.begin(), last.end(), [](const LaneBooks& lane) { return lane.in_flight == 0; });
  if (earlier_.empty()) earlier_.resize(last.size());
  if (all_settled) {
    add(earlier_, last);
  } else {
    earlier_.assign(last.size(), {});
  }
}

void SupervisedPipeline::do_errand(std::unique_lock<std::mutex>& lock) {
  const auto waiting = errands_.front();
  errands_.pop_front();
  waiting->taken = true;
  lock.unlock();
  Status result = waiting->errand(definition_, environment_, waiting->stop);
  lock.lock();
  waiting->result = std::move(result);
  waiting->done = true;
  changed_.notify_all();
}

Status SupervisedPipeline::run_errand(Errand errand, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (stopping_) return Error(ErrorKind::kCancelled, "stopped", "the daemon is stopping");
  if (!idle()) {
    return Error(ErrorKind::kFatal, "not_paused",
                 "the pipeline \"" + definition_.name + "\" runs, or has not come to its end yet: pause it first (sluice pause)");
  }
  const auto waiting = std::make_shared<Waiting>(Waiting{std::move(errand), stop});
  errands_.push_back(waiting);
  changed_.notify_all();
  while (!waiting->done) {
    changed_.wait_for(lock, kLookEvery);
    // One that has begun is waited for: its own stop token ends it.
    if (waiting->taken || !stop.stop_requested()) continue;
    std::erase(errands_, waiting);
    return Error(ErrorKind::kCancelled, "stopped", "the daemon is stopping");
  }
  return std::move(waiting->result);
}

Status SupervisedPipeline::note(bool paused) {
  DesiredState wish{paused, environment_.clock.utc_microseconds(), {}};
  SLUICE_TRY(save_desired_state(environment_.state_directory, wish, environment_.faults));
  desired_ = std::move(wish);
  return {};
}

Status SupervisedPipeline::pause() {
  const std::lock_guard lock(mutex_);
  if (desired_.paused && desired_.problem.empty()) return {};
  SLUICE_TRY(note(true));
  restart_ = false;
  run_stop_.request_stop();
  changed_.notify_all();
  return {};
}

Status SupervisedPipeline::resume() {
  const std::lock_guard lock(mutex_);
  if (desired_.paused) SLUICE_TRY(note(false));
  // One that is still on its way to its pause starts again after it.
  if (running_) restart_ = run_stop_.stop_requested();
  ended_ = false;
  changed_.notify_all();
  return {};
}

Status SupervisedPipeline::restart() {
  const std::lock_guard lock(mutex_);
  if (desired_.paused) SLUICE_TRY(note(false));
  restart_ = running_;
  ended_ = false;
  run_stop_.request_stop();
  changed_.notify_all();
  return {};
}

void SupervisedPipeline::request_stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  restart_ = false;
  run_stop_.request_stop();
  changed_.notify_all();
}

bool SupervisedPipeline::finished() const {
  const std::lock_guard lock(mutex_);
  return !running_ && (stopping_ || (ended_ && !desired_.paused));
}

bool SupervisedPipeline::settled() const {
  const std::lock_guard lock(mutex_);
  if (!running_) return idle();
  const State state = pipeline_->status().state;
  return state != State::kBuilding && state != State::kStarting;
}

PipelineStatus SupervisedPipeline::status() const {
  const std::lock_guard lock(mutex_);
  PipelineStatus result = pipeline_->status();
  result.restarts = runs_ == 0 ? 0 : runs_ - 1;
  if (!desired_.paused || running_) return result;
  result.state = State::kPaused;
  if (desired_.since != 0) result.since = desired_.since;
  if (const auto stored = stored_positions(environment_)) fill_positions(result, *stored);
  return result;
}

std::vector<LaneBooks> SupervisedPipeline::books() const {
  const std::lock_guard lock(mutex_);
  std::vector<LaneBooks> result = pipeline_->books();
  add(result, earlier_);
  return result;
}

std::shared_ptr<dlq::DeadLetterService> SupervisedPipeline::dead_letters() const {
  const std::lock_guard lock(mutex_);
  return pipeline_->dead_letters();
}

std::shared_ptr<Taps> SupervisedPipeline::taps() const {
  const std::lock_guard lock(mutex_);
  return running_ ? pipeline_->taps() : nullptr;
}

Status SupervisedPipeline::request_snapshot(const std::string& source, std::span<const std::string> tables, std::stop_token stop) {
  std::shared_ptr<Pipeline> pipeline;
  {
    const std::lock_guard lock(mutex_);
    if (!running_) return Error(ErrorKind::kFatal, "not_running", "the pipeline \"" + definition_.name + "\" does not run");
    pipeline = pipeline_;
  }
  return pipeline->request_snapshot(source, tables, std::move(stop));
}

}  // namespace sluice::pipeline
