// Casts of text: each becomes the type or is refused, and a number that became text is the same number when it is cast back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "transforms/cast_value.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using sluice::Value;
  using sluice::transforms::cast_value;
  using sluice::transforms::parse_cast_target;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(parse_cast_target(text));
  sluice::Arena arena;
  for (const char* name : {"int", "double", "decimal(38,9)", "decimal(5,5)", "decimal(1000,0)", "bool", "date", "timestamp"}) {
    const auto target = parse_cast_target(name);
    const auto once = cast_value(Value::string_in(arena, text), *target, arena);
    if (!once) continue;
    const auto as_text = cast_value(*once, *parse_cast_target("string"), arena);
    if (!as_text) std::abort();
    const auto again = cast_value(*as_text, *target, arena);
    if (!again || !identical(*again, *once)) std::abort();
  }
  return 0;
}
