// decode_array of column_codec.h.
#include "sources/postgres_cdc/column_codec.h"

namespace sluice::sources::postgres {

namespace {

// PostgreSQL's MAXDIM.
constexpr int kMaxDimensions = 6;

class ArrayParser {
 public:
  ArrayParser(const ColumnCodec& codec, std::string_view text, Arena& arena) : codec_(codec), rest_(text), arena_(arena) {}

  bool parse(Value& out) {
    if (rest_.empty() || rest_[0] != '[') return list(out, 1) && rest_.empty();
    // "[0:1][2:3]={...}": bounds, which the server writes where one is not 1.
    const std::string_view whole = rest_;
    const std::size_t equals = rest_.find('=');
    if (equals == std::string_view::npos) return false;
    rest_.remove_prefix(equals + 1);
    if (!list(out, 1) || !rest_.empty()) return false;
    out = Value::string_in(arena_, whole);
    return true;
  }

 private:
  bool skip(char wanted) {
    if (rest_.empty() || rest_[0] != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // How many items the list at the front has, at most: one more than the delimiters up to its brace, quotes respected.
  std::size_t count_items() const {
    std::size_t items = 1;
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (quoted) {
        continue;
      } else if (c == '{') {
        ++depth;
      } else if (c == '}' && depth-- == 0) {
        break;
      } else if (c == codec_.delimiter && depth == 0) {
        ++items;
      }
    }
    return items;
  }

  bool list(Value& out, int dimension) {
    if (dimension > kMaxDimensions || !skip('{')) return false;
    if (skip('}')) return out = Value::list({}), true;
    const auto items = arena_.array<Value>(count_items());
    std::size_t used = 0;
    do {
      if (used == items.size() || !item(items[used++], dimension)) return false;
    } while (skip(codec_.delimiter));
    out = Value::list(items.subspan(0, used));
    return skip('}');
  }

  bool item(Value& out, int dimension) {
    if (rest_.empty()) return false;
    if (rest_[0] == '{') return list(out, dimension + 1);
    if (rest_[0] == '"') return quoted(out);
    std::size_t end = 0;
    while (end < rest_.size() && rest_[end] != codec_.delimiter && rest_[end] != '}') ++end;
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (word.empty()) return false;
    if (word == "NULL") return out = Value::null(), true;
    return decode_scalar(codec_.format, word, arena_, out);
  }

  // Backslash escapes the next character, whatever it is.
  bool quoted(Value& out) {
    std::size_t end = 1;
    bool escaped = false;
    for (; end < rest_.size() && rest_[end] != '"'; ++end) {
      if (rest_[end] == '\\') escaped = true, ++end;
    }
    if (end >= rest_.size()) return false;
    std::string_view content = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    if (escaped) content = unescape(content);
    return decode_scalar(codec_.format, content, arena_, out);
  }

  std::string_view unescape(std::string_view content) {
    auto* text = static_cast<char*>(arena_.allocate(content.size(), 1));
    std::size_t length = 0;
    for (std::size_t i = 0; i < content.size(); ++i) {
      if (content[i] == '\\' && i + 1 < content.size()) ++i;
      text[length++] = content[i];
    }
    return {text, length};
  }

  const ColumnCodec& codec_;
  std::string_view rest_;
  Arena& arena_;
};

}  // namespace

bool decode_array(const ColumnCodec& codec, std::string_view text, Arena& arena, Value& out) {
  return ArrayParser(codec, text, arena).parse(out);
}

}  // namespace sluice::sources::postgres
