#include "sources/postgres_cdc/postgres_cdc_source.h"

#include <algorithm>
#include <utility>

#include "core/registry.h"
#include "sources/postgres_cdc/catalog_shape.h"
#include "sources/postgres_cdc/cleanup.h"
#include "sources/postgres_cdc/config.h"
#include "sources/postgres_cdc/doctor.h"

namespace sluice::sources::postgres {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// The server sends row by row.  A batch that has a few waits this long for more, because the work per batch (checkpoint, queue) would
// otherwise outweigh that per row; from kEnoughRecords on it waits no more.
constexpr auto kGather = 5ms;
constexpr std::size_t kEnoughRecords = 512;

Labels labels_of(const BuildContext& context) {
  return {{"pipeline", context.pipeline}, {"component_kind", "source"}, {"component", context.component}};
}

// Errors of the spool; the connection has other codes.
bool cannot_spool(const Error& error) {
  return error.code() == "spill_limit_reached" || error.code() == "disk_full" || error.code() == "io_error" ||
         error.code() == "permission_denied" || error.code() == "path_unusable";
}

// Beside a running stream rows are read for this long at a time, then the stream goes on (G15).
constexpr auto kSlice = 3s;
// A snapshot whose place was not reached is given up, because the server cannot clean up behind it; the next is nearer.
constexpr auto kLongestSeek = 60s;

SnapshotSettings snapshot_settings(const SessionSettings& session) {
  SnapshotSettings settings;
  settings.connect = {session.connect.url, session.connect.application_name + " snapshot"};
  settings.method = session.snapshot_method;
  settings.workers = session.snapshot_workers;
  settings.chunk_rows = session.snapshot_chunk_rows;
  settings.only_requested = session.snapshot == SnapshotMode::kNever;
  settings.every_start = session.snapshot == SnapshotMode::kAlways;
  if (session.snapshot != SnapshotMode::kOnly) settings.publication = session.publication;
  settings.filter = session.filter;
  settings.state_directory = session.state_directory;
  settings.component = session.component;
  return settings;
}

}  // namespace

PostgresCdcSource::PostgresCdcSource(SessionSettings settings, const BuildContext& context)
    : settings_(std::move(settings)),
      component_(context.component),
      context_(context),
      catalog_({settings_.connect.url, settings_.connect.application_name + " catalog"}, settings_.filter,
               context.metrics.counter("sluice_schema_changes_total", "Times that a table was described differently than before.",
                                       labels_of(context))),
      lag_bytes_(context.metrics.gauge("sluice_source_lag_bytes", "Bytes of the origin's log that were not read yet.", labels_of(context))),
      monitor_({{settings_.connect.url, settings_.connect.application_name + " monitor"},
                settings_.slot,
                settings_.publication,
                settings_.filter,
                settings_.monitor,
                settings_.heartbeat},
               context),
      intake_(settings_, context_.log, context_.faults) {}

Status PostgresCdcSource::open(const Checkpoint& from, std::stop_token stop) {
  end_session();
  from_ = from;
  SLUICE_TRY(want_snapshots());
  if (settings_.snapshot == SnapshotMode::kOnly) return plan_snapshot(std::move(stop));
  known_ = SLUICE_TRY(known_position(from, component_));
  return start_session(std::move(stop));
}

Status PostgresCdcSource::start_session(std::stop_token stop) {
  Result<Session> opened = open_session(settings_, known_, stale_pid_, !spool_failed_, context_.log, context_.faults, stop);
  if (!opened) return refusals_.judge(std::move(opened).error(), Clock::now());
  refusals_.forget();
  Session session = std::move(opened).value();
  spool_failed_ = false;
  known_ = std::move(session.start);
  reader_ = std::move(session.reader);
  stale_pid_ = reader_->backend_pid();
  block_ = {};
  gate_.forget();
  partition_ = known_->partition.text();
  key_ = checkpoint_key(component_, partition_);
  if (!assembler_) {
    auto assembler = std::make_unique<ChangeAssembler>(context_.schemas, catalog_, settings_.filter, known_->partition.database,
                                                       settings_.spool, context_.faults);
    SLUICE_TRY(assembler->remove_leftovers());
    assembler_ = std::move(assembler);
  }
  assembler_->restart(known_->position);
  last_quiet_move_ = Clock::now();
  monitor_.session_started(std::move(session.tables));
  if (session.anchor) {
    snapshot_->use(*std::move(session.anchor));
    slice_end_ = Clock::time_point::max();
    SLUICE_TRY(plan_snapshot(std::move(stop)));
    unasked_.clear();  // the server made the slot once all who were writing had ended
    return {};
  }
  return plan_snapshot(std::move(stop));
}

