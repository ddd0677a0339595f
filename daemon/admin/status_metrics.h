#pragma once
// The books and states of the pipelines on the page of metrics.

#include "daemon/admin/status_source.h"
#include "metrics/metrics_registry.h"

namespace sluice::admin {

// Publishes, at every scrape, one consistent snapshot per pipeline (G12): for each sink sluice_records_{in,created,filtered,
// deduplicated,dead_lettered,skipped,out}_total and sluice_records_in_flight, and sluice_pipeline_state and sluice_restarts_total.
// `status` must outlive the result.
MetricsRegistry::Registration publish_status(MetricsRegistry& metrics, const StatusSource& status);

}  // namespace sluice::admin
