#include "core/value.h"

#include <catch2/catch.hpp>
#include <string>

namespace sluice {
namespace {

TEST_CASE("short text is inline and long text is borrowed") {
  Arena arena;
  const std::string longer(40, 'x');
  const Value inline_value = Value::string("fourteen bytes");
  const Value outline = Value::string_in(arena, longer);
  CHECK(inline_value.as_text() == "fourteen bytes");
  CHECK(outline.as_text() == longer);
  CHECK(outline.as_text().data() != longer.data());
  const Value nothing = Value::string("");
  CHECK(nothing.as_text().empty());
}

TEST_CASE("values keep their bits") {
  CHECK(Value::int64(-1).as_int64() == -1);
  CHECK(Value::uint64(~0ULL).as_uint64() == ~0ULL);
  CHECK(Value::time_tz(5, -3600).seconds_east() == -3600);
  CHECK(Value::timestamp(Value::kInfinity).as_int64() == Value::kInfinity);
  CHECK(Value::unchanged().is_unchanged());
  CHECK_FALSE(Value::unchanged().is_null());
  CHECK_FALSE(identical(Value::null(), Value::unchanged()));
}

TEST_CASE("lists and maps survive a deep copy into another arena") {
  Arena arena;
  Value copy;
  {
    Arena source;
    auto items = source.array<Value>(2);
    items[0] = Value::int64(1);
    items[1] = Value::string_in(source, "a text longer than fourteen bytes");
    auto entries = source.array<MapEntry>(1);
    entries[0] = {Value::string("k"), Value::list(items)};
    copy = deep_copy(Value::map(entries), arena);
    CHECK(identical(copy, Value::map(entries)));
  }
  CHECK(copy.as_map()[0].value.as_list()[1].as_text() == "a text longer than fourteen bytes");
}

}  // namespace
}  // namespace sluice
