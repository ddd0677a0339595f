#include "daemon/metric_list.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/metrics.h"

namespace sluice::daemon {

namespace {

constexpr auto kMetrics = std::to_array<MetricDoc>({
    {"sluice_build_info", "gauge", "version", "daemon", "Version of the running program; always 1."},
    {"sluice_config_reload_success", "gauge", "", "daemon", "1 when the last load of the pipeline files succeeded."},
    {"sluice_config_reload_timestamp_seconds", "gauge", "", "daemon", "When pipeline files were last loaded with success."},
    {"sluice_pipeline_state", "gauge", "pipeline state", "pipeline", "1 for the state that the pipeline is in."},
    {"sluice_restarts_total", "counter", "pipeline", "pipeline", "Times the pipeline was started again."},
    {"sluice_errors_total", "counter", "pipeline kind", "pipeline", "Errors by what the runner did about them."},
    {"sluice_dead_letters_stored", "gauge", "pipeline", "pipeline", "Dead letters that wait for a decision."},
    {"sluice_dead_letters_oldest_timestamp_seconds", "gauge", "pipeline", "pipeline",
     "When the oldest dead letter that waits came; 0: none waits."},
    {"sluice_dead_letter_copies_total", "counter", "pipeline", "dead_letters.copy_to", "Dead letters that copy_to has taken."},
    {"sluice_dead_letter_copy_failures_total", "counter", "pipeline", "dead_letters.copy_to",
     "Tries to copy dead letters that failed, and letters that copy_to refused."},
    {"sluice_dead_letters_total", "counter", "pipeline component_kind component code", "source transform sink",
     "Records given up, by the stage that gave them up and why."},
    {"sluice_records_in_total", "counter", "pipeline component_kind component", "source sink", "Records that entered."},
    {"sluice_bytes_in_total", "counter", "pipeline component_kind component", "source",
     "Bytes of the original records, where there are any."},
    {"sluice_last_record_timestamp_seconds", "gauge", "pipeline component_kind component", "source", "When the last record was read."},
    {"sluice_source_lag_seconds", "gauge", "pipeline component_kind component", "source", kSourceLagHelp},
    {"sluice_queue_blocked_seconds_total", "counter", "pipeline component_kind component", "source",
     "Time that the source waited for room in a sink's queue."},
    {"sluice_retries_total", "counter", "pipeline component_kind component", "source sink", "Tries after a failure."},
    {"sluice_step_cpu_seconds_total", "counter", "pipeline component_kind component", "transform", "CPU time spent in the step."},
    {"sluice_path_misses_total", "counter", "pipeline component_kind component path",
     "transform.drop transform.keep transform.rename transform.cast", "Records in which a field path of the step matched nothing."},
    {"sluice_records_created_total", "counter", "pipeline component_kind component", "sink", "Records that steps made of others."},
    {"sluice_records_filtered_total", "counter", "pipeline component_kind component", "sink",
     "Records left out because the configuration says so; not lost."},
    {"sluice_records_deduplicated_total", "counter", "pipeline component_kind component", "sink", "Records left out as duplicates."},
    {"sluice_records_dead_lettered_total", "counter", "pipeline component_kind component", "sink",
     "Records on the way to the sink that went to the dead-letter queue."},
    {"sluice_records_skipped_total", "counter", "pipeline component_kind component", "sink",
     "Records met again after a restart that were committed already."},
    {"sluice_records_out_total", "counter", "pipeline component_kind component", "sink", "Records committed in the sink."},
    {"sluice_records_in_flight", "gauge", "pipeline component_kind component", "sink",
     "Records read and not yet committed, counted on their own."},
    {"sluice_queue_bytes", "gauge", "pipeline component_kind component", "sink",
     "Bytes waiting for the sink or written and not committed."},
    {"sluice_queue_limit_bytes", "gauge", "pipeline component_kind component", "sink", "Limit of sluice_queue_bytes."},
    {"sluice_commits_total", "counter", "pipeline component_kind component", "sink", "Commits that the sink confirmed."},
    {"sluice_commit_failures_total", "counter", "pipeline component_kind component", "sink",
     "Commits that failed or whose answer was lost."},
    {"sluice_commit_duration_seconds", "histogram", "pipeline component_kind component", "sink", "Time a commit takes."},
    {"sluice_delivery_latency_seconds", "histogram", "pipeline component_kind component", "sink", "From reading a batch to its commit."},
    {"sluice_checkpoint_timestamp_seconds", "gauge", "pipeline component_kind component", "sink", "When the sink last committed."},
    {"sluice_source_lag_bytes", "gauge", "pipeline component_kind component", "source.postgres_cdc",
     "Bytes of the origin's log that were not read yet."},
    {"sluice_schema_changes_total", "counter", "pipeline component_kind component", "source.postgres_cdc",
     "Times that a table was described differently than before."},
    {"sluice_snapshot_rows_total", "counter", "pipeline component_kind component", "source.postgres_cdc", "Rows read by snapshots."},
    {"sluice_snapshot_progress_ratio", "gauge", "pipeline component_kind component", "source.postgres_cdc",
     "Share of the snapshot that is done, by the server's estimate of rows; 1 when there is nothing to do."},
    {"sluice_snapshot_superseded_total", "counter", "pipeline component_kind component", "source.postgres_cdc",
     "Updates left out because the rows, complete, are read later."},
    {"sluice_postgres_slot_lag_bytes", "gauge", "pipeline component_kind component", "source.postgres_cdc",
     "Bytes of the server's log behind the slot's confirmed position."},
    {"sluice_postgres_slot_looked_at_timestamp_seconds", "gauge", "pipeline component_kind component", "source.postgres_cdc",
     "When the slot was looked at last."},
    {"sluice_postgres_wal_retained_bytes", "gauge", "pipeline component_kind component", "source.postgres_cdc",
     "Bytes of log that the server keeps because of the slot."},
    {"sluice_postgres_wal_limit_used_ratio", "gauge", "pipeline component_kind component", "source.postgres_cdc",
     "Share of max_slot_wal_keep_size in use; 1 is the loss of the slot, 0 also without a limit."},
    {"sluice_postgres_wal_budget_bytes", "gauge", "pipeline component_kind component", "source.postgres_cdc",
     "wal_budget of the configuration; 0: none."},
    {"sluice_postgres_wal_budget_exceeded", "gauge", "pipeline component_kind component", "source.postgres_cdc",
     "1 while more log is kept than wal_budget."},
    {"sluice_postgres_wal_status", "gauge", "pipeline component_kind component status", "source.postgres_cdc",
     "1 for the slot's wal_status."},
    {"sluice_http_requests_total", "counter", "pipeline component_kind component status", "source.http_server source.http_client sink.http",
     "HTTP requests by the status of their answer."},
    {"sluice_kafka_transactions_total", "counter", "pipeline component_kind component result", "sink.kafka",
     "Transactions, by how they ended."},
    {"sluice_kafka_producers_total", "counter", "pipeline component_kind component", "sink.kafka",
     "Producers begun; each failure begins a new one."},
    {"sluice_kafka_messages_total", "counter", "pipeline component_kind component", "sink.kafka",
     "Messages sent to brokers, repetitions not counted."},
    {"sluice_kafka_sent_bytes_total", "counter", "pipeline component_kind component", "sink.kafka",
     "Bytes sent to brokers, as they are on the wire."},
    {"sluice_kafka_records_refused_total", "counter", "pipeline component_kind component", "sink.kafka",
     "Records that a broker or the client would not take."},
    {"sluice_kafka_requests_total", "counter", "pipeline component_kind component", "sink.kafka", "Requests sent to brokers."},
    {"sluice_kafka_request_errors_total", "counter", "pipeline component_kind component", "sink.kafka",
     "Requests that failed on their way."},
    {"sluice_kafka_request_retries_total", "counter", "pipeline component_kind component", "sink.kafka", "Requests sent again."},
    {"sluice_kafka_request_timeouts_total", "counter", "pipeline component_kind component", "sink.kafka",
     "Requests without an answer in time."},
    {"sluice_kafka_request_seconds", "gauge", "pipeline component_kind component quantile", "sink.kafka",
     "Time of requests to the slowest broker, a recent window."},
    {"sluice_kafka_throttle_seconds", "gauge", "pipeline component_kind component", "sink.kafka",
     "How long brokers hold answers back because of quotas, a recent mean."},
    {"sluice_kafka_queue_messages", "gauge", "pipeline component_kind component", "sink.kafka",
     "Messages in the client that are not answered yet."},
    {"sluice_kafka_queue_bytes", "gauge", "pipeline component_kind component", "sink.kafka", "Bytes of them."},
    {"sluice_kafka_batch_bytes", "gauge", "pipeline component_kind component", "sink.kafka",
     "Size of a batch of messages, a recent mean over topics."},
    {"sluice_kafka_brokers_connected", "gauge", "pipeline component_kind component", "sink.kafka", "Brokers with a connection that works."},
});

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(' '), list.size());
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

std::string_view kind_word(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kSource: return "source";
    case ComponentKind::kTransform: return "transform";
    case ComponentKind::kSink: return "sink";
  }
  return "";
}

}  // namespace

std::span<const MetricDoc> metric_list() { return kMetrics; }

std::vector<const MetricDoc*> metrics_of(const Component& component) {
  const std::string kind(kind_word(component.kind));
  const std::string itself = kind + "." + std::string(component.name);
  std::vector<const MetricDoc*> result;
  for (const MetricDoc& metric : kMetrics) {
    if (has_word(metric.of, kind) || has_word(metric.of, itself)) result.push_back(&metric);
  }
  return result;
}

}  // namespace sluice::daemon
