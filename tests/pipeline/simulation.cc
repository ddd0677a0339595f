#include "tests/pipeline/simulation.h"

#include <algorithm>

namespace sluice::simulation {

bool is_invisible(std::uint64_t ordinal) { return ordinal % 9 == 4 || (ordinal > 120 && ordinal < 140); }
bool is_filtered(std::uint64_t ordinal) { return ordinal % 7 == 0; }
bool is_step_reject(std::uint64_t ordinal) { return ordinal % 13 == 5; }
bool is_sink_reject(std::uint64_t ordinal) { return ordinal % 17 == 3; }
bool is_bad_input(std::uint64_t ordinal) { return ordinal % 23 == 11; }
bool is_inside_chunk(std::uint64_t ordinal) { return ordinal % 50 >= 10 && ordinal % 50 < 25; }

void World::breach(std::string what) {
  const std::lock_guard lock(mutex);
  breaches.push_back(std::move(what));
}

void CrashingFaults::reach(std::string_view point) {
  if (crashed_ || ++reached_ == crash_at_) {
    crashed_ = true;
    throw SimulatedCrash{point};
  }
}

Counter& PlainMetrics::counter(std::string_view, std::string_view, const Labels&) {
  const std::lock_guard lock(mutex_);
  return *counters_.emplace_back(std::make_unique<Counter>());
}
Gauge& PlainMetrics::gauge(std::string_view, std::string_view, const Labels&) {
  const std::lock_guard lock(mutex_);
  return *gauges_.emplace_back(std::make_unique<Gauge>());
}
Histogram& PlainMetrics::histogram(std::string_view, std::string_view, std::span<const double> bounds, const Labels&) {
  const std::lock_guard lock(mutex_);
  return *histograms_.emplace_back(std::make_unique<Histogram>(bounds));
}

namespace {

Error passing(const char* what) { return {ErrorKind::kTransient, "weather", what}; }

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  std::uint64_t below(std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>(0, n - 1)(random_); }
  bool percent(unsigned share) { return share != 0 && below(100) < share; }

 private:
  std::mt19937_64 random_;
};

class SimSource final : public Source {
 public:
  SimSource(World& world, std::string name, std::uint64_t seed, Weather weather, bool endless, SchemaRef schema)
      : world_(world), name_(std::move(name)), dice_(seed), weather_(weather), endless_(endless), schema_(std::move(schema)) {}

  Status open(const Checkpoint& from, std::stop_token) override {
    if (dice_.percent(weather_.transient_percent)) return passing("the origin is away");
    for (const std::string& partition : world_.partitions) {
      const auto found = from.find(checkpoint_key(name_, partition));
      next_[partition] = (found == from.end() ? 0 : found->second.done.major) + 1;
      const std::lock_guard lock(world_.mutex);
      if (next_[partition] <= world_.pruned[partition]) {
        world_.breaches.push_back("G9: " + partition + " was acknowledged to " + std::to_string(world_.pruned[partition]) +
                                  " and asked for from " + std::to_string(next_[partition]));
        return Error(ErrorKind::kFatal, "position_lost", "the log no longer has what is asked for");
      }
    }
    return {};
  }

  Result<SourceState> read(BatchBuilder& out, std::stop_token) override {
    const std::string& partition = world_.partitions[dice_.below(world_.partitions.size())];
    const std::uint64_t count = dice_.below(30);
    std::uint64_t& next = next_[partition];
    const std::uint16_t index = out.partition(partition);
    for (std::uint64_t i = 0; i < count && next <= world_.length; ++i, ++next) append(out, index, next);
    const std::uint64_t last = next - 1;
    // Inside a chunk the position stays before it, and no commit may come (G13).
    const bool inside = is_inside_chunk(last) && last < world_.length;
    inside_[partition] = inside;
    for (const auto& [name, chunk] : inside_) {
      if (chunk) out.forbid_commit();
    }
    if (!inside && last > 0) out.through()[checkpoint_key(name_, partition)] = {{last, 0}, std::to_string(last), false};
    if (dice_.percent(weather_.transient_percent)) return passing("the connection broke");
    const bool all =
        std::all_of(world_.partitions.begin(), world_.partitions.end(), [&](const std::string& p) { return next_[p] > world_.length; });
    if (!all) return SourceState::kMore;
    return endless_ ? SourceState::kIdle : SourceState::kFinished;
  }

  Status acknowledge(const Checkpoint& done) override {
    for (const std::string& partition : world_.partitions) {
      const auto found = done.find(checkpoint_key(name_, partition));
      if (found == done.end()) continue;
      const std::lock_guard lock(world_.mutex);
      world_.pruned[partition] = std::max(world_.pruned[partition], found->second.done.major);
    }
    return {};
  }

  Status close() override { return {}; }

