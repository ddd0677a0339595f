#pragma once
// Numbers for operators.  The runner counts, once per batch; components add only what the runner cannot know.
// metrics/ implements Metrics over prometheus-cpp; the series objects are plain atomics so that counting costs a nanosecond.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

// Only grows.  Any thread.
class Counter {
 public:
  void add(double amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Any thread.
class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Cumulative buckets with fixed upper bounds.  Any thread; a lock per observation, so observe per batch or commit.
class Histogram {
 public:
  struct Snapshot {
    std::vector<std::uint64_t> counts;  // per bucket, not cumulated; one more than bounds (the last is +Inf)
    double sum = 0;
  };

  explicit Histogram(std::span<const double> bounds) : bounds_(bounds.begin(), bounds.end()), counts_(bounds.size() + 1) {}
  void observe(double value);
  const std::vector<double>& bounds() const { return bounds_; }
  Snapshot snapshot() const;

 private:
  const std::vector<double> bounds_;  // ascending upper bounds
  mutable std::mutex mutex_;
  std::vector<std::uint64_t> counts_;
  double sum_ = 0;
};

using Labels = std::vector<std::pair<std::string, std::string>>;

// Kept by a source (SourceType::keeps_lag) and shown by the admin API as lag_seconds, under the labels of the source.
inline constexpr std::string_view kSourceLagName = "sluice_source_lag_seconds";
inline constexpr std::string_view kSourceLagHelp = "How far the source is behind its origin; 0 when it is caught up.";

// Returned references live as long as the Metrics; the same name and labels give the same series.  Every series exists at 0 from
// the moment it is asked for.  Any thread.
class Metrics {
 public:
  virtual ~Metrics() = default;
  virtual Counter& counter(std::string_view name, std::string_view help, const Labels& labels) = 0;
  virtual Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels) = 0;
  virtual Histogram& histogram(std::string_view name, std::string_view help, std::span<const double> bounds, const Labels& labels) = 0;
};

}  // namespace sluice
