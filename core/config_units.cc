// Values with a unit: durations, sizes, rates and shares (CONFIG.md rule 16).
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include "core/config_binding.h"
#include "core/interpolation.h"

namespace sluice {

namespace {

// "30s" -> number and unit; false if it does not begin with a number.
bool split_number(std::string_view text, double& number, std::string_view& unit) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number) || number < 0) return false;
  unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  return true;
}

struct Unit {
  std::string_view name;
  double factor;
};

// How a unit may be written elsewhere; in small letters.
struct Spelling {
  std::string_view written, unit;
};

struct Kind {
  std::string_view expected;  // "a duration such as 30s"
  std::span<const Unit> units;
  std::span<const Spelling> spellings;
  std::string_view whole = {};  // what there is no part of: "millisecond"
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

// "5 min" -> "5m"; empty when the unit is nothing we know.
std::string meant(std::string_view text, std::string_view unit, const Kind& kind) {
  if (unit.empty()) return {};
  std::string_view number = text.substr(0, text.size() - unit.size());
  while (number.ends_with(' ')) number.remove_suffix(1);
  const std::string small = lower(unit);
  for (const Unit& known : kind.units) {
    if (lower(known.name) == small) return std::string(number) + std::string(known.name);
  }
  for (const Spelling& spelling : kind.spellings) {
    if (spelling.written == small) return std::string(number) + std::string(spelling.unit);
  }
  return {};
}

std::string unit_names(const Kind& kind) {
  std::string names;
  for (const Unit& known : kind.units) names += (names.empty() ? "" : ", ") + std::string(known.name);
  return names;
}

// nullopt with `unset` true: the value is not known, which is no error.
std::optional<double> with_unit(const ConfigNode& node, const Kind& kind, bool& unset, BindContext& context) {
  unset = false;
  if (!node.is_scalar()) return wrong_type(node, kind.expected, context), std::nullopt;
  const auto expanded = expand_known(node, context);
  unset = expanded && expanded->unset;
  if (!expanded || unset) return std::nullopt;
  double number = 0;
  std::string_view unit;
  const bool is_number = split_number(expanded->text, number, unit);
  const auto known = std::find_if(kind.units.begin(), kind.units.end(), [&](const Unit& one) { return one.name == unit; });
  if (is_number && known != kind.units.end()) {
    const double value = number * known->factor;
    if (kind.whole.empty() || std::abs(value - std::round(value)) <= 1e-9 * std::max(1.0, value)) return value;
    context.findings.error(node, "bad_value", shown_text(node, expanded->text) + " has a part of a " + std::string(kind.whole));
    return std::nullopt;
  }
  context.findings.add({Diagnostic::Severity::kError, node.place, node.path, "bad_value",
                        "expected " + std::string(kind.expected) + ", got " + shown_text(node, expanded->text),
                        is_number ? meant(expanded->text, unit, kind) : std::string(), "a number with a unit: " + unit_names(kind)});
  return std::nullopt;
}

constexpr std::array kDurationUnits = {Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000}, Unit{"h", 3'600'000}, Unit{"d", 86'400'000}};
constexpr std::array kDurationSpellings = {
    Spelling{"msec", "ms"},   Spelling{"millis", "ms"}, Spelling{"milliseconds", "ms"}, Spelling{"sec", "s"},  Spelling{"secs", "s"},
    Spelling{"second", "s"},  Spelling{"seconds", "s"}, Spelling{"min", "m"},           Spelling{"mins", "m"}, Spelling{"minute", "m"},
    Spelling{"minutes", "m"}, Spelling{"hr", "h"},      Spelling{"hrs", "h"},           Spelling{"hour", "h"}, Spelling{"hours", "h"},
    Spelling{"day", "d"},     Spelling{"days", "d"}};
constexpr Kind kDuration{"a duration such as 30s", kDurationUnits, kDurationSpellings, "millisecond"};

constexpr std::array kSizeUnits = {
    Unit{"B", 1},     Unit{"KiB", 1024}, Unit{"MiB", 1048576}, Unit{"GiB", 1073741824}, Unit{"TiB", 1099511627776},
    Unit{"kB", 1000}, Unit{"MB", 1e6},   Unit{"GB", 1e9},      Unit{"TB", 1e12}};
