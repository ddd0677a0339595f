// A filter of three conditions, compiled from its source, next to the same written in C++ over the same Values.
// Prints nanoseconds per record and the ratio (target: at most 4).  Build with the release preset.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/batch.h"
#include "core/schema.h"
#include "expr/expression.h"

using namespace sluice;

namespace {

constexpr std::size_t kRecords = 2048;  // a batch
constexpr int kRounds = 100;
constexpr int kRepetitions = 100;

void fill(Batch& batch) {
  SchemaSpec spec{
      {}, {}, "orders", {Field{"id"}, Field{"customer_id"}, Field{"status"}, Field{"amount"}, Field{"country"}, Field{"email"}}, {0}};
  const Schema* schema = batch.keep(std::make_shared<Schema>(1, std::move(spec)));
  static constexpr std::array<std::string_view, 4> kStatus = {"paid", "new", "paid", "shipped"};
  static constexpr std::array<std::string_view, 5> kCountry = {"DE", "US", "FR", "DE", "GB"};
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < kRecords; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const std::uint64_t random = state >> 33U;
    const std::span<Value> row = batch.arena().array<Value>(6);
    row[0] = Value::int64(static_cast<std::int64_t>(i));
    row[1] = Value::int64(static_cast<std::int64_t>(random % 1000));
    row[2] = Value::string(kStatus[random % 4]);
    row[3] = Value::int64(static_cast<std::int64_t>(random / 7 % 40));
    row[4] = Value::string(kCountry[random / 64 % 5]);
    row[5] = Value::string("somebody@example.org");
    Record record;
    record.schema = schema;
    record.after = row;
    batch.records().push_back(record);
  }
}

// What a careful person writes: slots found once, types asked before a value is read.
struct HandWritten {
  std::uint32_t amount, status, country;

  explicit HandWritten(const Schema& schema)
      : amount(schema.find("amount")), status(schema.find("status")), country(schema.find("country")) {}

  bool operator()(const Record& record) const {
    const std::span<const Value> row = record.row();
    const Value& a = row[amount];
    if (a.type() == Value::Type::kInt64 ? a.as_int64() <= 10 : a.type() != Value::Type::kFloat64 || a.as_float64() <= 10) return false;
    const Value& s = row[status];
    if (s.type() != Value::Type::kString || s.as_text() != "paid") return false;
    const Value& c = row[country];
    return c.type() == Value::Type::kString && c.as_text() != "US";
  }
};

// Nanoseconds per record.
template <typename Run>
double measure(const Run& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  return taken.count() / (static_cast<double>(kRecords) * kRounds);
}

}  // namespace

int main() {
  Batch batch(std::make_shared<BatchOrigin>(BatchOrigin{"bench", nullptr}), 0);
  fill(batch);
  auto compiled = expr::Program::compile("this.amount > 10 && this.status == \"paid\" && this.country != \"US\"");
  if (!compiled) return fmt::print(stderr, "{}\n", compiled.error().message()), 1;
  expr::Program& program = **compiled;
  const HandWritten by_hand(*batch.records()[0].schema);
  std::uint64_t held_by_hand = 0;
  std::uint64_t held_by_program = 0;
  double hand = 1e9;
  double ours = 1e9;
  for (int i = 0; i < kRepetitions; ++i) {  // in turns, so that both meet the machine in the same moods; the best of each counts
    hand = std::min(hand, measure([&] {
                      for (int round = 0; round < kRounds; ++round) {
                        for (const Record& record : batch.records()) held_by_hand += by_hand(record) ? 1 : 0;
                      }
                    }));
    ours = std::min(ours, measure([&] {
                      for (int round = 0; round < kRounds; ++round) {
                        for (const Record& record : batch.records()) {
                          const auto result = program.test(batch, record);
                          held_by_program += result && *result ? 1 : 0;
                        }
                      }
                    }));
  }
  if (held_by_hand != held_by_program) return fmt::print(stderr, "the two disagree: {} and {}\n", held_by_hand, held_by_program), 1;
  fmt::print("three conditions: C++ {:.2f} ns, expression {:.2f} ns, ratio {:.2f}\n", hand, ours, ours / hand);
  return 0;
}
