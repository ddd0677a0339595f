#pragma once
// Looks at the slot, the log behind it and the publication every half minute over a connection of its own, keeps the metrics of them and
// the lag in seconds, raises alarms, notices new tables, and writes the heartbeat message where that is wanted.
//
// One private thread (G9): it works while a sink blocks the pipeline, which is when these numbers matter.  It never changes the slot and
// never confirms anything.  A server that cannot be asked is no news of the monitor's: the stream itself reports it.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "core/build_context.h"
#include "core/result.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/publication_watch.h"
#include "sources/postgres_cdc/slot_health.h"
#include "sources/postgres_cdc/source_lag.h"
#include "sources/postgres_cdc/table_filter.h"

namespace sluice::sources::postgres {

// What the configuration says of it.
struct MonitorSettings {
  std::chrono::milliseconds every{30'000};
  std::uint64_t wal_budget = 50ULL << 30U;  // bytes; 0: no alarm
  bool heartbeat_message = false;           // write a logical message every `heartbeat`
};

class SlotMonitor {
 public:
  struct Options {
    ConnectOptions connect;
    std::string slot, publication;
    TableFilter filter;
    MonitorSettings settings;
    std::chrono::milliseconds heartbeat{10'000};
  };

  SlotMonitor(Options options, const BuildContext& context);
  ~SlotMonitor();
  SlotMonitor(const SlotMonitor&) = delete;
  SlotMonitor& operator=(const SlotMonitor&) = delete;

  // A stream has begun: what the publication sends now it must go on sending.  `tables`: tables_digest() from before the tables were looked
  // at for it.  Starts the thread with the first call.
  void session_started(std::string tables);
  // Ends the thread and gives the connection back; at most a second.
  void stop();

  // Why the stream must not go on although it works, once that is known: kFatal position_lost, publication_missing, publication_changed.
  std::optional<Error> verdict() const;

  // True once after the tables of the database, or those that are published, are others than before; looked at every heartbeat.
  bool tables_changed() { return tables_changed_.exchange(false); }
  // Somebody could not deal with them: true again at the next heartbeat.
  void look_at_tables_again() { tables_again_ = true; }

  SourceLag& lag() { return lag_; }

 private:
  struct Series {
    Gauge &slot_lag, &retained, &limit_used, &budget, &over_budget, &looked_at;
    std::map<std::string, Gauge*> status;
  };
  static Series make_series(const BuildContext& context);

  void run(std::stop_token stop);
  Status look(std::stop_token stop);
  Status look_at_slot(std::stop_token stop);
  Status look_at_publication(std::stop_token stop);
  Status look_at_tables(std::stop_token stop);
  void beat(std::stop_token stop);
  void show(const SlotHealth& health);
  void raise(const SlotAlarms::Alarm& alarm);
  void condemn(Error error);
  Status connect(std::stop_token stop);

  const Options options_;
  BuildContext context_;
  Series series_;
  SourceLag lag_;
  SlotAlarms alarms_;                        // the thread's
  std::unique_ptr<Connection> connection_;   // the thread's
  std::optional<PublishedState> published_;  // the thread's; as of the begin of the session
  bool heartbeat_refused_ = false;           // the thread's
  std::string tables_;                       // the thread's; a digest

  std::atomic<bool> tables_changed_{false}, tables_again_{false};

  mutable std::mutex mutex_;
  std::condition_variable_any woken_;
  bool session_new_ = false;
  std::string session_tables_;
  std::optional<Error> verdict_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace sluice::sources::postgres
