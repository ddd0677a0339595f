#pragma once
// A small world for the pipeline's crash tests: a log that forgets what was acknowledged, sinks whose durable content survives a
// "crash" (SimulatedCrash unwinding the pipeline), and dead letters with a durable and a buffered part.
//
// The world is the oracle: it knows each record that must arrive, and it notices every breach of a rule at the moment it happens.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <ostream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "pipeline/definition.h"

namespace sluice::simulation {

// What a record is made to do, by its ordinal; so a replay repeats it.
bool is_invisible(std::uint64_t ordinal);     // the source skips it, and only the position moves (G8)
bool is_filtered(std::uint64_t ordinal);      // the step leaves it out
bool is_step_reject(std::uint64_t ordinal);   // the step refuses it
bool is_sink_reject(std::uint64_t ordinal);   // every sink refuses it
bool is_bad_input(std::uint64_t ordinal);     // it never becomes a record
bool is_inside_chunk(std::uint64_t ordinal);  // no commit may stand just behind it (G13)

struct Row {
  std::string partition;
  std::uint64_t ordinal = 0;
  auto operator<=>(const Row&) const = default;
};

// For test output.
inline std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.ordinal; }

struct DurableSink {
  bool keeps_positions = true;
  std::vector<Row> rows;
  Checkpoint positions;
};

struct World {
  std::vector<std::string> partitions = {"p0", "p1"};
  std::uint64_t length = 200;  // ordinals 1..length in each partition

  std::mutex mutex;
  std::map<std::string, std::uint64_t> pruned;  // by partition: the log no longer has what is at or below
  std::map<std::string, DurableSink> sinks;
  std::map<std::string, unsigned> letters;  // durable dead letters by identity; value: how often it was put
  std::vector<std::string> breaches;        // rules that were seen broken

  void breach(std::string what);
};

// Crashes at the n-th point that is reached, and from then on at every point: nothing durable happens after a crash.
class CrashingFaults final : public FaultPoints {
 public:
  explicit CrashingFaults(std::uint64_t crash_at) : crash_at_(crash_at) {}  // 0: never
  void reach(std::string_view point) override;
  bool crashed() const { return crashed_; }

 private:
  const std::uint64_t crash_at_;
  std::atomic<std::uint64_t> reached_{0};
  std::atomic<bool> crashed_{false};
};

struct Weather {
  unsigned transient_percent = 0;       // of reads, writes and commits that fail for a passing reason
  unsigned commit_unknown_percent = 0;  // of commits whose answer is lost (half of them landed)
};

class QuietLogger final : public Logger {
 public:
  void log(LogLevel, std::string_view, Fields) override {}
};

// Series without names: the tests look at the books.
class PlainMetrics final : public Metrics {
 public:
  Counter& counter(std::string_view, std::string_view, const Labels&) override;
  Gauge& gauge(std::string_view, std::string_view, const Labels&) override;
  Histogram& histogram(std::string_view, std::string_view, std::span<const double> bounds, const Labels&) override;

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Counter>> counters_;
  std::vector<std::unique_ptr<Gauge>> gauges_;
  std::vector<std::unique_ptr<Histogram>> histograms_;
};

pipeline::SourceDefinition source(World& world, const std::string& name, std::uint64_t seed, Weather weather, bool endless = false);
// The step that filters and refuses, and marks what it lets through.
pipeline::StepDefinition step(const std::string& name, std::vector<std::string> from);
pipeline::SinkDefinition sink(World& world, const std::string& name, std::vector<std::string> from, std::uint64_t seed, Weather weather);
std::unique_ptr<DeadLetterQueue> dead_letters(World& world, FaultPoints& faults);

// What `name` must hold in the end, by partition in order.
std::vector<Row> expected_rows(const World& world, const std::string& partition, bool through_step);
std::vector<Row> rows_of(const DurableSink& sink, const std::string& partition);

}  // namespace sluice::simulation
