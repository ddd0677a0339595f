#pragma once
// What the tests of sinks share: a folder that goes away, a clock and fault points to steer, sinks built through the registry from
// configuration as users write it, and batches.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../support/temporary_directory.h"
#include "core/registry.h"

namespace sluice::testing {

// Crashes at the n-th point reached, and makes named steps fail with an errno.
class SteeredFaults final : public FaultPoints {
 public:
  void reach(std::string_view point) override;
  int failure(std::string_view who, std::string_view step) override;

  std::uint64_t crash_at = 0;               // 0: never; counts down from the moment it is set
  std::map<std::string, int> failing;       // "<who>.<step>" -> errno
  std::set<std::string, std::less<>> seen;  // every point reached
  std::string crashed_at;
};

class ManualClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::time_point(elapsed); }
  std::int64_t utc_microseconds() const override {
    return 1'760'000'000'000'000 + std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count();
  }
  bool sleep_for(std::chrono::nanoseconds duration, std::stop_token) override {
    elapsed += duration;
    return true;
  }
  std::chrono::nanoseconds elapsed{std::chrono::hours(1)};
};

class QuietLogger final : public Logger {
 public:
  void log(LogLevel, std::string_view, Fields) override {}
};

class PlainMetrics final : public Metrics {
 public:
  Counter& counter(std::string_view, std::string_view, const Labels&) override { return counter_; }
  Gauge& gauge(std::string_view, std::string_view, const Labels&) override { return gauge_; }
  Histogram& histogram(std::string_view, std::string_view, std::span<const double>, const Labels&) override { return histogram_; }

 private:
  Counter counter_;
  Gauge gauge_;
  Histogram histogram_{std::span<const double>()};
};

// "rotate.size" nests; values that begin with '[' are lists of scalars.
using Settings = std::vector<std::pair<std::string, std::string>>;
ConfigNode make_node(const Settings& settings);

// What stays while sinks come and go: the installation.
struct World {
  TemporaryDirectory directory{TemporaryDirectory::Place::kMemory};
  SteeredFaults faults;
  ManualClock clock;
  QuietLogger log;
  PlainMetrics metrics;
  SchemaPool schemas;
  std::string instance = "here";

  BuildContext context(std::string component = "out");
  // Fails the test when the settings are not accepted.
  std::unique_ptr<Sink> make_sink(const std::string& type, const Settings& settings, std::string component = "out");
  // The findings' codes of settings that are not accepted.
  std::vector<std::string> refused(const std::string& type, const Settings& settings);
};

// Rows of one table in one partition "log" of the source "files".
class BatchMaker {
 public:
  BatchMaker(World& world, std::vector<Field> fields, std::vector<std::uint32_t> key = {}, std::string table = "items");

  // A new batch; what was made before is given by take().
  BatchMaker& start();
  // The next ordinal, major 1, 2, ...
  Record& add(Op op, const std::vector<Value>& after, const std::vector<Value>& before = {});
  Record& add_at(std::uint64_t major, Op op, const std::vector<Value>& after, const std::vector<Value>& before = {});
  std::shared_ptr<const Batch> take();
  Arena& arena() { return batch_->arena(); }
  Value text(std::string_view value) { return Value::string_in(arena(), value); }

 private:
  std::shared_ptr<const BatchOrigin> origin_;
  SchemaRef schema_;
  std::shared_ptr<Batch> batch_;
  std::uint64_t next_ = 1;
};

// Everything of `batch` is written, flushed and committed; the rejects come back as index -> code.
using RejectCodes = std::map<std::uint32_t, std::string>;
RejectCodes write_all(Sink& sink, const std::shared_ptr<const Batch>& batch);
Status write_only(Sink& sink, const std::shared_ptr<const Batch>& batch, Rejects& rejects);
Status commit(Sink& sink, const Checkpoint& through);
// Opens, and fails the test when that fails.
Checkpoint open(Sink& sink);

std::string read_text(const std::string& path);
// Finished files below `folder`, hidden ones left out, in the order of their names.
std::vector<std::string> visible_files(const std::string& folder);

}  // namespace sluice::testing
