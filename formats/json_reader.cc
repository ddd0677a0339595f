#include "formats/json_reader.h"

#include <algorithm>
#include <string>
#include <vector>

#include "formats/json_number.h"
#include "formats/json_shapes.h"
#include "formats/json_string.h"
#include "formats/text_scan.h"

namespace sluice {

namespace {

// Up to this many keys of a nested object are compared with each other one by one.
constexpr std::size_t kFewKeys = 16;

const char* skip_space(const char* p, const char* end) {
  while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) ++p;
  return p;
}

}  // namespace

// Each parsing function takes the place where its part begins and returns the place behind it, or nullptr after fail().
//
// Bounds: a byte at `p` is looked at before `p < end_` is known only where kPadding allows it; whatever was read beyond the end is
// noticed by the next `p < end_` check, at the latest by the one behind the last brace.
class JsonReader::Parser {
 public:
  explicit Parser(SchemaPool& schemas) : shapes_(schemas), row_(kMaxFields) {}

  Result<JsonRow> row(std::string_view text, Batch& batch, Utf8 utf8) {
    start(text, batch.arena());
    if (utf8 == Utf8::kUnchecked && !is_valid_utf8(text)) return invalid_utf8(text);
    const char* p = skip_space(begin_, end_);
    if (p >= end_ || *p != '{') {
      (void)fail("json_not_object", p, p >= end_ ? "the text is empty" : "expected an object");
      return failure();
    }
    std::size_t count = 0;
    JsonShape* shape = shapes_.begin();
    p = fields(p + 1, shape, count);
    if (p == nullptr || finish(p) == nullptr) return failure();
    const auto values = arena_->array<Value>(count);
    std::copy_n(row_.data(), count, values.data());
    return JsonRow{batch.keep(shapes_.schema(shape)), values};
  }

  Result<Value> value_only(std::string_view text, Arena& arena) {
    start(text, arena);
    if (!is_valid_utf8(text)) return invalid_utf8(text);
    Value result;
    const char* const p = value(skip_space(begin_, end_), result, 1);
    if (p == nullptr || finish(p) == nullptr) return failure();
    return result;
  }

 private:
  void start(std::string_view text, Arena& arena) {
    begin_ = text.data();
    end_ = begin_ + text.size();
    arena_ = &arena;
    list_items_.clear();
    map_entries_.clear();
  }

  const char* fail(std::string_view code, const char* at, std::string_view what) {
    code_ = code;
    at_ = std::min(at, end_);
    what_ = what;
    return nullptr;
  }
  const char* syntax(const char* at, std::string_view what) {
    return fail("json_syntax", at, at >= end_ ? "the text ends too early" : what);
  }

  Error failure() const {
    return {ErrorKind::kBadRecord, code_, "byte " + std::to_string(at_ - begin_) + " of the JSON text: " + std::string(what_)};
  }

  static Error invalid_utf8(std::string_view text) {
    return {ErrorKind::kBadRecord, "invalid_utf8", "byte " + std::to_string(valid_utf8_prefix(text)) + " of the JSON text is not UTF-8"};
  }

  const char* finish(const char* p) {
    p = skip_space(p, end_);
    if (p > end_) return syntax(p, {});
    return p == end_ ? p : syntax(p, "unexpected text behind the value");
  }

  // The fields of the top-level object, behind its '{'.
  const char* fields(const char* p, JsonShape*& shape, std::size_t& count) {
    p = skip_space(p, end_);
    if (p < end_ && *p == '}') return p + 1;
    while (true) {
      p = key(p, shape);
      if (p == nullptr) return nullptr;
      p = value(p, row_[count], 2);
      if (p == nullptr) return nullptr;
      ++count;
      p = skip_space(p, end_);
      if (p >= end_) return syntax(p, {});
      if (*p == '}') return p + 1;
      if (*p != ',') return syntax(p, "expected ',' or '}' behind a field");
      p = skip_space(p + 1, end_);
    }
  }

  // A key of the top-level object and its colon; moves `shape` on.
  const char* key(const char* p, JsonShape*& shape) {
    JsonShape* const guess = shape->predicted;
    if (guess != nullptr && guess->matches(p, end_)) {
      p += guess->quoted_size;
      shape = guess;
      return colon(p);
    }
    const char* const start = p;
    std::string_view name;
    p = key_text(p, name);
    if (p == nullptr) return nullptr;
    if (shape->fields >= kMaxFields) return fail("json_fields", start, "the object has more than 4096 fields");
    JsonShape* const next = shapes_.extend(shape, name);
    if (next == nullptr) return fail("json_duplicate_key", start, "the key occurs twice in its object");
    shape = next;
    return colon(p);
  }

