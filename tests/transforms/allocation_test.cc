// The hot path makes no heap allocation per record (ARCHITECTURE.md, speed rules): only the arena's chunks and once-per-schema work.
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>

#include "tests/transforms/step_fixture.h"

namespace {
std::atomic<std::size_t> allocations{0};
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace sluice::test {
namespace {

constexpr std::size_t kRecords = 2000;

std::size_t allocations_of(std::string_view verb, const ConfigNode& config) {
  StepFixture step;
  REQUIRE(step.configure(verb, config).empty());
  const auto schema = step.schema({"id", "status", "total", "email", "m"}, 1);
  for (std::size_t i = 0; i < kRecords; ++i) {
    const Value id = Value::int64(static_cast<std::int64_t>(i));
    step.add(Op::kInsert, schema, {},
             {id, Value::string(i % 2 == 0 ? "new" : "test"), Value::decimal("12.50"), Value::string("a.longer.address@example.org"),
              step.map({{"x", id}})},
             {id});
  }
  step.batch().activate_all();
  return step.allocations_of_apply([] { return allocations.load(); });
}

TEST_CASE("a route makes no heap allocation at all once its lists have grown") {
  StepFixture step;
  ConfigNode config = mapping({{"else", "rest"}});
  config.entries.insert(config.entries.begin(),
                        {scalar("every"), mapping({{"new", "this.status == \"new\""}, {"even", "this.id % 2 == 0"}})});
  REQUIRE(step.configure("route", config).empty());
  const auto schema = step.schema({"id", "status"}, 1);
  for (std::size_t i = 0; i < kRecords; ++i)
    step.insert(schema, {Value::int64(static_cast<std::int64_t>(i)), Value::string(i % 3 == 0 ? "new" : "test")});
  step.batch().activate_all();
  CHECK(step.allocations_of_route([] { return allocations.load(); }) == 0);
}

TEST_CASE("no heap allocation per record on the hot path") {
  CHECK(allocations_of("filter", scalar("this.status != \"test\" && this.id >= 0")) < 60);
  CHECK(allocations_of("set", mapping({{"total_eur", "this.id * 2"}, {"flag", "this.status == \"new\""}, {"m.y", "this.id"}})) < 60);
  CHECK(allocations_of("drop", list({"email", "m.x", "gone"})) < 60);
  CHECK(allocations_of("keep", list({"id", "m.x"})) < 60);
  CHECK(allocations_of("rename", mapping({{"email", "mail"}, {"m.x", "m.z"}})) < 60);
  CHECK(allocations_of("cast", mapping({{"total", "decimal(10,1)"}, {"id", "string"}, {"m.x", "double"}})) < 60);
}

}  // namespace
}  // namespace sluice::test
