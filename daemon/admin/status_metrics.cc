#include "daemon/admin/status_metrics.h"

#include <array>

namespace sluice::admin {

namespace {

using pipeline::LaneBooks;
using pipeline::State;

struct BookColumn {
  std::string_view name, help;
  std::uint64_t LaneBooks::*value;
};

constexpr std::array kColumns = {
    BookColumn{"sluice_records_in_total", "Records that entered.", &LaneBooks::in},
    BookColumn{"sluice_records_created_total", "Records that steps made of others.", &LaneBooks::created},
    BookColumn{"sluice_records_filtered_total", "Records left out because the configuration says so; not lost.", &LaneBooks::filtered},
    BookColumn{"sluice_records_deduplicated_total", "Records left out as duplicates.", &LaneBooks::deduplicated},
    BookColumn{"sluice_records_dead_lettered_total", "Records on the way to the sink that went to the dead-letter queue.",
               &LaneBooks::dead_lettered},
    BookColumn{"sluice_records_skipped_total", "Records met again after a restart that were committed already.", &LaneBooks::skipped},
    BookColumn{"sluice_records_out_total", "Records committed in the sink.", &LaneBooks::out},
};

constexpr std::array kStates = {State::kBuilding, State::kStarting, State::kRunning, State::kBackingOff,
                                State::kDraining, State::kStopped,  State::kFailed,  State::kPaused};

void write_lane(const std::string& pipeline, const LaneBooks& lane, SampleWriter& out) {
  const Labels labels = {{"pipeline", pipeline}, {"component_kind", "sink"}, {"component", lane.sink}};
  for (const BookColumn& column : kColumns) out.counter(column.name, column.help, labels, static_cast<double>(lane.*column.value));
  out.gauge("sluice_records_in_flight", "Records read and not yet committed, counted on their own.", labels,
            static_cast<double>(lane.in_flight));
}

}  // namespace

MetricsRegistry::Registration publish_status(MetricsRegistry& metrics, const StatusSource& status) {
  return metrics.add_collector([&status](SampleWriter& out) {
    for (const pipeline::PipelineStatus& pipeline : status.pipelines()) {
      for (const State state : kStates) {
        out.gauge("sluice_pipeline_state", "1 for the state that the pipeline is in.",
                  {{"pipeline", pipeline.name}, {"state", std::string(pipeline::state_name(state))}}, state == pipeline.state ? 1 : 0);
      }
      out.counter("sluice_restarts_total", "Times the pipeline was started again.", {{"pipeline", pipeline.name}},
                  static_cast<double>(pipeline.restarts));
      const auto books = status.books(pipeline.name);
      if (!books) continue;  // it went away between the two questions
      for (const LaneBooks& lane : *books) write_lane(pipeline.name, lane, out);
    }
  });
}

}  // namespace sluice::admin
