// When an alarm is raised, what lag means, and how a refused password is retried: without a server.

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "sources/postgres_cdc/auth_refusals.h"
#include "sources/postgres_cdc/slot_health.h"
#include "sources/postgres_cdc/source_lag.h"

namespace sluice::sources::postgres {
namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t kGiB = 1ULL << 30U;

SlotHealth healthy() {
  SlotHealth health;
  health.current = 100 * kGiB;
  health.restart = health.confirmed = 100 * kGiB;
  health.wal_status = "reserved";
  return health;
}

std::vector<std::string> codes(const std::vector<SlotAlarms::Alarm>& alarms) {
  std::vector<std::string> result;
  for (const auto& alarm : alarms)
    result.push_back((alarm.level == SlotAlarms::Alarm::Level::kOver ? "over " : "") + std::string(alarm.code));
  return result;
}

using Codes = std::vector<std::string>;

TEST_CASE("wal_budget: one alarm when it is passed, one message when it is over") {
  SlotAlarms alarms("s", 50 * kGiB);
  SlotHealth health = healthy();
  const auto retained = [&](std::uint64_t gib) {
    health.restart = health.current - gib * kGiB;
    return codes(alarms.judge(health));
  };
  CHECK(retained(50).empty());
  CHECK(retained(51) == Codes{"wal_budget"});
  CHECK(alarms.over_budget());
  CHECK(retained(90).empty());
  CHECK(retained(46).empty());  // not yet below nine tenths
  CHECK(retained(44) == Codes{"over wal_budget"});
  CHECK_FALSE(alarms.over_budget());
  CHECK(retained(60) == Codes{"wal_budget"});
  CHECK(SlotAlarms("s", 0).judge(health).empty());
}

TEST_CASE("max_slot_wal_keep_size: alarms at 50 and 80 %, the loss once") {
  SlotAlarms alarms("s", 0);
  SlotHealth health = healthy();
  health.limit = 10 * kGiB;
  const auto left = [&](std::uint64_t gib) {
    health.safe = gib * kGiB;
    return codes(alarms.judge(health));
  };
  CHECK(left(6).empty());
  CHECK(left(5) == Codes{"wal_limit_50"});
  CHECK(left(4).empty());
  CHECK(left(2) == Codes{"wal_limit_80"});
  CHECK(left(3) == Codes{"over wal_limit"});  // still beyond 50 %
  CHECK(left(1) == Codes{"wal_limit_80"});
  CHECK(left(9) == Codes{"over wal_limit"});
  CHECK(left(0) == Codes{"wal_limit_80"});
  health.wal_status = "lost";
  health.lost_reason = "wal_removed";
  CHECK(codes(alarms.judge(health)) == Codes{"slot_lost"});
  CHECK(alarms.judge(health).empty());
  CHECK(lost_because(health).find("max_slot_wal_keep_size") != std::string::npos);
  health.lost_reason = "idle_timeout";
  CHECK(lost_because(health).find("idle_replication_slot_timeout") != std::string::npos);
}

TEST_CASE("sizes as people read them") {
  CHECK(size_text(512) == "512 B");
  CHECK(size_text(1536) == "1.5 KiB");
  CHECK(size_text(50 * kGiB) == "50.0 GiB");
}

class HandClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::time_point(std::chrono::seconds(at)); }
  std::int64_t utc_microseconds() const override { return at * 1'000'000; }
  bool sleep_for(std::chrono::nanoseconds, std::stop_token) override { return true; }
  std::int64_t at = 10'000;  // seconds
};

TEST_CASE("lag is 0 only while the source is level with the server and looks") {
  HandClock clock;
  Gauge gauge;
  SourceLag lag(gauge, clock);
  using Reached = SourceLag::Reached;
  const auto seconds = [&] {
    lag.refresh();
    return gauge.value();
  };
  clock.at += 5;
  CHECK(seconds() == 5);  // no connection since the start
  lag.read_done(Reached::kMore, (clock.at - 3600) * 1'000'000);
  CHECK(seconds() == 3600);  // a backlog of an hour
  lag.read_done(Reached::kMore, (clock.at - 60) * 1'000'000);
  CHECK(seconds() == 60);
  lag.read_done(Reached::kEndOfLog, 0);
  CHECK(seconds() == 0);
  clock.at += 2;
  CHECK(seconds() == 0);
  clock.at += 10;
  CHECK(seconds() == 12);  // a sink blocks the pipeline, or the connection is down
  lag.read_done(Reached::kEndOfLog, 0);
  CHECK(seconds() == 0);
  lag.server_holds_back(true);  // it decodes a large transaction and sends nothing
  clock.at += 2;
  lag.read_done(Reached::kEndOfLog, 0);
  CHECK(seconds() == 2);
  lag.server_holds_back(false);
  lag.read_done(Reached::kEndOfLog, 0);
  CHECK(seconds() == 0);
  lag.clock_offset(100 * 1'000'000);  // the server's clock is ahead
  lag.read_done(Reached::kMore, (clock.at + 100 - 7) * 1'000'000);
  CHECK(seconds() == 7);
  lag.read_done(Reached::kMore, (clock.at + 200) * 1'000'000);
  CHECK(seconds() == 0);  // never negative
}

TEST_CASE("a refused password is tried again every second for a minute, then says that nobody rotates it") {
  AuthRefusals refusals;
  const auto begin = std::chrono::steady_clock::time_point(1h);
  const auto refused = [] { return Error(ErrorKind::kTransient, "auth_failed", "no"); };
  CHECK(refusals.judge(refused(), begin).retry_after() == 1000ms);
  CHECK(refusals.judge(refused(), begin + 59s).retry_after() == 1000ms);
  const Error late = refusals.judge(refused(), begin + 61s);
  CHECK(late.kind() == ErrorKind::kTransient);
  CHECK_FALSE(late.retry_after());
  CHECK(late.message().find("refused for more than a minute") != std::string::npos);
  CHECK(refusals.judge(Error(ErrorKind::kTransient, "connection_lost", "gone"), begin + 62s).message() == "gone");
  CHECK(refusals.judge(refused(), begin + 63s).retry_after());  // it was let in meanwhile
}

}  // namespace
}  // namespace sluice::sources::postgres