// Keeps where it stood, so that the next session goes on just after the last record.
void PostgresCdcSource::end_session() {
  if (!reader_) return;
  reader_.reset();
  catalog_.disconnect();  // what broke the stream may have cut this connection, too, without a word
  known_->position = assembler_->position();
  block_ = {};
}

Result<SourceState> PostgresCdcSource::read(BatchBuilder& out, std::stop_token stop) {
  if (settings_.snapshot == SnapshotMode::kOnly) return read_without_stream(out, std::move(stop));
  if (!reader_) SLUICE_TRY(start_session(stop));
  if (std::optional<Error> verdict = monitor_.verdict()) return *std::move(verdict);
  catalog_.use(stop);
  SLUICE_TRY(plan_snapshot(stop));
  SLUICE_TRY(take_in_new_tables(stop));
  if (snapshot_ && snapshot_->unfinished()) {
    if (snapshot_->anchored()) return read_snapshot(out, stop);
    SLUICE_TRY(seek_anchor(stop));
  }
  assembler_->begin_batch();
  const Status filled = fill(out, stop);
  if (snapshot_ && snapshot_->unfinished()) snapshot_->watch(out, stop);
  publish_position(out);
  if (!filled) {
    end_session();
    if (cannot_spool(filled.error())) return without_streaming(filled.error());
    return filled.error();
  }
  stand_at_anchor();
  note_lag(out);
  const bool idle = out.empty();
  if (idle && catalog_.connected()) catalog_.disconnect();
  return idle ? SourceState::kIdle : SourceState::kMore;
}

Status PostgresCdcSource::fill(BatchBuilder& out, std::stop_token stop) {
  const std::uint16_t partition = out.partition(partition_);
  const auto deadline = Clock::now() + out.linger();
  auto gather_until = deadline;
  while (!out.full()) {
    if (assembler_->emitting()) {
      SLUICE_TRY(assembler_->emit(out, partition));
      continue;
    }
    if (SLUICE_TRY(give_out(out, partition))) continue;
    if (gate_.state() == StreamGate::State::kStanding) break;
    const auto now = Clock::now();
    const bool enough = out.batch().size() >= kEnoughRecords || assembler_->confirmation_wanted();
    if (!out.empty() && gather_until == deadline) gather_until = std::min(deadline, now + kGather);
    if (stop.stop_requested() || (out.empty() && now >= deadline)) break;
    block_ = reader_->buffer().take(enough ? now : gather_until, stop);
    if (!block_.empty()) continue;
    if (std::optional<Error> broken = reader_->buffer().error()) return *std::move(broken);
    break;
  }
  return {};
}

// One message that is at hand, or false.
Result<bool> PostgresCdcSource::give_out(BatchBuilder& out, std::uint16_t partition) {
  using State = StreamGate::State;
  if (gate_.state() == State::kStanding) return false;
  if (gate_.state() != State::kLooking) {
    if (const std::optional<std::string_view> kept = gate_.front()) {
      if (!gate_.admit(*kept)) return true;
      SLUICE_TRY(assembler_->consume(*kept, out, partition));
      gate_.pop_front();
      return true;
    }
  }
  const std::optional<std::string_view> message = block_.next();
  if (!message) return false;
  const bool gated = snapshot_ && snapshot_->unfinished();
  if (gated && gate_.state() == State::kLooking) {
    gate_.look(*message);
  } else if (!gated || gate_.admit(*message)) {
    if (!gated) gate_.pass(*message);
    SLUICE_TRY(assembler_->consume(*message, out, partition));
  }
  return true;
}

Status PostgresCdcSource::plan_snapshot(std::stop_token stop) {
  if (!snapshot_ || planned_) return {};
  const bool alone = settings_.snapshot == SnapshotMode::kOnly;
  const ServerName server = alone ? SLUICE_TRY(server_name(snapshot_settings(settings_).connect, stop))
                                  : ServerName{known_->partition.system_id, known_->partition.database};
  SLUICE_TRY(snapshot_->plan(from_, server.system_id, server.database, stop));
  planned_ = true;
  more_to_plan_ = false;
  unasked_ = snapshot_->take_first_readings();
  return {};
}

// A reader where tables are, or were asked, to be read.
Status PostgresCdcSource::want_snapshots() {
  if (snapshot_) return {};
  auto reader = std::make_unique<SnapshotReader>(snapshot_settings(settings_), context_, catalog_);
  const std::string prefix = checkpoint_key(component_, "");
  const bool begun = std::any_of(from_.begin(), from_.end(), [&](const auto& entry) {
    return std::string_view(entry.first).starts_with(prefix) &&
           SnapshotPartition::parse(std::string_view(entry.first).substr(prefix.size()));
  });
  if (settings_.snapshot != SnapshotMode::kNever || begun || SLUICE_TRY(reader->has_requests())) snapshot_ = std::move(reader);
  return {};
}