constexpr std::array kSizeSpellings = {Spelling{"byte", "B"}, Spelling{"bytes", "B"}, Spelling{"k", "KiB"}, Spelling{"ki", "KiB"},
                                       Spelling{"m", "MiB"},  Spelling{"mi", "MiB"},  Spelling{"g", "GiB"}, Spelling{"gi", "GiB"},
                                       Spelling{"t", "TiB"},  Spelling{"ti", "TiB"}};
constexpr Kind kSize{"a size such as 64MiB", kSizeUnits, kSizeSpellings, "byte"};

constexpr std::array kRateUnits = {Unit{"/s", 1.0}, Unit{"/m", 1.0 / 60}, Unit{"/h", 1.0 / 3600}};
constexpr std::array kRateSpellings = {Spelling{"/sec", "/s"},  Spelling{"/second", "/s"}, Spelling{"per second", "/s"},
                                       Spelling{"/min", "/m"},  Spelling{"/minute", "/m"}, Spelling{"per minute", "/m"},
                                       Spelling{"/hour", "/h"}, Spelling{"per hour", "/h"}};
constexpr Kind kRate{"a rate such as 1000/s", kRateUnits, kRateSpellings};

constexpr std::array kShareUnits = {Unit{"%", 0.01}};
constexpr std::array kShareSpellings = {Spelling{"percent", "%"}, Spelling{"pct", "%"}};
constexpr Kind kShare{"a share such as 5%", kShareUnits, kShareSpellings};

}  // namespace

bool ConfigType<std::chrono::milliseconds>::bind(const ConfigNode& node, std::chrono::milliseconds& out, BindContext& context) {
  bool unset = false;
  const auto value = with_unit(node, kDuration, unset, context);
  if (!value) return unset;
  if (*value > 3e12) {  // 95 years: surely a slip, and 64 bits of nanoseconds end at 292 where durations are added to times
    context.findings.error(node, "out_of_range", "the duration is too long");
    return false;
  }
  out = std::chrono::milliseconds(std::llround(*value));
  return true;
}

std::string ConfigType<std::chrono::milliseconds>::show(std::chrono::milliseconds value) {
  const std::int64_t count = value.count();
  static constexpr std::array<std::pair<std::int64_t, std::string_view>, 4> kUnits = {
      {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}}};
  for (const auto& [factor, unit] : kUnits) {
    if (count != 0 && count % factor == 0) return std::to_string(count / factor) + std::string(unit);
  }
  return std::to_string(count) + "ms";
}

bool ConfigType<ByteSize>::bind(const ConfigNode& node, ByteSize& out, BindContext& context) {
  if (node.is_scalar() && node.text == "0") return out.bytes = 0, true;  // nothing has no unit
  bool unset = false;
  const auto value = with_unit(node, kSize, unset, context);
  if (!value) return unset;
  if (*value > 1e18) {
    context.findings.error(node, "out_of_range", "the size is beyond 1 EB");
    return false;
  }
  out.bytes = static_cast<std::uint64_t>(std::llround(*value));
  return true;
}

std::string ConfigType<ByteSize>::show(ByteSize value) {
  static constexpr std::array<std::pair<std::uint64_t, std::string_view>, 4> kUnits = {
      {{1099511627776ULL, "TiB"}, {1073741824ULL, "GiB"}, {1048576ULL, "MiB"}, {1024ULL, "KiB"}}};
  for (const auto& [factor, unit] : kUnits) {
    if (value.bytes != 0 && value.bytes % factor == 0) return std::to_string(value.bytes / factor) + std::string(unit);
  }
  return std::to_string(value.bytes) + "B";
}

bool ConfigType<Rate>::bind(const ConfigNode& node, Rate& out, BindContext& context) {
  bool unset = false;
  const auto value = with_unit(node, kRate, unset, context);
  if (!value) return unset;
  if (*value <= 0) {
    context.findings.error(node, "out_of_range", "a rate must be above 0");
    return false;
  }
  out.per_second = *value;
  return true;
}

std::string ConfigType<Rate>::show(Rate value) { return ConfigType<double>::show(value.per_second) + "/s"; }

bool ConfigType<Share>::bind(const ConfigNode& node, Share& out, BindContext& context) {
  bool unset = false;
  const auto value = with_unit(node, kShare, unset, context);
  if (!value) return unset;
  if (*value > 1) {
    context.findings.error(node, "out_of_range", "a share cannot be above 100%");
    return false;
  }
  out.fraction = *value;
  return true;
}

std::string ConfigType<Share>::show(Share value) { return ConfigType<double>::show(value.fraction * 100) + "%"; }

}  // namespace sluice
