#pragma once
// A JSON number -> a Value, without rounding where that can be helped (the rules stand in json_reader.h).

#include <cstdint>

#include "core/arena.h"
#include "core/value.h"

namespace sluice {

enum class JsonNumberFault : std::uint8_t { kNone, kSyntax, kRange };

struct JsonNumberEnd {
  const char* end = nullptr;  // behind the number, or where it is wrong
  JsonNumberFault fault = JsonNumberFault::kNone;
};

// Reads the number that begins at `p` ('-' or a digit).  Never looks at `end` or behind.  The text of a decimal is borrowed where it can
// be.
JsonNumberEnd read_json_number(const char* p, const char* end, Arena& arena, Value& out);

}  // namespace sluice
