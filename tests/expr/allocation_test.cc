// The hot path takes nothing from the heap: every operator new of this program is counted.
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>

#include "tests/expr/record_fixture.h"

namespace {
std::atomic<std::size_t> allocations{0};
}

// Not inlined: GCC would take the malloc() of one and the free() of the other for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
// The library's sort takes its buffer in this way.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace sluice;
using namespace sluice::expr;
using sluice::expr::testing::Rows;

TEST_CASE("a condition costs no heap allocation per record") {
  Rows rows;
  rows.add({{"amount", Value::float64(12)},
            {"status", Value::string("paid")},
            {"country", Value::string("DE")},
            {"total", Value::decimal("19.90")},
            {"at", Value::timestamp(1'234'567'890'000'000)},
            {"name", Value::string("a name beyond fourteen bytes")},
            {"gone", Value::unchanged()}});
  for (const char* source :
       {"this.amount > 10 && this.status == \"paid\" && this.country != \"US\"", "this.gone == 1 || this.nope == 2 || this.amount > 1",
        "this.total * 0.92 > 10 && this.total + 1 > 0.5", "this.at > timestamp(\"2009-01-01T00:00:00Z\") && this.at.getHours() == 23",
        "this.country in [\"DE\", \"FR\"] && has(this.name) && !has(this.nope)", "(this.name + \" and more of it\").size() == 43",
        "this.name.startsWith(\"a n\") && this.name.contains(\"beyond\") && this.?nope.orValue(3) == 3",
        "[1, 2, 3].map(x, x * 2).exists(x, x == 6) && meta.table == \"orders\""}) {
    INFO(source);
    auto program = Program::compile(source);
    REQUIRE(program);
    const Record& record = rows.last();
    const auto first = (*program)->test(rows.batch(), record);  // resolves the slots, makes the scratch memory
    REQUIRE(first);
    CHECK(*first);
    std::size_t held = 0;
    const std::size_t before = allocations.load();
    for (int i = 0; i < 1000; ++i) {
      const auto result = (*program)->test(rows.batch(), record);
      held += result && *result ? 1 : 0;
    }
    const std::size_t taken = allocations.load() - before;
    CHECK(held == 1000);
    CHECK(taken == 0);
  }
}
