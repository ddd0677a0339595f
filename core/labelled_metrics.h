#pragma once
// Metrics as a component sees them: every series carries the labels that say whose it is.

#include <algorithm>
#include <utility>

#include "core/metrics.h"

namespace sluice {

// Adds `base` (pipeline, component_kind, component) in front of the labels that the component names; a label that it names itself
// wins.  Any thread; `inner` must outlive it.
class LabelledMetrics final : public Metrics {
 public:
  LabelledMetrics(Metrics& inner, Labels base) : inner_(inner), base_(std::move(base)) {}

  Counter& counter(std::string_view name, std::string_view help, const Labels& labels) override {
    return inner_.counter(name, help, with(labels));
  }
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels) override {
    return inner_.gauge(name, help, with(labels));
  }
  Histogram& histogram(std::string_view name, std::string_view help, std::span<const double> bounds, const Labels& labels) override {
    return inner_.histogram(name, help, bounds, with(labels));
  }

 private:
  Labels with(const Labels& labels) const {
    Labels all;
    for (const auto& entry : base_) {
      const bool named = std::any_of(labels.begin(), labels.end(), [&](const auto& other) { return other.first == entry.first; });
      if (!named) all.push_back(entry);
    }
    all.insert(all.end(), labels.begin(), labels.end());
    return all;
  }

  Metrics& inner_;
  const Labels base_;
};

}  // namespace sluice