  const char* colon(const char* p) {
    p = skip_space(p, end_);
    if (p >= end_ || *p != ':') return syntax(p, "expected ':' behind a key");
    return skip_space(p + 1, end_);
  }

  // A string whose decoded text is `name`: in the input, or in scratch memory until the next key.
  const char* key_text(const char* p, std::string_view& name) {
    if (p >= end_ || *p != '"') return syntax(p, "expected a key");
    bool escaped = false;
    const char* const close = closing_quote(p + 1, escaped);
    if (close == nullptr) return nullptr;
    name = {p + 1, static_cast<std::size_t>(close - p - 1)};
    if (!escaped) return close + 1;
    key_scratch_.resize(name.size());
    const auto [end, fault] = unescape_json(name, key_scratch_.data());
    if (fault != nullptr) return syntax(fault, "bad escape in a string");
    name = {key_scratch_.data(), static_cast<std::size_t>(end - key_scratch_.data())};
    return close + 1;
  }

  // From behind the opening quote to the closing one.
  const char* closing_quote(const char* p, bool& escaped) {
    while (true) {
      p = find_special(p, end_);
      if (p >= end_) return syntax(p, {});
      if (*p == '"') return p;
      if (*p != '\\') return syntax(p, "control character in a string");
      escaped = true;
      p += 2;
    }
  }

  const char* value(const char* p, Value& out, std::size_t depth) {
    if (p >= end_) return syntax(p, {});
    switch (*p) {
      case '"': return string(p, out);
      case '{': return depth > kMaxDepth ? too_deep(p) : object(p + 1, out, depth);
      case '[': return depth > kMaxDepth ? too_deep(p) : list(p + 1, out, depth);
      case 't': return literal(p, "true", Value::boolean(true), out);
      case 'f': return literal(p, "false", Value::boolean(false), out);
      case 'n': return literal(p, "null", Value::null(), out);
      case '-':
      case '0':
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case '7':
      case '8':
      case '9': return number(p, out);
      default: return syntax(p, "expected a value");
    }
  }

  const char* too_deep(const char* p) { return fail("json_depth", p, "nested deeper than 1024 levels"); }

  const char* literal(const char* p, std::string_view text, Value value, Value& out) {
    if (static_cast<std::size_t>(end_ - p) < text.size() || std::memcmp(p, text.data(), text.size()) != 0)
      return syntax(p, "expected a value");
    out = value;
    return p + text.size();
  }

  const char* number(const char* p, Value& out) {
    const auto [behind, fault] = read_json_number(p, end_, *arena_, out);
    if (fault == JsonNumberFault::kNone) return behind;
    if (fault == JsonNumberFault::kSyntax) return syntax(behind, "malformed number");
    return fail("json_number_range", behind, "the number is out of range");
  }

  const char* string(const char* p, Value& out) {
    const char* const first = p + 1;
    const char* const close = find_special(first, end_);
    if (close < end_ && *close == '"') {
      out = Value::string({first, static_cast<std::size_t>(close - first)});
      return close + 1;
    }
    return string_with_escapes(first, out);
  }

  const char* string_with_escapes(const char* first, Value& out) {
    bool escaped = false;
    const char* const close = closing_quote(first, escaped);
    if (close == nullptr) return nullptr;
    const auto size = static_cast<std::size_t>(close - first);
    auto* const target = static_cast<char*>(arena_->allocate(size, 1));
    const auto [end, fault] = unescape_json({first, size}, target);
    if (fault != nullptr) return syntax(fault, "bad escape in a string");
    const auto decoded = static_cast<std::size_t>(end - target);
    out = Value::string({target, decoded});
    arena_->shrink_last(target, decoded > Value::kInlineBytes ? decoded : 0);
    return close + 1;
  }

