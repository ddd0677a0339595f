#include "pipeline/dead_letter_budget.h"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::pipeline;

namespace {

class ManualClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::time_point(elapsed); }
  std::int64_t utc_microseconds() const override { return 0; }
  bool sleep_for(std::chrono::nanoseconds, std::stop_token) override { return true; }
  std::chrono::nanoseconds elapsed{std::chrono::hours(1)};
};

DeadLetterBudgetPolicy policy(std::optional<std::uint64_t> count, std::optional<double> share) {
  DeadLetterBudgetPolicy result;
  result.count = count;
  result.share = share;
  result.within = std::chrono::minutes(1);
  return result;
}

}  // namespace

TEST_CASE("Budget: none is never beyond") {
  ManualClock clock;
  DeadLetterBudget budget(std::nullopt, clock);
  CHECK(budget.note_letters(1'000'000'000));
}

TEST_CASE("Budget: fires on count, within its time (G21)") {
  ManualClock clock;
  DeadLetterBudget budget(policy(10, std::nullopt), clock);
  CHECK(budget.note_letters(10));
  clock.elapsed += std::chrono::seconds(30);
  const Status beyond = budget.note_letters(1);
  REQUIRE(!beyond);
  CHECK(beyond.error().kind() == ErrorKind::kFatal);
  CHECK(beyond.error().code() == "dead_letter_budget");
  clock.elapsed += std::chrono::seconds(40);
  CHECK(budget.note_letters(9));  // the ten are a minute old
  CHECK(!budget.note_letters(1));
}

TEST_CASE("Budget: fires on share of at least 100 records (G21)") {
  ManualClock clock;
  DeadLetterBudget budget(policy(std::nullopt, 0.05), clock);
  budget.note_records(99);
  CHECK(budget.note_letters(99));
  clock.elapsed += std::chrono::minutes(2);
  budget.note_records(100);
  CHECK(budget.note_letters(5));
  CHECK(!budget.note_letters(1));
  budget.note_records(1000);
  CHECK(budget.note_letters(1));
}
