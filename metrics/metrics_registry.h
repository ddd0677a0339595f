#pragma once
// All numbers of the process in one place, written in Prometheus' text format 0.0.4.
//
// Owned by main(), outlives every component.  Any thread.  Two ways in:
//   - series: counter(), gauge(), histogram() give plain atomics that live as long as the registry; each shows at 0 from the first call;
//   - collectors: functions called during a scrape, for numbers that only make sense together.  A pipeline publishes its books this
//     way under its own lock, so that one scrape sees one consistent state of it (G12).
//
// A name or label that Prometheus would refuse, or that is in use with another type, help text or set of label names, is a mistake in
// our code and no reason to stop a pipeline: the series counts but is not shown, and problems() names it (a test asks that it is empty).

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/metrics.h"

namespace sluice {

// Where a collector writes.  Valid only during the call.
class SampleWriter {
 public:
  virtual ~SampleWriter() = default;
  virtual void counter(std::string_view name, std::string_view help, const Labels& labels, double value) = 0;
  virtual void gauge(std::string_view name, std::string_view help, const Labels& labels, double value) = 0;
};

class MetricsRegistry final : public Metrics {
 public:
  using Collector = std::function<void(SampleWriter&)>;

  // Takes the collector out when destroyed; it is not running any more then.  Must not be destroyed from within a collector, nor
  // outlive the registry.
  class [[nodiscard]] Registration {
   public:
    Registration() = default;
    Registration(Registration&& other) noexcept;
    Registration& operator=(Registration&& other) noexcept;
    ~Registration();

   private:
    friend class MetricsRegistry;
    Registration(MetricsRegistry& owner, std::uint64_t id) : owner_(&owner), id_(id) {}
    MetricsRegistry* owner_ = nullptr;
    std::uint64_t id_ = 0;
  };

  MetricsRegistry();
  ~MetricsRegistry() override;
  MetricsRegistry(const MetricsRegistry&) = delete;
  MetricsRegistry& operator=(const MetricsRegistry&) = delete;

  Counter& counter(std::string_view name, std::string_view help, const Labels& labels) override;
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels) override;
  // `bounds`: ascending and finite; +Inf is added.
  Histogram& histogram(std::string_view name, std::string_view help, std::span<const double> bounds, const Labels& labels) override;

  // `collector` must be quick (a scrape waits for it) and may not call text().
  Registration add_collector(Collector collector);

  // The whole page: families in the order of their names, HELP and TYPE once each.
  std::string text() const;

  std::vector<std::string> problems() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// `sluice_build_info{version="..."} 1`.
void publish_build_info(Metrics& metrics, std::string_view version);

}  // namespace sluice