Status PostgresCdcSource::request_snapshot(std::span<const std::string> tables) {
  if (settings_.snapshot == SnapshotMode::kOnly)
    return Error(ErrorKind::kFatal, "not_supported",
                 "read tables again: with `snapshot: only` every table is read once, and then the source ends");
  if (!known_) return Error(ErrorKind::kTransient, "not_open", "read tables again: the source has not been opened yet");
  if (!snapshot_) snapshot_ = std::make_unique<SnapshotReader>(snapshot_settings(settings_), context_, catalog_);
  SLUICE_TRY(plan_snapshot({}));
  SLUICE_TRY(snapshot_->request(tables, from_, {}));
  for (const std::uint32_t table : snapshot_->take_first_readings()) unasked_.push_back(table);
  drop_candidate();
  return {};
}

Result<std::vector<std::string>> PostgresCdcSource::cleanup(std::stop_token stop) {
  return clean_up(settings_, context_.faults, std::move(stop));
}

// A snapshot whose place is being sought may be older than what is to be read now.
void PostgresCdcSource::drop_candidate() {
  if (!candidate_) return;
  candidate_.reset();
  gate_.open();
}

// What was published now is planned before another message is given out, so that changes of a new table meet its snapshot's watch.  Else a
// server that has no connection left for the question does not stop the stream.
Status PostgresCdcSource::take_in_new_tables(std::stop_token stop) {
  if (monitor_.tables_changed()) {
    const TableIntake::Outcome outcome = intake_.take_in(known_->partition.system_id, stop);
    if (outcome.again) monitor_.look_at_tables_again();
    more_to_plan_ = true;
    must_plan_ = must_plan_ || outcome.published;
  }
  if (!more_to_plan_) return {};
  if (snapshot_) {
    const Result<bool> more = snapshot_->plan_more(from_, std::move(stop));
    const bool passing = !more && more.error().kind() == ErrorKind::kTransient;
    if (!more && (!passing || must_plan_)) return more.error();
    if (passing) monitor_.look_at_tables_again();
    if (more && *more) drop_candidate();
    for (const std::uint32_t table : snapshot_->take_first_readings()) unasked_.push_back(table);
  }
  more_to_plan_ = must_plan_ = false;
  return {};
}

// G15: tables are to be read and the stream has begun: another snapshot, and then its place.
Status PostgresCdcSource::seek_anchor(std::stop_token stop) {
  const auto now = Clock::now();
  const bool missed = gate_.state() == StreamGate::State::kOpen || now - candidate_since_ > kLongestSeek;
  if (candidate_ && !missed) {
    reader_->ask();
    return {};
  }
  gate_.open();
  candidate_.reset();
  const ConnectOptions connect = snapshot_settings(settings_).connect;
  SLUICE_TRY(writers_.note(connect, unasked_, stop));
  unasked_.clear();
  if (!SLUICE_TRY(writers_.gone(connect, context_.log, stop))) return {};
  TakenSnapshot taken = SLUICE_TRY(take_snapshot(connect, stop));
  std::optional<VisibleTransactions> visible = VisibleTransactions::parse(taken.visible);
  if (!visible) return Error(ErrorKind::kTransient, "server_error", "take a snapshot: the server answered \"" + taken.visible + "\"");
  if (!gate_.look_for(*std::move(visible), taken.horizon)) return {};
  candidate_ = std::move(taken.anchor);
  candidate_since_ = now;
  reader_->ask();
  return {};
}

void PostgresCdcSource::stand_at_anchor() {
  if (gate_.state() != StreamGate::State::kStanding || !candidate_) return;
  snapshot_->use(*std::exchange(candidate_, std::nullopt));
  slice_end_ = Clock::now() + kSlice;
}

// The stream stands where the anchor does.
Result<SourceState> PostgresCdcSource::read_snapshot(BatchBuilder& out, std::stop_token stop) {
  assembler_->begin_batch();
  const Status read = snapshot_->read(out, Clock::now() + out.linger(), std::move(stop));
  publish_position(out);
  if (snapshot_->anchored() && Clock::now() >= slice_end_) snapshot_->pause();
  if (!snapshot_->anchored()) gate_.open();
  const std::optional<Error> broken = reader_->buffer().error();
  if (broken) end_session();
  if (!read) return read.error();
  if (broken) return *broken;
  return out.empty() ? SourceState::kIdle : SourceState::kMore;
}

// `snapshot: only`.
Result<SourceState> PostgresCdcSource::read_without_stream(BatchBuilder& out, std::stop_token stop) {
  catalog_.use(stop);
  SLUICE_TRY(plan_snapshot(stop));
  if (!snapshot_->unfinished()) {
    snapshot_->publish(out);
    catalog_.disconnect();
    return SourceState::kFinished;
  }
  if (!snapshot_->anchored()) snapshot_->use(SLUICE_TRY(take_snapshot(snapshot_settings(settings_).connect, stop)).anchor);
  SLUICE_TRY(snapshot_->read(out, Clock::now() + out.linger(), std::move(stop)));
  return out.empty() ? SourceState::kIdle : SourceState::kMore;
}

