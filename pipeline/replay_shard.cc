#include "pipeline/replay_shard.h"

#include <algorithm>

#include "dlq/letter_image.h"
#include "dlq/letter_settling.h"

namespace sluice::pipeline {

namespace {

// Letters of one turn: as many as a source's batch.
constexpr std::size_t kLetters = 2048;
constexpr std::size_t kBytes = 1024 * 1024;

Error cannot_replay(std::string_view code, std::string message) { return {ErrorKind::kFatal, code, std::move(message)}; }

// Back to what the source made of it: as it entered the first step (G19).  Where a step gave the row another shape, the image before the
// change is not known in the old one and is left out.
void back_to_start(Record& record) {
  record.tags = Value();
  if (record.input_schema == nullptr) return;
  const bool takes_away = record.op == Op::kDelete;
  const bool same_shape = record.schema == record.input_schema;
  record.schema = record.input_schema;
  if (takes_away) {
    record.before = record.input;
    record.after = {};
  } else {
    record.after = record.input;
    if (!same_shape) record.before = {};
  }
  record.input = {};
  record.input_schema = nullptr;
}

const SourceDefinition& source_of(const Definition& definition, const std::string& name) {
  return *std::find_if(definition.sources.begin(), definition.sources.end(), [&](const auto& source) { return source.name == name; });
}

}  // namespace

void ReplayBell::ring() {
  const std::lock_guard lock(mutex_);
  ringing_ = true;
  rung_.notify_all();
}

void ReplayBell::wait(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  rung_.wait_for(lock, stop, kLookEvery, [&] { return ringing_; });
  ringing_ = false;
}

ReplayShard::ReplayShard(const std::vector<std::unique_ptr<Lane>>& lanes, Runtime& runtime, dlq::ReplayLog& log, ReplayBell& bell)
    : lanes_(lanes),
      runtime_(runtime),
      log_(log),
      bell_(bell),
      dead_letters_(runtime),
      backoff_({}, runtime.environment.clock),
      records_in_(runtime.environment.metrics.counter("sluice_records_in_total", "Records that entered.",
                                                      runtime.labels("source", std::string(dlq::kReplaySource)))) {}

ReplayShard::~ReplayShard() = default;

void ReplayShard::open() {
  const Checkpoint minimum = runtime_.keeper.minimum();
  const auto found = minimum.find(log_.checkpoint_key());
  sent_ = found == minimum.end() ? 0 : found->second.done.major;
}

void ReplayShard::run(std::stop_token stop, std::stop_token abandon) {
  while (!stop.stop_requested()) {
    const Status settled = settle();
    auto more = settled ? replay_some(abandon) : Result<bool>(settled.error());
    if (more) {
      if (backoff_.attempts() != 0) runtime_.monitor.recovered("replay");
      backoff_.reset();
      if (!*more) bell_.wait(stop);
      continue;
    }
    const Error& error = more.error();
    if (error.kind() == ErrorKind::kCancelled) return;
    if (error.kind() != ErrorKind::kTransient && error.kind() != ErrorKind::kCommitUnknown) return runtime_.monitor.fail("replay", error);
    runtime_.monitor.report("replay", error);
    const Monitor::BackingOff waiting(runtime_.monitor);
    if (!backoff_.wait(error, stop)) return;
  }
}

// As Shard::acknowledge() does, for a pipeline whose sources do not run or are idle: what operators discard shows in the gauges, and
// retention goes on.
Status ReplayShard::settle() { return runtime_.dead_letters.settle(runtime_.keeper.minimum()); }

Status ReplayShard::close() {
  Status settled = settle();
  for (auto& [name, branch] : branches_) {
    Status closed = branch.tree->close();
    if (!closed && settled) settled = std::move(closed);
  }
  return settled;
}

// One turn; false: there is nothing to do.
Result<bool> ReplayShard::replay_some(std::stop_token abandon) {
  const std::uint64_t newest = SLUICE_TRY(log_.last());
  if (newest <= sent_) {
    caught_up_ = true;
    return false;
  }
  caught_up_ = false;
  auto entries = SLUICE_TRY(log_.next(sent_, kLetters, kBytes));
  const std::uint64_t through = entries.empty() ? newest : entries.back().sequence;
  std::vector<Group> groups;
  SLUICE_TRY(sort_into_groups(std::move(entries), groups));
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const bool last = i + 1 == groups.size();
    const std::uint64_t reached = last ? through : groups[i].entries.back().sequence;
    SLUICE_TRY(replay(groups[i], reached, last && through == newest, abandon));
    sent_ = reached;
  }
  if (groups.empty()) {  // all were put back: only the position moves
    const auto batch = position_only(through, through == newest);
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane) SLUICE_TRY(push(lane, batch, abandon));
    sent_ = through;
  }
  runtime_.monitor.progressed();
  return true;
}

