#include "sources/postgres_cdc/postgres_cdc_source.h"

#include <algorithm>
#include <utility>

#include "core/registry.h"
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
               context) {}

Status PostgresCdcSource::open(const Checkpoint& from, std::stop_token stop) {
  end_session();
  known_ = SLUICE_TRY(known_position(from, component_));
  return start_session(std::move(stop));
}

Status PostgresCdcSource::start_session(std::stop_token stop) {
  Result<Session> opened = open_session(settings_, known_, stale_pid_, !spool_failed_, context_.log, context_.faults, std::move(stop));
  if (!opened) return refusals_.judge(std::move(opened).error(), Clock::now());
  refusals_.forget();
  Session session = std::move(opened).value();
  spool_failed_ = false;
  known_ = std::move(session.start);
  reader_ = std::move(session.reader);
  stale_pid_ = reader_->backend_pid();
  block_ = {};
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
  monitor_.session_started();
  return {};
}

// Keeps where it stood, so that the next session goes on just after the last record.
void PostgresCdcSource::end_session() {
  if (!reader_) return;
  reader_.reset();
  known_->position = assembler_->position();
  block_ = {};
}

Result<SourceState> PostgresCdcSource::read(BatchBuilder& out, std::stop_token stop) {
  if (!reader_) SLUICE_TRY(start_session(stop));
  if (std::optional<Error> verdict = monitor_.verdict()) return *std::move(verdict);
  catalog_.use(stop);
  assembler_->begin_batch();
  const Status filled = fill(out, stop);
  publish_position(out);
  if (!filled) {
    end_session();
    if (cannot_spool(filled.error())) return without_streaming(filled.error());
    return filled.error();
  }
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
    if (const std::optional<std::string_view> message = block_.next()) {
      SLUICE_TRY(assembler_->consume(*message, out, partition));
      continue;
    }
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
  type.example = "{url: \"postgresql://shop:secret@localhost/shop\", tables: [public.orders], snapshot: never}";
  type.fields = &PostgresCdcConfig::fields();
  type.build = [](const PostgresCdcConfig& config, const BuildContext& context) -> Result<std::unique_ptr<Source>> {
    auto settings = SLUICE_TRY(
        sources::postgres::session_settings(config, context.pipeline, context.component, context.state_directory, context.instance));
    return std::unique_ptr<Source>(std::make_unique<sources::postgres::PostgresCdcSource>(std::move(settings), context));
  };
  type.guarantee = [](const PostgresCdcConfig&) {
    return Guarantee{true, "the server keeps its log until every sink has committed and sends it again under the same positions"};
  };
  type.can_end = [](const PostgresCdcConfig&) { return false; };
  type.keeps_lag = true;
  type.doctor = &sources::postgres::examine;
  for (const std::string_view name : sources::postgres::kMetaNames) type.meta.emplace_back(name);
  registry.add(type);
}

}  // namespace sluice