  const char* list(const char* p, Value& out, std::size_t depth) {
    const std::size_t base = list_items_.size();
    p = skip_space(p, end_);
    if (p < end_ && *p == ']') {
      out = Value::list({});
      return p + 1;
    }
    while (true) {
      Value item;
      p = value(p, item, depth + 1);
      if (p == nullptr) return nullptr;
      list_items_.push_back(item);
      p = skip_space(p, end_);
      if (p >= end_) return syntax(p, {});
      if (*p == ']') break;
      if (*p != ',') return syntax(p, "expected ',' or ']' behind an item");
      p = skip_space(p + 1, end_);
    }
    const auto items = arena_->array<Value>(list_items_.size() - base);
    std::copy(list_items_.begin() + static_cast<std::ptrdiff_t>(base), list_items_.end(), items.begin());
    list_items_.resize(base);
    out = Value::list(items);
    return p + 1;
  }

  const char* object(const char* p, Value& out, std::size_t depth) {
    const std::size_t base = map_entries_.size();
    const char* const start = p - 1;
    p = skip_space(p, end_);
    if (p < end_ && *p == '}') {
      out = Value::map({});
      return p + 1;
    }
    while (true) {
      MapEntry entry;
      p = entry_of(p, entry, depth);
      if (p == nullptr) return nullptr;
      map_entries_.push_back(entry);
      if (*p == '}') break;
      if (*p != ',') return syntax(p, "expected ',' or '}' behind a field");
      p = skip_space(p + 1, end_);
    }
    const auto entries = arena_->array<MapEntry>(map_entries_.size() - base);
    std::copy(map_entries_.begin() + static_cast<std::ptrdiff_t>(base), map_entries_.end(), entries.begin());
    map_entries_.resize(base);
    if (has_duplicate(entries)) return fail("json_duplicate_key", start, "a key occurs twice in the object that begins here");
    out = Value::map(entries);
    return p + 1;
  }

  // One key and value of a nested object and the space behind them; a byte is left to look at.
  const char* entry_of(const char* p, MapEntry& entry, std::size_t depth) {
    if (p >= end_ || *p != '"') return syntax(p, "expected a key");
    p = string(p, entry.key);
    if (p == nullptr) return nullptr;
    p = colon(p);
    if (p == nullptr) return nullptr;
    p = value(p, entry.value, depth + 1);
    if (p == nullptr) return nullptr;
    p = skip_space(p, end_);
    return p < end_ ? p : syntax(p, {});
  }

  bool has_duplicate(std::span<const MapEntry> entries) {
    if (entries.size() <= kFewKeys) {
      for (std::size_t i = 1; i < entries.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
          if (entries[i].key.as_text() == entries[j].key.as_text()) return true;
        }
      }
      return false;
    }
    sorted_keys_.clear();
    for (const MapEntry& entry : entries) sorted_keys_.push_back(entry.key.as_text());
    std::sort(sorted_keys_.begin(), sorted_keys_.end());
    return std::adjacent_find(sorted_keys_.begin(), sorted_keys_.end()) != sorted_keys_.end();
  }

  JsonShapes shapes_;
  std::vector<Value> row_;             // scratch: the fields of the record being read
  std::vector<Value> list_items_;      // scratch: items of the lists that are open
  std::vector<MapEntry> map_entries_;  // scratch: entries of the nested objects that are open
  std::vector<std::string_view> sorted_keys_;
  std::string key_scratch_;
  Arena* arena_ = nullptr;
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
  std::string_view code_, what_;  // of the failure; static texts
  const char* at_ = nullptr;
};

JsonReader::JsonReader(SchemaPool& schemas) : parser_(std::make_unique<Parser>(schemas)) {}
JsonReader::~JsonReader() = default;

Result<JsonRow> JsonReader::read(std::string_view text, Batch& batch, Utf8 utf8) { return parser_->row(text, batch, utf8); }

namespace {

std::string_view copy_with_padding(std::string_view text, Arena& arena) {
  auto* const copy = static_cast<char*>(arena.allocate(text.size() + JsonReader::kPadding, 1));
  if (!text.empty()) std::memcpy(copy, text.data(), text.size());
  std::memset(copy + text.size(), 0, JsonReader::kPadding);
  return {copy, text.size()};
}

}  // namespace

Result<JsonRow> JsonReader::read_copy(std::string_view text, Batch& batch) {
  return parser_->row(copy_with_padding(text, batch.arena()), batch, Utf8::kUnchecked);
}

Result<Value> JsonReader::read_value(std::string_view text, Arena& arena) {
  return parser_->value_only(copy_with_padding(text, arena), arena);
}

}  // namespace sluice
