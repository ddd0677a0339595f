#include "pipeline/pipeline.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "pipeline/backoff.h"
#include "pipeline/identity.h"
#include "pipeline/lane.h"
#include "pipeline/letter_copier.h"
#include "pipeline/position_change.h"
#include "pipeline/replay_shard.h"
#include "pipeline/shard.h"

namespace sluice::pipeline {

namespace {

// How often the coordinating thread looks whether a thread has failed or all have finished.
constexpr std::chrono::milliseconds kLookEvery{10};

std::vector<std::string> sink_names(const Definition& definition) {
  std::vector<std::string> names;
  for (const SinkDefinition& sink : definition.sinks) names.push_back(sink.name);
  return names;
}

}  // namespace

std::string_view state_name(State state) {
  switch (state) {
    case State::kBuilding: return "building";
    case State::kStarting: return "starting";
    case State::kRunning: return "running";
    case State::kBackingOff: return "backing_off";
    case State::kDraining: return "draining";
    case State::kStopped: return "stopped";
    case State::kFailed: return "failed";
    case State::kPaused: return "paused";
  }
  return "";
}

class Pipeline::Impl {
 public:
  Impl(Definition definition, Environment environment)
      : definition_(std::move(definition)),
        environment_(std::move(environment)),
        books_(sink_names(definition_)),
        monitor_(definition_.name, environment_.metrics, environment_.log, environment_.clock),
        budget_(definition_.dead_letters.budget, environment_.clock),
        key_order_(definition_),
        keeper_(CheckpointStore(environment_.state_directory + "/checkpoint", environment_.faults), sink_names(definition_)),
        letters_(std::make_shared<dlq::DeadLetterService>(environment_.state_directory + "/dead_letters.db",
                                                          [bell = replay_bell_] { bell->ring(); })) {
    enter(State::kBuilding);
  }

  Status run(std::stop_token stop) {
    auto result = start(stop);
    if (result) result = run_threads(stop);
    const bool cancelled = !result && result.error().kind() == ErrorKind::kCancelled;
    if (!result && !cancelled && !monitor_.failure()) monitor_.fail("pipeline", result.error());
    const auto failure = monitor_.failure();
    enter(failure ? State::kFailed : State::kStopped);
    // Components are closed with the pipeline's end, not with its object's: a failed one must not hold locks or connections.
    for (const auto& shard : shards_) shard->snapshot_desk()->close();
    taps_->end();
    replay_.reset();
    copier_.reset();
    shards_.clear();
    lanes_.clear();
    finished_ = true;
    if (crash_) std::rethrow_exception(crash_);
    if (failure) return *failure;
    return {};
  }

  PipelineStatus status() const {
    const std::lock_guard lock(mutex_);
    PipelineStatus result;
    result.name = definition_.name;
    result.state = state_ == State::kRunning && monitor_.backing_off() ? State::kBackingOff : state_;
    result.since = since_;
    result.last_error = monitor_.last_error();
    result.last_progress = monitor_.last_progress();
    const Checkpoint minimum = keeper_.minimum();
    for (const SourceDefinition& source : definition_.sources) {
      SourceStatus entry{source.name, source.type, {}, lag_of(source)};
      for (const auto& position : minimum) {
        if (position.first.starts_with(source.name + "/")) entry.acknowledged.insert(position);
      }
      result.sources.push_back(std::move(entry));
    }
    for (std::size_t i = 0; i < definition_.sinks.size(); ++i) result.sinks.push_back(sink_status(i));
    return result;
  }

  std::vector<LaneBooks> books() const { return books_.snapshot(); }
  bool finished() const { return finished_; }
  std::shared_ptr<Taps> taps() const { return taps_; }

  Status request_snapshot(const std::string& source, std::span<const std::string> tables, std::stop_token stop) {
    const auto desk = SLUICE_TRY(desk_of(source));
    return desk->ask(tables, std::move(stop));
  }
  std::shared_ptr<dlq::DeadLetterService> dead_letters() const { return letters_; }

