#pragma once
// What functions and operators see of an evaluation.  One per Program; one thread.

#include <cstdint>
#include <span>
#include <string_view>

#include "core/arena.h"
#include "expr/expression.h"
#include "expr/failure.h"

namespace sluice::expr {

class RegexCache;

struct Context {
  Arena* arena = nullptr;  // results live here
  Rules rules = Rules::kPipeline;
  RegexCache* regexes = nullptr;
  Failure failure = {};
  // Bytes that joined texts and lists may still take in this evaluation: a mistake must not take all memory.
  static constexpr std::size_t kMaxBytes = 64 * 1024 * 1024;
  std::size_t bytes_left = kMaxBytes;

  bool spend(std::size_t bytes) {
    if (bytes > bytes_left) return fail("cost_exceeded", "the expression makes more than 64 MiB of text and lists");
    bytes_left -= bytes;
    return true;
  }

  // Both return false, so that a function can `return context.fail(...)`.
  bool fail(std::string_view code, std::string_view text, std::string_view subject = {}) {
    failure = Failure{code, text, subject};
    return false;
  }
  bool no_overload(std::string_view subject, std::span<const Value> arguments) {
    failure = Failure{"no_matching_overload", "no matching overload of", subject};
    for (const Value& argument : arguments.first(arguments.size() < 3 ? arguments.size() : 3))
      failure.values[failure.value_count++] = argument;
    return false;
  }
};

}  // namespace sluice::expr
