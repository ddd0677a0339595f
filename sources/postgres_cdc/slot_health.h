#pragma once
// How a replication slot and the log behind it are doing, and when somebody should hear of it.

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/lsn.h"

namespace sluice::sources::postgres {

// One row of pg_replication_slots with what surrounds it.  Sizes in bytes.
struct SlotHealth {
  std::string plugin, database;
  Lsn current = 0;                      // end of the server's log
  Lsn confirmed = 0;                    // everything before is durable in every sink
  std::optional<Lsn> restart;           // the server keeps its log from here on; none: its log is gone
  std::string wal_status;               // reserved, extended, unreserved, lost (documentation, pg_replication_slots)
  std::string lost_reason;              // wal_removed, rows_removed, wal_level_insufficient, idle_timeout; empty: not lost or not said
  std::optional<std::uint64_t> safe;    // may still be written before the slot is in danger; with a limit only
  std::optional<std::uint64_t> limit;   // max_slot_wal_keep_size; none: the server keeps everything
  std::optional<std::uint64_t> unsent;  // written and not sent to the reader yet; none: nobody reads, or it is not ours to see
  int active_pid = 0;                   // of the reader; 0: none
  std::string reader;                   // who that is: user, application, address
  std::string reader_application;
  bool failover = false;          // PostgreSQL 17: follows to a standby
  std::int64_t server_clock = 0;  // microseconds since 1970 UTC

  bool lost() const { return !restart || wal_status == "lost"; }
  std::uint64_t retained() const { return restart && current > *restart ? current - *restart : 0; }
  std::uint64_t lag() const { return current > confirmed ? current - confirmed : 0; }
};

// nullopt: there is no such slot.  Any connection to the server; the role needs nothing but to connect.
Result<std::optional<SlotHealth>> slot_health(Connection& connection, const std::string& slot, std::stop_token stop);

// Why the slot cannot be read any more, for a message: "max_slot_wal_keep_size (wal_removed)".
std::string lost_because(const SlotHealth& health);

// Turns what is seen every half minute into news: each alarm is raised once when its line is crossed and again only after the value
// has fallen below nine tenths of the line.  One thread.
class SlotAlarms {
 public:
  struct Alarm {
    enum class Level : std::uint8_t { kWarning, kError, kOver };  // kOver: an alarm that was raised has passed
    Level level;
    std::string_view code;  // wal_budget, wal_limit_50, wal_limit_80, slot_lost
    std::string message;
  };

  // `budget` in bytes; 0: none.
  SlotAlarms(std::string slot, std::uint64_t budget) : slot_(std::move(slot)), budget_(budget) {}

  std::vector<Alarm> judge(const SlotHealth& health);
  bool over_budget() const { return over_budget_; }

 private:
  void judge_budget(const SlotHealth& health, std::vector<Alarm>& alarms);
  void judge_limit(const SlotHealth& health, std::vector<Alarm>& alarms);

  const std::string slot_;
  const std::uint64_t budget_;
  bool over_budget_ = false, lost_ = false;
  int raised_share_ = 0;  // percent: 0, 50 or 80
};

// "1.5 GiB"
std::string size_text(std::uint64_t bytes);

}  // namespace sluice::sources::postgres