 private:
  Result<std::shared_ptr<SnapshotDesk>> desk_of(const std::string& source) const {
    const auto& sources = definition_.sources;
    if (source.empty() && sources.size() > 1)
      return Error(ErrorKind::kFatal, "unknown_source", "the pipeline has several sources: name one");
    const std::string& name = source.empty() ? sources.front().name : source;
    const bool known = std::any_of(sources.begin(), sources.end(), [&](const SourceDefinition& one) { return one.name == name; });
    if (!known) return Error(ErrorKind::kFatal, "unknown_source", "the pipeline has no source \"" + name + "\"");
    const std::lock_guard lock(mutex_);
    const auto found = running_ ? std::find_if(shards_.begin(), shards_.end(), [&](const auto& s) { return s->definition().name == name; })
                                : shards_.end();
    if (found == shards_.end()) return Error(ErrorKind::kFatal, "not_running", "the pipeline is starting or stopping");
    return (*found)->snapshot_desk();
  }

  void enter(State state) {
    const std::lock_guard lock(mutex_);
    state_ = state;
    since_ = environment_.clock.utc_microseconds();
  }

  // The series is the source's own; the same name and labels give the same one.
  std::optional<double> lag_of(const SourceDefinition& source) const {
    if (!source.keeps_lag) return std::nullopt;
    const Labels labels{{"pipeline", definition_.name}, {"component_kind", "source"}, {"component", source.name}};
    return environment_.metrics.gauge(kSourceLagName, kSourceLagHelp, labels).value();
  }

  SinkStatus sink_status(std::size_t index) const {
    const SinkDefinition& sink = definition_.sinks[index];
    Guarantee weakest = sink.guarantee;
    for (const SourceDefinition& source : definition_.sources) {
      if (weakest.exactly_once && !source.guarantee.exactly_once) weakest = source.guarantee;
    }
    const std::size_t held = running_ ? lanes_[index]->queue().held_bytes() : 0;
    return {sink.name, sink.type, weakest.exactly_once ? "exactly_once" : "at_least_once", weakest.reason, keeper_.lane(index), held};
  }

  // Calls `attempt` until it succeeds, backing off while it fails for a passing reason.
  Status insist(const RetryPolicy& retry, const std::string& who, const std::function<Status()>& attempt, std::stop_token stop) {
    Backoff backoff(retry, environment_.clock);
    while (true) {
      auto result = attempt();
      const bool temporary =
          !result && (result.error().kind() == ErrorKind::kTransient || result.error().kind() == ErrorKind::kCommitUnknown);
      if (!temporary) {
        if (result && backoff.attempts() != 0) monitor_.recovered(who);
        if (!result && result.error().kind() != ErrorKind::kCancelled) monitor_.fail(who, result.error());
        return result;
      }
      monitor_.report(who, result.error());
      SLUICE_TRY(backoff.wait(result.error(), stop));
    }
  }

  // Each part under its own name, so that an error says whose it is.
  Status build(const std::stop_token& stop) {
    const auto open_store = [&]() -> Status {
      dead_letters_ = SLUICE_TRY(environment_.open_dead_letters(definition_, environment_));
      return {};
    };
    SLUICE_TRY(insist({}, "dead_letters", open_store, stop));
    runtime_ = std::make_unique<Runtime>(
        Runtime{definition_, environment_, schemas_, keeper_, *dead_letters_, books_, monitor_, *taps_, budget_, key_order_});
    const auto know = [&]() -> Status {
      const std::string& directory = environment_.state_directory;
      runtime_->known_as = SLUICE_TRY(settle_identity(directory, definition_.name, definition_.sources_hash, environment_.faults)).known_as;
      return {};
    };
    SLUICE_TRY(insist({}, "pipeline", know, stop));
    for (std::size_t i = 0; i < definition_.sinks.size(); ++i) {
      const SinkDefinition& sink = definition_.sinks[i];
      const auto build_lane = [&]() -> Status {
        lanes_.push_back(SLUICE_TRY(Lane::build(sink, i, *runtime_)));
        return {};
      };
      SLUICE_TRY(insist(sink.retry, "sink " + sink.name, build_lane, stop));
    }
    if (auto* log = dead_letters_->replays()) replay_ = std::make_unique<ReplayShard>(lanes_, *runtime_, *log, *replay_bell_);
    if (definition_.replay_only) return {};
    if (definition_.dead_letters.copy_to) copier_ = std::make_unique<LetterCopier>(*definition_.dead_letters.copy_to, *runtime_);
    for (const SourceDefinition& source : definition_.sources) {
      const unsigned count = source.partitioned ? std::max(1U, definition_.shards) : 1;
      for (unsigned shard = 0; shard < count; ++shard) {
        const auto build_shard = [&]() -> Status {
          shards_.push_back(SLUICE_TRY(Shard::build(source, shard, count, lanes_, *runtime_)));
          return {};
        };
        SLUICE_TRY(insist(source.retry, "source " + source.name, build_shard, stop));
      }
    }
    return {};
  }

