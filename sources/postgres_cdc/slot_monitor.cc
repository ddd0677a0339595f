#include "sources/postgres_cdc/slot_monitor.h"

#include <array>

#include "sources/postgres_cdc/heartbeat.h"

namespace sluice::sources::postgres {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// How often the lag is written anew.
constexpr auto kTick = 1s;
// More than this written and not sent: the server is busy with something, above all a transaction that has not ended.
constexpr std::uint64_t kHeldBackBytes = 16ULL << 20U;
constexpr std::array kStatuses = {"reserved", "extended", "unreserved", "lost"};

}  // namespace

SlotMonitor::Series SlotMonitor::make_series(const BuildContext& context) {
  const Labels labels{{"pipeline", context.pipeline}, {"component_kind", "source"}, {"component", context.component}};
  const auto gauge = [&](std::string_view name, std::string_view help) -> Gauge& { return context.metrics.gauge(name, help, labels); };
  Series series{gauge("sluice_postgres_slot_lag_bytes", "Bytes of the server's log behind the slot's confirmed position."),
                gauge("sluice_postgres_wal_retained_bytes", "Bytes of log that the server keeps because of the slot."),
                gauge("sluice_postgres_wal_limit_used_ratio",
                      "Share of max_slot_wal_keep_size in use; 1 is the loss of the slot, 0 also without a limit."),
                gauge("sluice_postgres_wal_budget_bytes", "wal_budget of the configuration; 0: none."),
                gauge("sluice_postgres_wal_budget_exceeded", "1 while more log is kept than wal_budget."),
                gauge("sluice_postgres_slot_looked_at_timestamp_seconds", "When the slot was looked at last."),
                {}};
  for (const char* status : kStatuses) {
    Labels with_status = labels;
    with_status.emplace_back("status", status);
    series.status[status] = &context.metrics.gauge("sluice_postgres_wal_status", "1 for the slot's wal_status.", with_status);
  }
  return series;
}

SlotMonitor::SlotMonitor(Options options, const BuildContext& context)
    : options_(std::move(options)),
      context_(context),
      series_(make_series(context)),
      lag_(context.metrics.gauge(kSourceLagName, kSourceLagHelp,
                                 {{"pipeline", context.pipeline}, {"component_kind", "source"}, {"component", context.component}}),
           context.clock),
      alarms_(options_.slot, options_.settings.wal_budget) {
  series_.budget.set(static_cast<double>(options_.settings.wal_budget));
}

SlotMonitor::~SlotMonitor() { stop(); }

void SlotMonitor::session_started(std::string tables) {
  {
    const std::lock_guard lock(mutex_);
    session_new_ = true;
    session_tables_ = std::move(tables);
    verdict_.reset();
  }
  if (!thread_.joinable()) thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
  woken_.notify_all();
}

void SlotMonitor::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  thread_ = {};
}

std::optional<Error> SlotMonitor::verdict() const {
  const std::lock_guard lock(mutex_);
  return verdict_;
}

void SlotMonitor::condemn(Error error) {
  const std::lock_guard lock(mutex_);
  if (!verdict_) verdict_ = std::move(error);
}

void SlotMonitor::run(std::stop_token stop) {
  auto next_look = Clock::now();
  auto next_beat = Clock::now();
  auto next_tables = Clock::now();
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (session_new_) {
        session_new_ = false;
        published_.reset();
        tables_ = std::move(session_tables_);
        next_look = next_tables = Clock::now();
      }
    }
    lag_.refresh();
    if (Clock::now() >= next_look) {
      if (!look(stop)) connection_.reset();
      next_look = Clock::now() + options_.settings.every;
    }
    if (Clock::now() >= next_tables) {
      if (!look_at_tables(stop)) connection_.reset();
      next_tables = Clock::now() + options_.heartbeat;
    }
    if (options_.settings.heartbeat_message && Clock::now() >= next_beat) {
      beat(stop);
      next_beat = Clock::now() + options_.heartbeat;
    }
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, stop, std::min<Clock::duration>({kTick, options_.settings.every, options_.heartbeat}),
                    [&] { return session_new_; });
  }
  connection_.reset();
}

Status SlotMonitor::connect(std::stop_token stop) {
  if (!connection_)
    connection_ = std::make_unique<Connection>(SLUICE_TRY(Connection::connect(options_.connect, Connection::Mode::kSql, stop)));
  return {};
}

