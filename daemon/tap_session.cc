#include "daemon/tap_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "dlq/letter_content.h"
#include "expr/expression.h"
#include "formats/json_writer.h"

namespace sluice::daemon {

namespace {

using pipeline::Definition;
using pipeline::TapSide;

constexpr int kSessions = 4;                    // at once: each holds one of the API's workers
constexpr std::size_t kWaitingBytes = 4 << 20;  // what a slow reader may have us keep; more is left out

// The only place where a record is made visible to somebody who looks: what masks hide is to be hidden here.
std::string shown_record(const Batch& batch, const Record& record) { return dlq::letter_record(batch, record); }

std::string line_of(std::string_view place, TapSide side, const Batch& batch, const Record& record) {
  std::string line = "{\"at\":";
  append_json_string(place, line);
  line += side == TapSide::kBefore ? R"(,"side":"before","source":)" : R"(,"side":"after","source":)";
  append_json_string(batch.source(), line);
  line += ",\"partition\":";
  append_json_string(batch.partitions()[record.partition], line);
  line += fmt::format(R"(,"ordinal":["{}","{}"],"record":)", record.ordinal.major, record.ordinal.minor);
  line += shown_record(batch, record);
  line += "}\n";
  return line;
}

// Takes lines until there are enough of them.  Threads of the pipeline put in, one of the API takes out.
class Basin final : public pipeline::TapListener {
 public:
  Basin(TapSide side, std::unique_ptr<expr::Program> filter, std::size_t limit) : side_(side), filter_(std::move(filter)), left_(limit) {}

  void see(std::string_view place, const Batch& batch, std::span<const std::uint32_t> selected) override {
    const std::lock_guard lock(mutex_);
    for (const std::uint32_t i : selected) {
      if (left_ == 0) break;
      const Record& record = batch.records()[i];
      if (!wanted(batch, record)) continue;
      if (bytes_ > kWaitingBytes) break;
      lines_.push_back(line_of(place, side_, batch, record));
      bytes_ += lines_.back().size();
      --left_;
    }
    changed_.notify_all();
  }
  void ended() override {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  admin::TapSession::Next next(std::string& line, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return !lines_.empty() || left_ == 0 || ended_; });
    if (lines_.empty()) return left_ == 0 || ended_ ? admin::TapSession::Next::kEnd : admin::TapSession::Next::kNothingYet;
    line = std::move(lines_.front());
    lines_.pop_front();
    bytes_ -= line.size();
    return admin::TapSession::Next::kLine;
  }

 private:
  // A record on which the filter fails is not shown.
  bool wanted(const Batch& batch, const Record& record) {
    if (!filter_) return true;
    const auto holds = filter_->test(batch, record);
    return holds && *holds;
  }

  const TapSide side_;
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::unique_ptr<expr::Program> filter_;  // under the mutex: a program belongs to one thread at a time
  std::size_t left_;
  std::deque<std::string> lines_;
  std::size_t bytes_ = 0;
  bool ended_ = false;
};

class Session final : public admin::TapSession {
 public:
  Session(std::shared_ptr<pipeline::Taps> taps, std::shared_ptr<Basin> basin, std::shared_ptr<std::atomic<int>> open)
      : taps_(std::move(taps)), basin_(std::move(basin)), open_(std::move(open)) {}
  ~Session() override {
    taps_->remove(basin_.get());
    --*open_;
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  Next next(std::string& line, std::chrono::milliseconds patience) override { return basin_->next(line, patience); }

 private:
  const std::shared_ptr<pipeline::Taps> taps_;
  const std::shared_ptr<Basin> basin_;
  const std::shared_ptr<std::atomic<int>> open_;
};

void add_names(const std::vector<pipeline::StepDefinition>& steps, std::vector<std::string>& out) {
  for (const auto& step : steps) out.push_back(step.name);
}

std::vector<std::string> places_of(const Definition& definition, const std::string& wish) {
  std::vector<std::string> all, sources;
  for (const auto& source : definition.sources) {
    sources.push_back(source.name);
    add_names(source.chain, all);
  }
  if (wish.empty()) return sources;
  all.insert(all.end(), sources.begin(), sources.end());
  add_names(definition.steps, all);
  for (const auto& sink : definition.sinks) {
    all.push_back(sink.name);
    add_names(sink.chain, all);
  }
  if (std::find(all.begin(), all.end(), wish) == all.end()) return {};
  return {wish};
}

Result<std::unique_ptr<expr::Program>> compiled(const std::string& filter) {
  if (filter.empty()) return std::unique_ptr<expr::Program>();
  expr::Program::Options options;
  options.must_be_bool = true;
  return expr::Program::compile(filter, options);
}

}  // namespace

Result<std::unique_ptr<admin::TapSession>> open_tap(const pipeline::SupervisedPipeline& pipeline, const admin::TapWish& wish,
                                                    std::shared_ptr<std::atomic<int>> open) {
  const auto places = places_of(pipeline.definition(), wish.place);
  if (places.empty()) {
    return Error(ErrorKind::kFatal, "unknown_step",
                 fmt::format("\"{}\" has no source, step or sink \"{}\"", pipeline.definition().name, wish.place));
  }
  auto filter = SLUICE_TRY(compiled(wish.filter));
  const auto taps = pipeline.taps();
  if (!taps) return Error(ErrorKind::kFatal, "not_running", "the pipeline does not run, so nothing passes");
  if (++*open > kSessions) {
    --*open;
    return Error(ErrorKind::kTransient, "too_many_taps", "four taps are open already");
  }
  const TapSide side = wish.before ? TapSide::kBefore : TapSide::kAfter;
  const auto basin = std::make_shared<Basin>(side, std::move(filter), wish.limit);
  auto session = std::make_unique<Session>(taps, basin, std::move(open));
  for (const std::string& place : places) taps->add(place, side, basin);
  return std::unique_ptr<admin::TapSession>(std::move(session));
}

}  // namespace sluice::daemon
