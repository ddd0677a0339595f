#pragma once
// Every series behind /metrics, for the reference and for `sluice components`.  A test compares it with the code that makes the series.

#include <span>
#include <string_view>
#include <vector>

#include "core/registry.h"

namespace sluice::daemon {

struct MetricDoc {
  std::string_view name;
  std::string_view type;    // counter, gauge or histogram
  std::string_view labels;  // separated by spaces
  std::string_view of;      // who has it, separated by spaces: daemon, pipeline, source, transform, sink, or one component: sink.kafka
  std::string_view help;    // as /metrics has it
};

std::span<const MetricDoc> metric_list();

// Those that a component of this type has.
std::vector<const MetricDoc*> metrics_of(const Component& component);

}  // namespace sluice::daemon
