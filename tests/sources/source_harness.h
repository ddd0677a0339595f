#pragma once
// Runs one source by hand, as a shard would: open, read, acknowledge; with a clock that only moves when somebody sleeps.

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../support/temporary_directory.h"
#include "core/build_context.h"
#include "core/registry.h"
#include "formats/json_writer.h"

namespace sluice {

void register_file_source(Registry& registry);
void register_generator_source(Registry& registry);

namespace testing {

inline ConfigNode scalar(std::string text) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kScalar;
  node.text = std::move(text);
  return node;
}
inline ConfigNode list(const std::vector<std::string>& items) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kSequence;
  for (const std::string& item : items) node.items.push_back(scalar(item));
  return node;
}
inline ConfigNode mapping(std::vector<std::pair<std::string, ConfigNode>> entries) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kMapping;
  for (auto& [key, value] : entries) node.entries.emplace_back(scalar(key), std::move(value));
  return node;
}

class TestClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point now() const override { return now_; }
  std::int64_t utc_microseconds() const override { return 0; }
  bool sleep_for(std::chrono::nanoseconds duration, std::stop_token) override {
    now_ += duration;
    return true;
  }
  void advance(std::chrono::nanoseconds duration) { now_ += duration; }

 private:
  std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
};

class TestLogger final : public Logger {
 public:
  void log(LogLevel, std::string_view message, Fields) override { messages.emplace_back(message); }
  std::vector<std::string> messages;
};

class TestMetrics final : public Metrics {
 public:
  Counter& counter(std::string_view, std::string_view, const Labels&) override { return counters_.emplace_back(); }
  Gauge& gauge(std::string_view, std::string_view, const Labels&) override { return gauges_.emplace_back(); }
  Histogram& histogram(std::string_view, std::string_view, std::span<const double> bounds, const Labels&) override {
    return histograms_.emplace_back(bounds);
  }

 private:
  std::deque<Counter> counters_;
  std::deque<Gauge> gauges_;
  std::deque<Histogram> histograms_;
};

class NoVariables final : public Variables {
 public:
  std::optional<std::string> find(std::string_view) const override { return std::nullopt; }
  Result<std::string> read_file(std::string_view) const override { return std::string(); }
};

inline void append_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::app | std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
}
inline void write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::trunc | std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
}
inline bool exists(const std::string& path) { return std::filesystem::exists(path); }

// One record or rejected input, in the order of reading.
struct Seen {
  std::string partition;
  Ordinal ordinal;
  std::string content;  // the row as JSON, or "!code raw"
  bool operator==(const Seen&) const = default;
  auto operator<=>(const Seen& other) const { return std::tie(partition, ordinal) <=> std::tie(other.partition, other.ordinal); }
};

inline std::vector<Seen> seen_in(const Batch& batch) {
  std::vector<Seen> seen;
  for (const Record& record : batch.records()) {
    Seen entry{batch.partitions()[record.partition], record.ordinal, {}};
    append_json_row(*record.schema, record.row(), entry.content);
    seen.push_back(std::move(entry));
  }
  for (const RejectedInput& rejected : batch.rejected_inputs()) {
    seen.push_back({batch.partitions()[rejected.partition], rejected.ordinal,
                    "!" + std::string(rejected.reason.code()) + " " + std::string(rejected.raw.substr(0, 40))});
  }
  std::stable_sort(seen.begin(), seen.end());
  return seen;
}

// One life of a source: from open() until it is destroyed, which is a crash unless close() was called.
class Life {
 public:
  Life(std::string_view type, const ConfigNode& config, const Checkpoint& from = {}, unsigned shard = 0, unsigned shards = 1) {
    register_file_source(registry_);
    register_generator_source(registry_);
    Diagnostics findings;
    const NoVariables variables;
    BindContext binding{findings, variables};
    const Component* component = registry_.find(ComponentKind::kSource, type);
    REQUIRE(component != nullptr);
    const auto bound = component->bind(config, nullptr, binding);
    for (const Diagnostic& finding : findings.findings()) UNSCOPED_INFO(finding.message);
    REQUIRE(bound.has_value());
    auto built = component->build_source(bound, BuildContext{"pipe", "in", shard, shards, "", "", metrics_, schemas_, log, clock, faults_});
    REQUIRE(built);
    source_ = std::move(built).value();
    checkpoint = from;
    const Status opened = source_->open(from, {});
    if (!opened) UNSCOPED_INFO(opened.error().message());
    REQUIRE(opened);
  }

  // One read(); what it gave is appended to `seen` and `checkpoint`.
  SourceState read(BatchLimits limits = {}) {
    const auto state = try_read(limits);
    if (!state) UNSCOPED_INFO(state.error().message());
    REQUIRE(state);
    return *state;
  }

  Result<SourceState> try_read(BatchLimits limits = {}) {
    auto batch = std::make_shared<Batch>(std::make_shared<BatchOrigin>(BatchOrigin{"in", nullptr}), 0);
    BatchBuilder out(batch, limits);
    auto state = source_->read(out, {});
    const auto now = seen_in(*batch);
    seen.insert(seen.end(), now.begin(), now.end());
    for (const auto& [key, position] : batch->through()) {
      // G3: equal done means equal resume.
      const auto known = checkpoint.find(key);
      if (known != checkpoint.end() && known->second.done == position.done) CHECK(known->second.resume == position.resume);
      // Never back.
      if (known != checkpoint.end()) CHECK(known->second.done <= position.done);
    }
    advance(checkpoint, batch->through());
    last_batch = batch;
    return state;
  }

  // Reads until nothing is at hand.
  SourceState drain(BatchLimits limits = {}) {
    SourceState state = SourceState::kMore;
    for (int i = 0; i < 100'000 && state == SourceState::kMore; ++i) state = read(limits);
    return state;
  }

  void acknowledge() { REQUIRE(source_->acknowledge(checkpoint)); }
  void close() { REQUIRE(source_->close()); }

  std::vector<std::string> contents() const {
    std::vector<std::string> result;
    for (const Seen& entry : seen) result.push_back(entry.content);
    return result;
  }

  Checkpoint checkpoint;
  std::vector<Seen> seen;
  TestClock clock;
  TestLogger log;
  std::shared_ptr<Batch> last_batch;

 private:
  Registry registry_;
  SchemaPool schemas_;
  TestMetrics metrics_;
  FaultPoints faults_;
  std::unique_ptr<Source> source_;
};

}  // namespace testing
}  // namespace sluice
