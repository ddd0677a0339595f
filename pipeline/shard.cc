#include "pipeline/shard.h"

namespace sluice::pipeline {

namespace {

SchemaRef meta_schema(const SourceDefinition& definition, SchemaPool& schemas) {
  SchemaSpec spec;
  for (const std::string& name : definition.meta) spec.fields.push_back({name});
  return schemas.intern(std::move(spec));
}

bool holds_something(const Batch& batch) { return batch.size() != 0 || !batch.rejected_inputs().empty(); }

}  // namespace

Shard::Shard(const SourceDefinition& definition, const std::vector<std::unique_ptr<Lane>>& lanes, Runtime& runtime)
    : definition_(definition),
      lanes_(lanes),
      runtime_(runtime),
      origin_(std::make_shared<BatchOrigin>(BatchOrigin{definition.name, meta_schema(definition, runtime.schemas)})),
      dead_letters_(runtime),
      backoff_(definition.retry, runtime.environment.clock),
      records_in_(runtime.environment.metrics.counter("sluice_records_in_total", "Records that entered.",
                                                      runtime.labels("source", definition.name))),
      bytes_in_(runtime.environment.metrics.counter("sluice_bytes_in_total", "Bytes of the original records, where there are any.",
                                                    runtime.labels("source", definition.name))),
      retries_(
          runtime.environment.metrics.counter("sluice_retries_total", "Tries after a failure.", runtime.labels("source", definition.name))),
      blocked_seconds_(runtime.environment.metrics.counter("sluice_queue_blocked_seconds_total",
                                                           "Time that the source waited for room in a sink's queue.",
                                                           runtime.labels("source", definition.name))),
      last_record_(runtime.environment.metrics.gauge("sluice_last_record_timestamp_seconds", "When the last record was read.",
                                                     runtime.labels("source", definition.name))) {}

Result<std::unique_ptr<Shard>> Shard::build(const SourceDefinition& definition, unsigned shard, unsigned shard_count,
                                            const std::vector<std::unique_ptr<Lane>>& lanes, Runtime& runtime) {
  std::unique_ptr<Shard> result(new Shard(definition, lanes, runtime));
  result->source_ = SLUICE_TRY(definition.build(runtime.build_context("source", definition.name, shard, shard_count)));
  result->tree_ = SLUICE_TRY(StepTree::build(definition, runtime, shard, shard_count));
  return result;
}

Checkpoint Shard::own_part(const Checkpoint& checkpoint) const {
  const std::string prefix = definition_.name + "/";
  Checkpoint result;
  for (auto it = checkpoint.lower_bound(prefix); it != checkpoint.end() && it->first.starts_with(prefix); ++it) result.insert(*it);
  return result;
}

Status Shard::open(std::stop_token stop) {
  SLUICE_TRY(tree_->open(stop));
  sent_ = own_part(runtime_.keeper.minimum());
  return source_->open(sent_, stop);
}

void Shard::run(std::stop_token stop, std::stop_token abandon) {
  while (!stop.stop_requested() && !finished_reading_) {
    auto result = read_on(stop, abandon);
    if (result) continue;
    const Error& error = result.error();
    if (error.kind() == ErrorKind::kCancelled) break;
    if (error.kind() != ErrorKind::kTransient) return runtime_.monitor.fail("source " + definition_.name, error);
    runtime_.monitor.report("source " + definition_.name, error);
    retries_.add();
    const Monitor::BackingOff waiting(runtime_.monitor);
    if (const auto waited = backoff_.wait(error, stop); !waited && waited.error().kind() == ErrorKind::kFatal) {
      return runtime_.monitor.fail("source " + definition_.name, waited.error());
    }
  }
  // Sources that finish may still want to hear what became durable (a file that is deleted when done).
  while (!stop.stop_requested()) {
    if (const auto told = acknowledge(); !told) return runtime_.monitor.fail("source " + definition_.name, told.error());
    runtime_.keeper.wait_newer(acknowledged_, stop);
  }
}

// One read and what follows from it.
Status Shard::read_on(std::stop_token stop, std::stop_token abandon) {
  SLUICE_TRY(acknowledge());
  desk_->serve(*source_);
  BatchBuilder builder(std::make_shared<Batch>(origin_, runtime_.environment.clock.utc_microseconds()), {});
  auto state = source_->read(builder, stop);
  runtime_.monitor.progressed();
  auto batch = builder.take();
  // What was read before an error is good and goes on: the source continues behind it.
  const bool moved = holds_something(*batch) || !covers(sent_, batch->through());
  // Not with `stop`: what was read reaches every sink or, when the deadline has passed, is read again.
  if (moved) SLUICE_TRY(deliver(std::move(batch), abandon));
  if (!state) return std::move(state).error();
  if (backoff_.attempts() != 0) runtime_.monitor.recovered("source " + definition_.name);
  backoff_.reset();
  finished_reading_ = *state == SourceState::kFinished;
  return {};
}

void Shard::enter_read(const Batch& batch) {
  const std::uint64_t count = batch.counts().in;
  std::uint64_t bytes = 0;
  for (const Record& record : batch.records()) bytes += record.raw.size();
  for (const RejectedInput& input : batch.rejected_inputs()) bytes += input.raw.size();
  records_in_.add(static_cast<double>(count));
  runtime_.budget.note_records(count);
  bytes_in_.add(static_cast<double>(bytes));
  if (count != 0) last_record_.set(static_cast<double>(batch.ingest_time()) * 1e-6);
  runtime_.books.change([&](std::vector<LaneTally>& tallies) {
    for (const std::size_t lane : tree_->lanes()) {
      tallies[lane].books.in += count;
      tallies[lane].books.dead_lettered += batch.rejected_inputs().size();
      tallies[lane].in_shard += batch.size();
    }
  });
}

// Text that is no record was not parsed; a field that no value can hold was not decoded.
Status Shard::put_rejected_inputs(const Batch& batch, std::stop_token abandon) {
  const std::span<const RejectedInput> inputs = batch.rejected_inputs();
  const auto phase_of = [](const RejectedInput& input) {
    return input.reason.code() == "value_not_representable" ? std::string_view("decode") : std::string_view("parse");
  };
  for (std::size_t begin = 0; begin < inputs.size();) {
    std::size_t end = begin + 1;
    while (end < inputs.size() && phase_of(inputs[end]) == phase_of(inputs[begin])) ++end;
    SLUICE_TRY(dead_letters_.put_inputs(batch, inputs.subspan(begin, end - begin),
                                        {definition_.name, phase_of(inputs[begin]), definition_.type, "source"}, abandon));
    begin = end;
  }
  return {};
}

Status Shard::deliver(std::shared_ptr<Batch> batch, std::stop_token abandon) {
  SLUICE_TRY(put_rejected_inputs(*batch, abandon));
  batch->counts().dead_lettered += batch->rejected_inputs().size();
  enter_read(*batch);
  const Checkpoint through = batch->through();
  const auto deliveries = SLUICE_TRY(tree_->process(std::move(batch), abandon));
  for (const StepTree::Delivery& delivery : deliveries) {
    // Before the push: afterwards the lane may have taken it already.
    const std::size_t size = delivery.batch->size();
    const auto move = [&](std::int64_t count) {
      runtime_.books.change([&](std::vector<LaneTally>& tallies) {
        tallies[delivery.lane].in_shard -= static_cast<std::uint64_t>(count);
        tallies[delivery.lane].in_queue += static_cast<std::uint64_t>(count);
      });
    };
    move(static_cast<std::int64_t>(size));
    BoundedQueue& queue = lanes_[delivery.lane]->queue();
    const auto blocked_before = queue.blocked();
    if (!queue.push(delivery.batch, abandon)) {
      move(-static_cast<std::int64_t>(size));
      return Error(ErrorKind::kCancelled, "stopped", "the pipeline ended before the sink had room");
    }
    blocked_seconds_.add(std::chrono::duration<double>(queue.blocked() - blocked_before).count());
  }
  advance(sent_, through);
  return {};
}

Status Shard::acknowledge() {
  const std::uint64_t version = runtime_.keeper.version();
  if (version == acknowledged_) return {};
  acknowledged_ = version;
  const Checkpoint minimum = runtime_.keeper.minimum();
  const Status settled = runtime_.dead_letters.settle(minimum);
  if (settled) {
    runtime_.monitor.recovered("dead_letters");
    runtime_.keeper.forget(minimum);
    std::erase_if(sent_, [&](const auto& entry) {
      const auto told = minimum.find(entry.first);
      return told != minimum.end() && told->second.retired;
    });
  } else if (settled.error().kind() == ErrorKind::kTransient) {
    runtime_.monitor.report("dead_letters", settled.error());  // the next minimum comes by here, too
  } else {
    return settled;
  }
  return source_->acknowledge(own_part(minimum));
}

Status Shard::close() {
  auto told = acknowledge();
  auto closed = tree_->close();
  auto source_closed = source_->close();
  if (!told) return told;
  return closed ? source_closed : closed;
}

}  // namespace sluice::pipeline