  Status start(std::stop_token stop) {
    SLUICE_TRY(insist(
        {}, "positions", [&] { return finish_position_change(definition_, environment_, stop); }, stop));
    SLUICE_TRY(build(stop));
    enter(State::kStarting);
    SLUICE_TRY(keeper_.load());
    for (const auto& lane : lanes_) {
      SLUICE_TRY(insist(
          lane->definition().retry, "sink " + lane->definition().name, [&] { return lane->open(stop); }, stop));
    }
    for (const std::size_t newborn : keeper_.give_birth()) SLUICE_TRY(give_birth(*lanes_[newborn], stop));
    SLUICE_TRY(insist(
        {}, "checkpoint", [&] { return keeper_.save(); }, stop));
    SLUICE_TRY(insist(
        {}, "dead_letters", [&] { return begin_dead_letters(); }, stop));
    for (const auto& shard : shards_) {
      SLUICE_TRY(insist(
          shard->definition().retry, "source " + shard->definition().name, [&] { return shard->open(stop); }, stop));
    }
    return {};
  }

  // What earlier runs have left is decided by where the lanes stand now, before any record comes.
  Status begin_dead_letters() {
    SLUICE_TRY(dead_letters_->settle(keeper_.minimum()));
    std::vector<LaneStart> starts;
    for (std::size_t i = 0; i < definition_.sinks.size(); ++i) {
      starts.push_back({definition_.sinks[i].name, keeper_.lane(i), stages_before(definition_, i)});
    }
    SLUICE_TRY(dead_letters_->begin_run(starts));
    if (!replay_) return {};
    auto* log = dead_letters_->replays();
    key_order_.start(log->keys(), SLUICE_TRY(log->known_keys(KeyOrder::kMaxWatched)));
    replay_->open();
    return {};
  }

  // G10; after a failed commit the sink is asked again, as always (G6).
  Status give_birth(Lane& lane, std::stop_token stop) {
    bool reopen = false;
    return insist(
        lane.definition().retry, "sink " + lane.definition().name,
        [&]() -> Status {
          if (std::exchange(reopen, true)) SLUICE_TRY(lane.open(stop));
          return lane.commit_birth(stop);
        },
        stop);
  }

  // Runs `body` on a thread; an exception (a test's SimulatedCrash) ends everything at once.
  template <typename F>
  std::jthread launch(F body) {
    return std::jthread([this, body = std::move(body)](std::stop_token) {
      try {
        body();
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!crash_) crash_ = std::current_exception();
        crashed_ = true;
      }
    });
  }

  Status run_threads(std::stop_token stop) {
    std::stop_source stop_shards, abandon;
    std::vector<std::jthread> lane_threads, shard_threads;
    std::stop_source stop_copy;
    std::jthread copy_thread;
    if (copier_) copy_thread = launch([this, token = stop_copy.get_token()] { copier_->run(token); });
    for (const auto& lane : lanes_) lane_threads.push_back(launch([&lane, token = abandon.get_token()] { lane->run(token); }));
    for (const auto& shard : shards_)
      shard_threads.push_back(launch([&shard, token = stop_shards.get_token(), last = abandon.get_token()] { shard->run(token, last); }));
    if (replay_) {
      shard_threads.push_back(launch([this, token = stop_shards.get_token(), last = abandon.get_token()] { replay_->run(token, last); }));
    }
    {
      const std::lock_guard lock(mutex_);
      running_ = true;
    }
    enter(State::kRunning);
    wait_until([&] { return stop.stop_requested() || all_read(); });
    enter(State::kDraining);
    // A source that has ended goes on listening for acknowledgements while the lanes drain; the others stop reading now.
    Deadline deadline;
    if (stop.stop_requested() || monitor_.failure() || crashed_) {
      stop_shards.request_stop();
      join(shard_threads, abandon, stop, deadline);
    }
    for (const auto& lane : lanes_) lane->queue().close();
    join(lane_threads, abandon, stop, deadline);
    stop_shards.request_stop();
    shard_threads.clear();
    stop_copy.request_stop();
    if (copy_thread.joinable()) copy_thread.join();
    {
      const std::lock_guard lock(mutex_);
      running_ = false;
    }
    if (crashed_) return {};
    return close_shards();
  }