 private:
  void append(BatchBuilder& out, std::uint16_t partition, std::uint64_t ordinal) {
    if (is_invisible(ordinal)) return;
    if (is_bad_input(ordinal))
      return out.reject(partition, {ordinal, 0}, "bad " + std::to_string(ordinal), Error(ErrorKind::kBadRecord, "bad_input", "no record"));
    auto row = out.arena().array<Value>(1);
    row[0] = Value::uint64(ordinal);
    Record record;
    record.op = Op::kInsert;
    record.partition = partition;
    record.ordinal = {ordinal, 0};
    record.schema = out.batch().keep(schema_);
    record.after = row;
    out.append(record);
  }

  World& world_;
  const std::string name_;
  Dice dice_;
  const Weather weather_;
  const bool endless_;
  SchemaRef schema_;
  std::map<std::string, std::uint64_t> next_;
  std::map<std::string, bool> inside_;
};

class SimStep final : public Transform {
 public:
  Status apply(Batch& batch, Rejects& rejects, std::stop_token) override {
    for (const std::uint32_t i : batch.active()) {
      const std::uint64_t ordinal = batch.records()[i].ordinal.major;
      if (is_filtered(ordinal)) batch.remove(i, Fate::kFiltered);
      if (!is_filtered(ordinal) && is_step_reject(ordinal)) rejects.add(i, Error(ErrorKind::kBadRecord, "step_refuses", "as told"));
    }
    return {};
  }
};

// Buffers until commit; an unknown commit has landed or not.
class SimSink final : public Sink {
 public:
  SimSink(World& world, std::string name, std::uint64_t seed, Weather weather, FaultPoints& faults)
      : world_(world), name_(std::move(name)), dice_(seed), weather_(weather), faults_(faults) {}

  Result<std::optional<Checkpoint>> open(std::stop_token) override {
    buffer_.clear();
    if (dice_.percent(weather_.transient_percent)) return passing("the sink is away");
    must_open_ = false;
    const std::lock_guard lock(world_.mutex);
    const DurableSink& durable = world_.sinks[name_];
    if (!durable.keeps_positions) return std::optional<Checkpoint>{};
    return std::optional<Checkpoint>{durable.positions};
  }

  Status write(const BatchView& batch, Rejects& rejects, std::stop_token) override {
    check_open("write");
    for (const std::uint32_t i : batch.selected) {
      const Record& record = batch.batch->records()[i];
      if (is_sink_reject(record.ordinal.major)) {
        // Half are found out at once, half when the buffer is flushed.
        if (record.ordinal.major % 2 == 0) {
          rejects.add(batch, i, refusal());
        } else {
          late_.push_back({batch.batch, i, refusal()});
        }
        continue;
      }
      buffer_.push_back({batch.batch->partitions()[record.partition], record.ordinal.major});
    }
    if (dice_.percent(weather_.transient_percent)) return fail(passing("write failed"));
    return {};
  }

  Status flush(Rejects& rejects, std::stop_token) override {
    check_open("flush");
    for (const Rejected& entry : late_) rejects.add(BatchView{entry.batch, {}}, entry.index, entry.reason);
    late_.clear();
    return {};
  }

  Status commit(const CommitRequest& request, std::stop_token) override {
    check_open("commit");
    faults_.reach("sim_sink.before_commit");
    if (dice_.percent(weather_.transient_percent)) return fail(passing("commit failed"));
    const bool unknown = dice_.percent(weather_.commit_unknown_percent);
    if (!unknown || dice_.percent(50)) store(request);
    faults_.reach("sim_sink.after_commit");
    if (unknown) return fail(Error(ErrorKind::kCommitUnknown, "answer_lost", "the answer was lost"));
    return {};
  }

  Status close(Closing) override { return {}; }

 private:
  static Error refusal() { return {ErrorKind::kBadRecord, "sink_refuses", "as told"}; }

  Status fail(Error error) {
    must_open_ = true;
    buffer_.clear();
    late_.clear();
    return error;
  }

  void check_open(const char* call) {
    if (must_open_) world_.breach(std::string("G6: ") + call + " after a failure without asking open()");
  }

  void store(const CommitRequest& request) {
    const std::lock_guard lock(world_.mutex);
    DurableSink& durable = world_.sinks[name_];
    durable.rows.insert(durable.rows.end(), buffer_.begin(), buffer_.end());
    buffer_.clear();
    for (const std::string& key : request.forgotten) durable.positions.erase(key);
    advance(durable.positions, request.through);
    for (const auto& [key, position] : request.through) {
      const bool inside = is_inside_chunk(position.done.major) && position.done.major < world_.length;
      if (inside) world_.breaches.push_back("G13: a commit inside a chunk, at " + std::to_string(position.done.major));
    }
  }