// The server keeps its log, and holds a transaction on its own disk until it commits when it is not asked to stream: so the next
// session can go on where this one had no room.
Error PostgresCdcSource::without_streaming(const Error& cause) {
  spool_failed_ = true;
  return {ErrorKind::kTransient, cause.code(),
          cause.message() + "; nothing is lost: the next session asks the server to send transactions only once they have committed"};
}

void PostgresCdcSource::note_lag(BatchBuilder& out) {
  const bool more = out.full() || !block_.empty() || assembler_->emitting() || assembler_->position().inside_transaction();
  const std::vector<Record>& records = out.batch().records();
  monitor_.lag().read_done(more ? SourceLag::Reached::kMore : SourceLag::Reached::kEndOfLog,
                           records.empty() ? 0 : records.back().source_time);
}

void PostgresCdcSource::publish_position(BatchBuilder& out) {
  const auto now = Clock::now();
  const bool wanted = assembler_->confirmation_wanted();
  if (wanted) {
    out.commit_soon();
    reader_->hurry();
  }
  if (wanted || (assembler_->quiet_lsn() && now - last_quiet_move_ >= settings_.heartbeat)) {
    assembler_->move_to_quiet();
    last_quiet_move_ = now;
  }
  const StreamPosition& position = assembler_->position();
  known_->resume.lsn = position.resume;
  out.through()[key_] = Position{position.done, known_->resume.encode(), false};
  const Lsn server = assembler_->server_lsn();
  lag_bytes_.set(static_cast<double>(server - std::min(server, position.resume)));
}

Status PostgresCdcSource::acknowledge(const Checkpoint& done) {
  if (snapshot_) snapshot_->acknowledge(done);
  const auto found = done.find(key_);
  if (found == done.end() || !known_) return {};
  const std::optional<ResumePoint> point = ResumePoint::decode(found->second.resume);
  if (!point) return {};  // not of ours
  context_.faults.reach("postgres_cdc.before_acknowledge");
  known_->durable = std::max(known_->durable, point->lsn);
  if (reader_) reader_->acknowledge(known_->durable);
  context_.faults.reach("postgres_cdc.after_acknowledge");
  return {};
}

Status PostgresCdcSource::close() {
  if (reader_) reader_->finish();
  end_session();
  stale_pid_ = 0;
  monitor_.stop();
  catalog_.disconnect();
  return {};
}

}  // namespace sluice::sources::postgres

namespace sluice {

void register_postgres_cdc_source(Registry& registry);

void register_postgres_cdc_source(Registry& registry) {
  using sources::postgres::PostgresCdcConfig;
  SourceType<PostgresCdcConfig> type;
  type.name = "postgres_cdc";
  type.summary = "Row changes of PostgreSQL tables, through logical replication.";
  type.example = "{url: \"postgresql://shop:secret@localhost/shop\", tables: [public.orders], snapshot: initial}";
  type.fields = &PostgresCdcConfig::fields();
  type.build = [](const PostgresCdcConfig& config, const BuildContext& context) -> Result<std::unique_ptr<Source>> {
    auto settings = SLUICE_TRY(
        sources::postgres::session_settings(config, context.outside_name(), context.component, context.state_directory, context.instance));
    return std::unique_ptr<Source>(std::make_unique<sources::postgres::PostgresCdcSource>(std::move(settings), context));
  };
  type.guarantee = [](const PostgresCdcConfig& config) {
    using sources::postgres::SnapshotMethod;
    using sources::postgres::SnapshotMode;
    std::string reason = "the server keeps its log until every sink has committed and sends it again under the same positions";
    if (config.snapshot == SnapshotMode::kOnly) reason = "a snapshot goes on behind the last key that every sink has committed";
    if (config.snapshot != SnapshotMode::kNever) {
      const bool by_keys = config.snapshot_method == SnapshotMethod::kKeys;
      reason += by_keys ? "; the snapshot of a table without a key starts anew after a crash: its rows then come twice"
                        : "; a snapshot by blocks starts its table anew after a crash: its rows then come twice";
    }
    return Guarantee{true, std::move(reason)};
  };
  type.can_end = [](const PostgresCdcConfig& config) { return config.snapshot == sources::postgres::SnapshotMode::kOnly; };
  type.keeps_lag = true;
  type.doctor = &sources::postgres::examine;
  type.shape = &sources::postgres::catalog_shape;
  for (const std::string_view name : sources::postgres::kMetaNames) type.meta.emplace_back(name);
  registry.add(type);
}

}  // namespace sluice
