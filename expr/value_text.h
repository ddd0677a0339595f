#pragma once
// The text of a value, as string() and templates give it.  Stateless.

#include <optional>
#include <span>
#include <string_view>

#include "core/value.h"

namespace sluice::expr {

// Room for every number and time.
inline constexpr std::size_t kValueTextBuffer = 400;

// Text of a scalar; numbers and times are written into `buffer`, texts are the value's own (so it must outlive the view).
// Doubles as short as they read back, timestamps in RFC 3339 without trailing zeros.  nullopt for null, bytes, lists and maps.
std::optional<std::string_view> text_of(const Value& value, std::span<char> buffer);

}  // namespace sluice::expr
