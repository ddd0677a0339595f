#pragma once
// Drives a postgres_cdc source the way a shard does, against a real server, and keeps what it gave as text.

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "../support/temporary_directory.h"
#include "core/build_context.h"
#include "core/source.h"
#include "sources/postgres_cdc/snapshot/snapshot_point.h"
#include "sources/postgres_cdc/table_filter.h"
#include "tests/support/postgres_server.h"

namespace sluice::sources::postgres {
struct SessionSettings;
}

namespace sluice::test {

class FakeMetrics final : public Metrics {
 public:
  Counter& counter(std::string_view name, std::string_view, const Labels&) override {
    const std::lock_guard lock(mutex_);
    Counter& made = counters_.emplace_back();
    named_[std::string(name)] = &made;
    return made;
  }
  const Counter& named(const std::string& name) const { return *named_.at(name); }
  Gauge& gauge(std::string_view name, std::string_view, const Labels& labels) override {
    const std::lock_guard lock(mutex_);
    return gauges_[key(name, labels.size() > kOwn ? labels.back().second : "")];
  }
  // Of a gauge; `label`: the value of the label that comes after pipeline, component_kind and component.
  double value(std::string_view name, std::string_view label = "") {
    const std::lock_guard lock(mutex_);
    return gauges_[key(name, label)].value();
  }
  Histogram& histogram(std::string_view, std::string_view, std::span<const double> bounds, const Labels&) override {
    return histograms_.emplace_back(bounds);
  }

 private:
  std::map<std::string, const Counter*> named_;
  static constexpr std::size_t kOwn = 3;
  static std::string key(std::string_view name, std::string_view label) { return std::string(name) + '{' + std::string(label) + '}'; }

  std::mutex mutex_;
  std::deque<Counter> counters_;
  std::map<std::string, Gauge> gauges_;
  std::deque<Histogram> histograms_;
};

// Keeps what is logged.
class KeepingLogger final : public Logger {
 public:
  void log(LogLevel, std::string_view message, Fields fields) override {
    const std::lock_guard lock(mutex_);
    text_ += std::string(message) + '\n';
    for (const auto& [name, value] : fields) text_ += "  " + std::string(name) + '=' + std::string(value) + '\n';
  }
  bool holds(const std::string& part) {
    const std::lock_guard lock(mutex_);
    return text_.find(part) != std::string::npos;
  }

 private:
  std::mutex mutex_;
  std::string text_;
};

// Throws SimulatedCrash at one named point.
class CrashAt final : public FaultPoints {
 public:
  void reach(std::string_view name) override {
    if (name == point) throw SimulatedCrash{name};
  }
  std::string point;
};

struct SourceOptions {
  std::string url = {};
  std::vector<std::string> tables{"public.*"};
  std::string pipeline = "orders";
  std::chrono::milliseconds heartbeat{200};
  sources::postgres::SnapshotMode snapshot = sources::postgres::SnapshotMode::kNever;
  bool adopt = false;
  std::string state_directory = {};
  std::string publication = {};
  std::vector<sources::postgres::TableRule> rules = {};  // instead of `tables`
  bool messages = false;
  std::size_t spool_memory = 32 * 1024 * 1024;
  std::uint64_t spill_limit = 1024 * 1024 * 1024;
  std::function<void(sources::postgres::SessionSettings&)> adjust = {};  // last
};

// A record as text that stays when its batch is gone.
struct Seen {
  Op op{};
  Ordinal ordinal;
  std::string table;
  std::vector<std::string> before, after, key;  // "<null>" and "<unchanged>" are themselves
  std::vector<std::uint32_t> key_slots;

  bool operator==(const Seen&) const = default;
};

std::string show(const Value& value);

class SourceRun {
 public:
  explicit SourceRun(const SourceOptions& options);

  Status open(const Checkpoint& from = {});
  // One read().  Appends to seen(), moves through().
  Result<SourceState> read();
  // Reads until `done` holds; a transient error is retried after a moment, any other or `seconds` without an end throws.
  void read_until(const std::function<bool()>& done, int seconds = 60);
  void read_until_marker(const std::string& text, int seconds = 60);
  void request_stop() { stop_.request_stop(); }
  void acknowledge() { acknowledge(through_); }
  void acknowledge(const Checkpoint& done);
  Status close() { return source_->close(); }

  const std::vector<Seen>& seen() const { return seen_; }
  const Checkpoint& through() const { return through_; }
  const Position& position() const { return through_.begin()->second; }
  // After every read(): how many records had been seen, and through().
  const std::vector<std::pair<std::size_t, Checkpoint>>& steps() const { return steps_; }
  std::size_t transient_errors() const { return transient_errors_; }
  std::vector<RejectedInput>& rejected() { return rejected_; }
  bool commit_wanted() const { return commit_wanted_; }
  // Of the table's last record.
  const SchemaSpec& schema(const std::string& table) const { return specs_.at(table); }
  double schema_changes() const;
  FakeMetrics& metrics() { return metrics_; }
  KeepingLogger& log() { return log_; }

  std::function<void(const Batch&)> on_batch;  // every batch, after read(); empty: nobody looks
  CrashAt faults;
  BatchLimits limits{13, 1024 * 1024, std::chrono::milliseconds(100)};

 private:
  SchemaPool schemas_;
  FakeMetrics metrics_;
  KeepingLogger log_;
  SystemClock clock_;
  std::shared_ptr<const BatchOrigin> origin_;
  std::unique_ptr<Source> source_;
  std::stop_source stop_;
  std::vector<Seen> seen_;
  std::vector<std::pair<std::size_t, Checkpoint>> steps_;
  std::vector<RejectedInput> rejected_;
  std::map<std::string, SchemaSpec> specs_;
  Checkpoint through_;
  std::size_t transient_errors_ = 0;
  bool commit_wanted_ = false;
};

// True once `condition` holds; false after `seconds`.
bool eventually(const std::function<bool()>& condition, int seconds = 20);

// A folder that goes with the test.
using testing::TemporaryDirectory;

// A server of that version for all tests of this program; null, with a line that says why, when it cannot be had.
PostgresServer* shared_server(const std::string& version);
// The server that the tests of this program share; null, with a line that says so, when there is none on this machine.
PostgresServer* shared_server();
// False, with that line, when the test cannot run.
bool postgres_available();

}  // namespace sluice::test
