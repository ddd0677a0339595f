// size, contains, startsWith, endsWith, matches and CEL's strings extension.
#include <algorithm>
#include <array>
#include <string>

#include "expr/compare.h"
#include "expr/functions.h"
#include "expr/regex_cache.h"
#include "expr/special_values.h"
#include "expr/text.h"

namespace sluice::expr {

namespace {

using Type = Value::Type;
using Arguments = std::span<const Value>;

bool is_int(const Value& value) { return value.type() == Type::kInt64; }
bool is_text(const Value& value) { return is_string_like(value.type()); }

bool string_result(Context& context, std::string_view text, Value& out) {
  if (!context.spend(text.size())) return false;
  out = Value::string_in(*context.arena, text);
  return true;
}

bool size(Context& context, Arguments arguments, Value& out) {
  const Value& value = arguments[0];
  std::size_t count = 0;
  if (is_text(value)) {
    count = count_code_points(value.as_text());
  } else if (value.type() == Type::kBytes) {
    count = value.as_text().size();
  } else if (value.type() == Type::kList) {
    count = value.as_list().size();
  } else if (value.type() == Type::kMap) {
    count = value.as_map().size();
  } else if (is_plain_struct(value)) {
    for (const Value& field : value.as_struct()) count += field.is_unchanged() ? 0 : 1;
  } else {
    return context.no_overload("size", arguments);
  }
  out = Value::int64(static_cast<std::int64_t>(count));
  return true;
}

bool two_texts(Context& context, std::string_view name, Arguments arguments) {
  if (is_text(arguments[0]) && is_text(arguments[1])) return true;
  if (arguments[0].type() == Type::kBytes && arguments[1].type() == Type::kBytes) return true;
  return context.no_overload(name, arguments);
}

bool contains(Context& context, Arguments arguments, Value& out) {
  if (!two_texts(context, "contains", arguments)) return false;
  out = Value::boolean(arguments[0].as_text().find(arguments[1].as_text()) != std::string_view::npos);
  return true;
}

bool starts_with(Context& context, Arguments arguments, Value& out) {
  if (!two_texts(context, "startsWith", arguments)) return false;
  out = Value::boolean(arguments[0].as_text().starts_with(arguments[1].as_text()));
  return true;
}

bool ends_with(Context& context, Arguments arguments, Value& out) {
  if (!two_texts(context, "endsWith", arguments)) return false;
  out = Value::boolean(arguments[0].as_text().ends_with(arguments[1].as_text()));
  return true;
}

bool matches(Context& context, Arguments arguments, Value& out) {
  if (!is_text(arguments[0]) || !is_text(arguments[1])) return context.no_overload("matches", arguments);
  bool result = false;
  std::string_view problem;
  if (!context.regexes->matches(arguments[1].as_text(), arguments[0].as_text(), result, problem)) {
    return context.fail("bad_regex", "a bad regular expression:", context.arena->copy(problem));
  }
  out = Value::boolean(result);
  return true;
}

bool out_of_range(Context& context, std::string_view name) { return context.fail("invalid_argument", "index out of range in", name); }

// Byte offset of code point `index`; false when it is out of range.
bool offset_of(std::string_view text, const Value& index, std::size_t& offset) {
  if (index.as_int64() < 0) return false;
  offset = offset_of_code_point(text, static_cast<std::size_t>(index.as_int64()));
  return offset != std::string_view::npos;
}

bool char_at(Context& context, Arguments arguments, Value& out) {
  if (!is_text(arguments[0]) || !is_int(arguments[1])) return context.no_overload("charAt", arguments);
  const std::string_view text = arguments[0].as_text();
  std::size_t begin = 0;
  if (!offset_of(text, arguments[1], begin)) return out_of_range(context, "charAt");
  const std::size_t length = begin == text.size() ? 0 : offset_of_code_point(text.substr(begin), 1);
  return string_result(context, text.substr(begin, length), out);
}

bool index_result(std::string_view text, std::size_t found, Value& out) {
  out = Value::int64(found == std::string_view::npos ? -1 : static_cast<std::int64_t>(count_code_points(text.substr(0, found))));
  return true;
}

bool index_of(Context& context, Arguments arguments, Value& out) {
  const bool has_start = arguments.size() == 3;
  if (!is_text(arguments[0]) || !is_text(arguments[1]) || (has_start && !is_int(arguments[2])))
    return context.no_overload("indexOf", arguments);
  const std::string_view text = arguments[0].as_text();
  std::size_t start = 0;
  if (has_start && !offset_of(text, arguments[2], start)) return out_of_range(context, "indexOf");
  return index_result(text, text.find(arguments[1].as_text(), start), out);
}

bool last_index_of(Context& context, Arguments arguments, Value& out) {
  const bool has_start = arguments.size() == 3;
  if (!is_text(arguments[0]) || !is_text(arguments[1]) || (has_start && !is_int(arguments[2])))
    return context.no_overload("lastIndexOf", arguments);
  const std::string_view text = arguments[0].as_text();
  std::size_t start = text.size();
  if (has_start && !offset_of(text, arguments[2], start)) return out_of_range(context, "lastIndexOf");
  return index_result(text, text.rfind(arguments[1].as_text(), start), out);
}

template <char kFirst, char kLast, int kShift>
bool change_ascii_case(Context& context, Arguments arguments, Value& out) {
  if (!is_text(arguments[0])) return context.no_overload(kShift > 0 ? "lowerAscii" : "upperAscii", arguments);
  const std::string_view text = arguments[0].as_text();
  const std::span<char> copy = context.arena->array<char>(text.size());
  std::transform(text.begin(), text.end(), copy.begin(),
                 [](char c) { return c >= kFirst && c <= kLast ? static_cast<char>(c + kShift) : c; });
  out = Value::string({copy.data(), copy.size()});
  return true;
}

bool replace(Context& context, Arguments arguments, Value& out) {
  const bool has_limit = arguments.size() == 4;
  if (!is_text(arguments[0]) || !is_text(arguments[1]) || !is_text(arguments[2]) || (has_limit && !is_int(arguments[3]))) {
    return context.no_overload("replace", arguments);
  }
  const std::string_view text = arguments[0].as_text();
  const std::string_view from = arguments[1].as_text();
  std::int64_t left = has_limit ? arguments[3].as_int64() : -1;
  std::string result;
  std::size_t at = 0;
  while (left != 0) {
    const std::size_t found = text.find(from, at);
    if (found == std::string_view::npos) break;
    result += text.substr(at, found - at);
    result += arguments[2].as_text();
    at = found + from.size();
    if (result.size() > Context::kMaxBytes) return context.spend(result.size());
    if (left > 0) --left;
    if (from.empty()) {  // between all code points, and at the end
      if (at >= text.size()) return string_result(context, result, out);
      const std::size_t step = offset_of_code_point(text.substr(at), 1);
      result += text.substr(at, step);
      at += step;
    }
  }
  result += text.substr(at);
  return string_result(context, result, out);
}

// Splits at `separator`; at every code point if it is empty.  Views into `text`.
std::vector<std::string_view> split_text(std::string_view text, std::string_view separator, std::int64_t limit) {
  std::vector<std::string_view> parts;
  if (limit == 0) return parts;
  while (limit < 0 || static_cast<std::int64_t>(parts.size()) + 1 < limit) {
    std::size_t end = 0;
    if (separator.empty()) {
      if (text.empty()) return parts;
      end = offset_of_code_point(text, 1);
      if (end == text.size()) break;
    } else {
      end = text.find(separator);
      if (end == std::string_view::npos) break;
    }
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + separator.size());
  }
  parts.push_back(text);
  return parts;
}

bool split(Context& context, Arguments arguments, Value& out) {
  const bool has_limit = arguments.size() == 3;
  if (!is_text(arguments[0]) || !is_text(arguments[1]) || (has_limit && !is_int(arguments[2])))
    return context.no_overload("split", arguments);
  const auto parts = split_text(arguments[0].as_text(), arguments[1].as_text(), has_limit ? arguments[2].as_int64() : -1);
  const std::span<Value> items = context.arena->array<Value>(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) items[i] = Value::string_in(*context.arena, parts[i]);
  out = Value::list(items);
  return true;
}

bool substring(Context& context, Arguments arguments, Value& out) {
  const bool has_end = arguments.size() == 3;
  if (!is_text(arguments[0]) || !is_int(arguments[1]) || (has_end && !is_int(arguments[2])))
    return context.no_overload("substring", arguments);
  const std::string_view text = arguments[0].as_text();
  std::size_t begin = 0;
  std::size_t end = text.size();
  if (!offset_of(text, arguments[1], begin) || (has_end && !offset_of(text, arguments[2], end))) return out_of_range(context, "substring");
  if (begin > end) return context.fail("invalid_argument", "substring: the end is before the start");
  return string_result(context, text.substr(begin, end - begin), out);
}

// The white space of Unicode (White_Space=yes) at the front of `text`, in bytes.
std::size_t leading_space(std::string_view text) {
  static constexpr std::array<std::string_view, 25> kSpaces = {
      "\t",           "\n",           "\v",           "\f",           "\r",           " ",
      "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82",
      "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
      "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f",
      "\xe3\x80\x80"};
  for (const std::string_view space : kSpaces) {
    if (text.starts_with(space)) return space.size();
  }
  return 0;
}

std::size_t trailing_space(std::string_view text) {
  for (std::size_t size = 1; size <= std::min<std::size_t>(3, text.size()); ++size) {
    if (leading_space(text.substr(text.size() - size)) == size) return size;
  }
  return 0;
}

bool trim(Context& context, Arguments arguments, Value& out) {
  if (!is_text(arguments[0])) return context.no_overload("trim", arguments);
  std::string_view text = arguments[0].as_text();
  while (const std::size_t size = text.empty() ? 0 : leading_space(text)) text.remove_prefix(size);
  while (const std::size_t size = trailing_space(text)) text.remove_suffix(size);
  return string_result(context, text, out);
}

bool join(Context& context, Arguments arguments, Value& out) {
  const bool has_separator = arguments.size() == 2;
  if (arguments[0].type() != Type::kList || (has_separator && !is_text(arguments[1]))) return context.no_overload("join", arguments);
  std::string result;
  bool first = true;
  for (const Value& item : arguments[0].as_list()) {
    if (!is_text(item)) return context.no_overload("join", arguments);
    if (!first && has_separator) result += arguments[1].as_text();
    first = false;
    result += item.as_text();
  }
  return string_result(context, result, out);
}

bool reverse(Context& context, Arguments arguments, Value& out) {
  if (arguments[0].type() == Type::kList) {
    const auto items = arguments[0].as_list();
    const std::span<Value> copy = context.arena->array<Value>(items.size());
    std::reverse_copy(items.begin(), items.end(), copy.begin());
    out = Value::list(copy);
    return true;
  }
  if (!is_text(arguments[0])) return context.no_overload("reverse", arguments);
  const auto parts = split_text(arguments[0].as_text(), "", -1);
  std::string result;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) result += *part;
  return string_result(context, result, out);
}