Status SlotMonitor::look(std::stop_token stop) {
  SLUICE_TRY(connect(stop));
  SLUICE_TRY(look_at_slot(stop));
  return look_at_publication(stop);
}

Status SlotMonitor::look_at_slot(std::stop_token stop) {
  const std::int64_t before = context_.clock.utc_microseconds();
  const std::optional<SlotHealth> health = SLUICE_TRY(slot_health(*connection_, options_.slot, stop));
  const std::int64_t after = context_.clock.utc_microseconds();
  if (!health) return {};  // it cannot be dropped while it is read; when the stream has ended, the next session sees it
  lag_.clock_offset(health->server_clock - (before + (after - before) / 2));
  lag_.server_holds_back(health->unsent.value_or(0) > kHeldBackBytes);
  for (const SlotAlarms::Alarm& alarm : alarms_.judge(*health)) raise(alarm);
  show(*health);
  if (health->lost()) {
    condemn(Error(ErrorKind::kFatal, "position_lost",
                  "read from the replication slot \"" + options_.slot +
                      "\": the server has given it up and removed its log: " + lost_because(*health) + " (mend: sluice resync PIPELINE)"));
  }
  return {};
}

Status SlotMonitor::look_at_publication(std::stop_token stop) {
  std::optional<PublishedState> now = SLUICE_TRY(published_state(*connection_, options_.publication, stop));
  if (!published_) {
    published_ = std::move(now);
    return {};
  }
  std::optional<Error> loss = SLUICE_TRY(publication_loss(*connection_, options_.publication, *published_, now, options_.filter, stop));
  if (loss) {
    condemn(*std::move(loss));
  } else {
    published_ = std::move(now);  // tables that came since then must stay, too
  }
  return {};
}

Status SlotMonitor::look_at_tables(std::stop_token stop) {
  SLUICE_TRY(connect(stop));
  std::string now = SLUICE_TRY(tables_digest(*connection_, options_.publication, stop));
  const bool again = tables_again_.exchange(false);
  if (!again && now == tables_) return {};
  tables_ = std::move(now);
  tables_changed_ = true;
  return {};
}

void SlotMonitor::show(const SlotHealth& health) {
  series_.slot_lag.set(static_cast<double>(health.lag()));
  series_.retained.set(static_cast<double>(health.retained()));
  const bool limited = health.limit && health.safe && *health.limit != 0;
  const double left = limited ? static_cast<double>(*health.safe) / static_cast<double>(*health.limit) : 1;
  series_.limit_used.set(health.lost() ? 1 : std::max(0.0, 1 - left));
  series_.over_budget.set(alarms_.over_budget() ? 1 : 0);
  series_.looked_at.set(static_cast<double>(context_.clock.utc_microseconds()) * 1e-6);
  for (const auto& [status, gauge] : series_.status) gauge->set(status == (health.lost() ? "lost" : health.wal_status) ? 1 : 0);
}

void SlotMonitor::raise(const SlotAlarms::Alarm& alarm) {
  using Level = SlotAlarms::Alarm::Level;
  const LogLevel level = alarm.level == Level::kError     ? LogLevel::kError
                         : alarm.level == Level::kWarning ? LogLevel::kWarning
                                                          : LogLevel::kInfo;
  context_.log.log(level, alarm.message, {{"pipeline", context_.pipeline}, {"component", context_.component}, {"code", alarm.code}});
}

// Log of our own database, which the slot then moves past.
void SlotMonitor::beat(std::stop_token stop) {
  Status beaten = connect(stop);
  if (beaten) {
    const std::string sql = "SELECT pg_logical_emit_message(false, " + connection_->literal(kHeartbeatPrefix) + ", " +
                            connection_->literal(options_.slot) + ")";
    const Result<Rows> written = connection_->query(sql, "write the heartbeat message", stop);
    if (!written) beaten = written.error();
  }
  if (beaten) {
    heartbeat_refused_ = false;
    return;
  }
  connection_.reset();
  if (beaten.error().kind() == ErrorKind::kCancelled || heartbeat_refused_) return;
  heartbeat_refused_ = true;
  context_.log.warning("the heartbeat message cannot be written",
                       {{"pipeline", context_.pipeline}, {"component", context_.component}, {"cause", beaten.error().message()}});
}

}  // namespace sluice::sources::postgres