// Those that cannot be replayed go back where they came from.
Status ReplayShard::sort_into_groups(std::vector<dlq::ReplayEntry> entries, std::vector<Group>& groups) {
  for (dlq::ReplayEntry& entry : entries) {
    const dlq::StoredLetter& letter = entry.letter;
    const auto sinks = letter.sinks ? dlq::read_sink_list(*letter.sinks) : std::vector<std::string>();
    auto route = route_letter(runtime_.definition, {letter.source, letter.stage, letter.phase, letter.component, entry.from_start, sinks});
    auto header = letter.image ? dlq::read_image_header(*letter.image) : Result<dlq::ImageHeader>(dlq::ImageHeader());
    const bool original = route && route->entry == ReplayRoute::Entry::kOriginal;
    if (original) header->meta = source_of(runtime_.definition, letter.source).meta;
    std::optional<Error> hindrance;
    if (!route) {
      hindrance = route.error();
    } else if (!header) {
      hindrance = header.error();
    } else if (original && !letter.raw) {
      hindrance = cannot_replay("no_original", "the letter has no original bytes that could be read again");
    } else if (!original && !letter.image) {
      hindrance = cannot_replay("old_letter", "an older sluice stored the letter, without what a replay needs");
    }
    if (hindrance) {
      SLUICE_TRY(log_.put_back(entry, std::string(hindrance->code()) + ": " + hindrance->message()));
      continue;
    }
    Group group{letter.source, std::move(*route), entry.allow_stale, std::move(header->meta), {}};
    const bool fits = !groups.empty() && groups.back().source == group.source && groups.back().route == group.route &&
                      groups.back().allow_stale == group.allow_stale && groups.back().meta == group.meta;
    if (!fits) groups.push_back(std::move(group));
    groups.back().entries.push_back(std::move(entry));
  }
  return {};
}

Status ReplayShard::replay(Group& group, std::uint64_t through, bool last, std::stop_token abandon) {
  Branch& branch = *SLUICE_TRY(branch_of(group.source, abandon));
  auto batch = SLUICE_TRY(make_batch(group, branch));
  return hand_out(group, branch, std::move(batch), through, last, abandon);
}

Result<ReplayShard::Branch*> ReplayShard::branch_of(const std::string& source, std::stop_token stop) {
  if (const auto found = branches_.find(source); found != branches_.end()) return &found->second;
  const SourceDefinition& definition = source_of(runtime_.definition, source);
  Branch branch;
  branch.reader = SLUICE_TRY(definition.build(runtime_.build_context("source", definition.name, 0, 1)));
  const unsigned shards = definition.partitioned ? std::max(1U, runtime_.definition.shards) : 1;
  branch.tree = SLUICE_TRY(StepTree::build(definition, runtime_, shards, shards + 1));
  SLUICE_TRY(branch.tree->open(stop));
  return &branches_.emplace(source, std::move(branch)).first->second;
}

Result<std::shared_ptr<Batch>> ReplayShard::make_batch(Group& group, Branch& branch) {
  SchemaSpec meta;
  for (const std::string& name : group.meta) meta.fields.push_back({name});
  auto origin = std::make_shared<BatchOrigin>(BatchOrigin{group.source, runtime_.schemas.intern(std::move(meta))});
  BatchBuilder builder(std::make_shared<Batch>(std::move(origin), runtime_.environment.clock.utc_microseconds()),
                       {group.entries.size(), kBytes, {}});
  auto shared = std::make_shared<BatchReplay>();
  shared->checkpoint_key = log_.checkpoint_key();
  shared->allow_stale = group.allow_stale;
  if (group.route.entry == ReplayRoute::Entry::kLane) {
    shared->chain_from = group.route.chain_index;
    shared->skip_when = group.route.skip_when;
  }
  for (const dlq::ReplayEntry& entry : group.entries) {
    const dlq::StoredLetter& letter = entry.letter;
    shared->letters.push_back({entry.sequence, letter.id, letter.ordinal, letter.attempts, letter.first_seen,
                               letter.sinks ? dlq::read_sink_list(*letter.sinks) : std::vector<std::string>()});
  }
  builder.batch().set_replay(shared);
  for (const dlq::ReplayEntry& entry : group.entries) {
    const dlq::StoredLetter& letter = entry.letter;
    const std::uint16_t partition = builder.partition(letter.partition);
    if (group.route.entry == ReplayRoute::Entry::kOriginal) {
      SLUICE_TRY(read_original(entry, partition, branch, builder));
      continue;
    }
    auto record = dlq::read_image(*letter.image, runtime_.schemas, builder.batch());
    if (!record) {
      SLUICE_TRY(log_.put_back(entry, record.error().message()));
      continue;
    }
    record->partition = partition;
    record->ordinal = {entry.sequence, 0};
    record->sub = letter.sub;
    if (letter.raw) record->raw = builder.arena().copy(*letter.raw);
    if (entry.from_start) back_to_start(*record);
    builder.append(*record);
  }
  return builder.take();
}