bool quote(Context& context, Arguments arguments, Value& out) {
  if (!is_text(arguments[0])) return context.no_overload("strings.quote", arguments);
  static constexpr std::string_view kSpecial = "\a\b\f\n\r\t\v\\\"";
  static constexpr std::string_view kNames = "abfnrtv\\\"";
  std::string result = "\"";
  for (const char c : arguments[0].as_text()) {
    const std::size_t at = kSpecial.find(c);
    if (at != std::string_view::npos) result += '\\';
    result += at == std::string_view::npos ? c : kNames[at];
  }
  return string_result(context, result + "\"", out);
}

constexpr std::array<Function, 17> kFunctions = {{
    {"size", CallStyle::kBoth, "s:i y:i l:i m:i", size},
    {"contains", CallStyle::kReceiver, "ss:b yy:b", contains},
    {"startsWith", CallStyle::kReceiver, "ss:b yy:b", starts_with},
    {"endsWith", CallStyle::kReceiver, "ss:b yy:b", ends_with},
    {"matches", CallStyle::kBoth, "ss:b", matches},
    {"charAt", CallStyle::kReceiver, "si:s", char_at},
    {"indexOf", CallStyle::kReceiver, "ss:i ssi:i", index_of},
    {"lastIndexOf", CallStyle::kReceiver, "ss:i ssi:i", last_index_of},
    {"lowerAscii", CallStyle::kReceiver, "s:s", change_ascii_case<'A', 'Z', 'a' - 'A'>},
    {"upperAscii", CallStyle::kReceiver, "s:s", change_ascii_case<'a', 'z', 'A' - 'a'>},
    {"replace", CallStyle::kReceiver, "sss:s sssi:s", replace},
    {"split", CallStyle::kReceiver, "ss:l ssi:l", split},
    {"substring", CallStyle::kReceiver, "si:s sii:s", substring},
    {"trim", CallStyle::kReceiver, "s:s", trim},
    {"join", CallStyle::kReceiver, "l:s ls:s", join},
    {"reverse", CallStyle::kReceiver, "s:s l:l", reverse},
    {"strings.quote", CallStyle::kGlobal, "s:s", quote},
}};

}  // namespace

std::span<const Function> string_functions() { return kFunctions; }

}  // namespace sluice::expr