  template <typename F>
  void wait_until(F done) {
    while (!done() && !monitor_.failure() && !crashed_) std::this_thread::sleep_for(kLookEvery);
  }

  bool all_read() const {
    return std::all_of(shards_.begin(), shards_.end(), [](const auto& shard) { return shard->finished_reading(); }) &&
           (!replay_ || replay_->caught_up());
  }

  // Of a graceful stop, which may come as late as while the lanes drain behind sources that have ended; nullopt: none was asked for.
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;

  // Joins shards or lanes; those that are not done within shutdown_timeout of a stop, or when the pipeline fails, give up what is not
  // committed, and the next start replays it.
  void join(std::vector<std::jthread>& threads, std::stop_source& abandon, const std::stop_token& stop, Deadline& deadline) {
    std::atomic<std::size_t> running{threads.size()};
    std::vector<std::jthread> waiters;
    for (std::jthread& thread : threads) {
      waiters.emplace_back([&thread, &running] {
        thread.join();
        --running;
      });
    }
    wait_until([&] {
      if (stop.stop_requested() && !deadline) deadline = environment_.clock.now() + definition_.shutdown_timeout;
      return running == 0 || (deadline && environment_.clock.now() >= *deadline);
    });
    if (running != 0) abandon.request_stop();
    waiters.clear();
    threads.clear();
  }

  Status close_shards() {
    Status result;
    for (const auto& shard : shards_) {
      auto closed = shard->close();
      if (!closed && result) result = std::move(closed);
    }
    if (replay_) {
      auto closed = replay_->close();
      if (!closed && result) result = std::move(closed);
    }
    if (!result && result.error().kind() == ErrorKind::kTransient) {  // everything is committed; the source catches up at the next start
      monitor_.report("source", result.error());
      return {};
    }
    return result;
  }

  const Definition definition_;
  const Environment environment_;
  SchemaPool schemas_;
  Books books_;
  Monitor monitor_;
  const std::shared_ptr<Taps> taps_ = std::make_shared<Taps>();
  DeadLetterBudget budget_;
  KeyOrder key_order_;
  CheckpointKeeper keeper_;
  const std::shared_ptr<ReplayBell> replay_bell_ = std::make_shared<ReplayBell>();
  const std::shared_ptr<dlq::DeadLetterService> letters_;
  std::unique_ptr<DeadLetterQueue> dead_letters_;
  std::unique_ptr<Runtime> runtime_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<ReplayShard> replay_;
  std::unique_ptr<LetterCopier> copier_;

  mutable std::mutex mutex_;
  State state_ = State::kBuilding;
  std::int64_t since_ = 0;
  bool running_ = false;  // lanes_ may be looked at from other threads
  std::exception_ptr crash_;
  std::atomic<bool> crashed_{false};
  std::atomic<bool> finished_{false};
};

Pipeline::Pipeline(Definition definition, Environment environment)
    : impl_(std::make_unique<Impl>(std::move(definition), std::move(environment))) {}
Pipeline::~Pipeline() = default;
Status Pipeline::run(std::stop_token stop) { return impl_->run(stop); }
PipelineStatus Pipeline::status() const { return impl_->status(); }
std::vector<LaneBooks> Pipeline::books() const { return impl_->books(); }
bool Pipeline::finished() const { return impl_->finished(); }
std::shared_ptr<Taps> Pipeline::taps() const { return impl_->taps(); }
Status Pipeline::request_snapshot(const std::string& source, std::span<const std::string> tables, std::stop_token stop) {
  return impl_->request_snapshot(source, tables, std::move(stop));
}
std::shared_ptr<dlq::DeadLetterService> Pipeline::dead_letters() const { return impl_->dead_letters(); }

}  // namespace sluice::pipeline