Status ReplayShard::read_original(const dlq::ReplayEntry& entry, std::uint16_t partition, Branch& branch, BatchBuilder& out) {
  const Status read = branch.reader->read_again({partition, {entry.sequence, 0}, *entry.letter.raw, entry.letter.code}, out);
  if (read || read.error().kind() == ErrorKind::kTransient) return read;
  return log_.put_back(entry, std::string(read.error().code()) + ": " + read.error().message());
}

void ReplayShard::enter_read(const std::vector<std::size_t>& lanes, const Batch& batch) {
  records_in_.add(static_cast<double>(batch.counts().in));
  runtime_.books.change([&](std::vector<LaneTally>& tallies) {
    for (const std::size_t lane : lanes) {
      tallies[lane].books.in += batch.counts().in;
      tallies[lane].books.dead_lettered += batch.rejected_inputs().size();
      tallies[lane].in_shard += batch.size();
    }
  });
}

std::shared_ptr<Batch> ReplayShard::position_only(std::uint64_t through, bool last) const {
  auto origin = std::make_shared<BatchOrigin>(BatchOrigin{std::string(dlq::kReplaySource), nullptr});
  auto batch = std::make_shared<Batch>(std::move(origin), runtime_.environment.clock.utc_microseconds());
  auto shared = std::make_shared<BatchReplay>();
  shared->checkpoint_key = log_.checkpoint_key();
  batch->set_replay(std::move(shared));
  batch->through()[log_.checkpoint_key()] = Position{{through, 0}, {}, false};
  batch->set_commit_wanted(last);
  return batch;
}

Status ReplayShard::hand_out(const Group& group, Branch& branch, std::shared_ptr<Batch> batch, std::uint64_t through, bool last,
                             std::stop_token abandon) {
  batch->through()[log_.checkpoint_key()] = Position{{through, 0}, {}, false};
  batch->set_commit_wanted(last);
  const SourceDefinition& source = source_of(runtime_.definition, group.source);
  SLUICE_TRY(dead_letters_.put_inputs(*batch, batch->rejected_inputs(), {source.name, "parse", source.type, "source"}, abandon));
  batch->counts().dead_lettered += batch->rejected_inputs().size();
  const bool at_lane = group.route.entry == ReplayRoute::Entry::kLane;
  enter_read(at_lane ? group.route.lanes : branch.tree->reached(group.route), *batch);
  std::vector<StepTree::Delivery> deliveries;
  if (at_lane) {
    deliveries.push_back({group.route.lanes.front(), std::move(batch)});
  } else {
    deliveries = SLUICE_TRY(branch.tree->resume(std::move(batch), group.route, abandon));
  }
  std::vector<std::shared_ptr<const Batch>> by_lane(lanes_.size());
  for (StepTree::Delivery& delivery : deliveries) {
    const std::size_t lane = delivery.lane;
    const bool lacks = std::find(group.route.lanes.begin(), group.route.lanes.end(), lane) != group.route.lanes.end();
    const std::size_t size = delivery.batch->size();
    if (lacks) by_lane[lane] = std::move(delivery.batch);
    runtime_.books.change([&](std::vector<LaneTally>& tallies) {
      tallies[lane].in_shard -= size;
      (lacks ? tallies[lane].in_queue : tallies[lane].books.skipped) += size;
    });
  }
  const auto position = position_only(through, last);
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) SLUICE_TRY(push(lane, by_lane[lane] ? by_lane[lane] : position, abandon));
  return {};
}

Status ReplayShard::push(std::size_t lane, std::shared_ptr<const Batch> batch, std::stop_token abandon) {
  if (lanes_[lane]->queue().push(std::move(batch), std::move(abandon))) return {};
  return Error(ErrorKind::kCancelled, "stopped", "the pipeline ended before the sink had room");
}

}  // namespace sluice::pipeline