  World& world_;
  const std::string name_;
  Dice dice_;
  const Weather weather_;
  FaultPoints& faults_;
  std::vector<Row> buffer_;
  std::vector<Rejected> late_;
  bool must_open_ = false;
};

class SimDeadLetters final : public DeadLetterQueue {
 public:
  SimDeadLetters(World& world, FaultPoints& faults) : world_(world), faults_(faults) {}

  Status put(const Batch& owner, std::span<const Rejected> rejected, const RejectingStage& stage) override {
    const std::lock_guard lock(mutex_);
    for (const Rejected& entry : rejected) {
      const Record& record = owner.records()[entry.index];
      buffer_.push_back(identity(owner, record.partition, record.ordinal, stage));
    }
    return {};
  }
  Status put_inputs(const Batch& owner, std::span<const RejectedInput> inputs, const RejectingStage& stage) override {
    const std::lock_guard lock(mutex_);
    for (const RejectedInput& input : inputs) buffer_.push_back(identity(owner, input.partition, input.ordinal, stage));
    return {};
  }
  Status flush(std::stop_token) override {
    faults_.reach("sim_dead_letters.before_flush");
    {
      const std::scoped_lock lock(mutex_, world_.mutex);
      for (const std::string& id : buffer_) ++world_.letters[id];
      buffer_.clear();
    }
    faults_.reach("sim_dead_letters.after_flush");
    return {};
  }
  Status settle(const Checkpoint&) override { return {}; }

 private:
  static std::string identity(const Batch& owner, std::uint16_t partition, Ordinal ordinal, const RejectingStage& stage) {
    return std::string(stage.name) + "|" + owner.partitions()[partition] + "|" + std::to_string(ordinal.major);
  }

  World& world_;
  FaultPoints& faults_;
  std::mutex mutex_;
  std::vector<std::string> buffer_;
};

}  // namespace

pipeline::SourceDefinition source(World& world, const std::string& name, std::uint64_t seed, Weather weather, bool endless) {
  pipeline::SourceDefinition definition;
  definition.name = name;
  definition.type = "sim";
  definition.guarantee = {true, "replays"};
  definition.can_end = !endless;
  definition.retry.initial = std::chrono::milliseconds(1);
  definition.retry.max = std::chrono::milliseconds(2);
  definition.build = [&world, name, seed, weather, endless](const BuildContext& context) -> Result<std::unique_ptr<Source>> {
    SchemaSpec spec;
    spec.fields.push_back({"n"});
    return std::unique_ptr<Source>(new SimSource(world, name, seed, weather, endless, context.schemas.intern(std::move(spec))));
  };
  return definition;
}

pipeline::StepDefinition step(const std::string& name, std::vector<std::string> from) {
  pipeline::StepDefinition definition;
  definition.name = name;
  definition.type = "sim";
  definition.from = std::move(from);
  definition.build = [](const BuildContext&) -> Result<std::unique_ptr<Transform>> { return std::unique_ptr<Transform>(new SimStep); };
  return definition;
}

pipeline::SinkDefinition sink(World& world, const std::string& name, std::vector<std::string> from, std::uint64_t seed, Weather weather) {
  pipeline::SinkDefinition definition;
  definition.name = name;
  definition.type = "sim";
  definition.from = std::move(from);
  definition.guarantee = {true, "positions with the rows"};
  definition.commit = {std::chrono::milliseconds(1), 5 + seed % 40, 1 << 20};
  definition.retry.initial = std::chrono::milliseconds(1);
  definition.retry.max = std::chrono::milliseconds(2);
  definition.build = [&world, name, seed, weather](const BuildContext& context) -> Result<std::unique_ptr<Sink>> {
    return std::unique_ptr<Sink>(new SimSink(world, name, seed, weather, context.faults));
  };
  return definition;
}

std::unique_ptr<DeadLetterQueue> dead_letters(World& world, FaultPoints& faults) { return std::make_unique<SimDeadLetters>(world, faults); }

std::vector<Row> expected_rows(const World& world, const std::string& partition, bool through_step) {
  std::vector<Row> rows;
  for (std::uint64_t ordinal = 1; ordinal <= world.length; ++ordinal) {
    if (is_invisible(ordinal) || is_bad_input(ordinal) || is_sink_reject(ordinal)) continue;
    if (through_step && (is_filtered(ordinal) || is_step_reject(ordinal))) continue;
    rows.push_back({partition, ordinal});
  }
  return rows;
}

std::vector<Row> rows_of(const DurableSink& sink, const std::string& partition) {
  std::vector<Row> rows;
  std::copy_if(sink.rows.begin(), sink.rows.end(), std::back_inserter(rows), [&](const Row& row) { return row.partition == partition; });
  return rows;
}

}  // namespace sluice::simulation
