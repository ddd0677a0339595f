#pragma once
// The shapes of the JSON objects met so far, as a tree: each node is one more key.  Records of one shape walk the same path, and
// each node remembers which child was taken last, so that the next record's key is recognised by comparing its bytes.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/schema.h"
#include "formats/text_scan.h"

namespace sluice {

// A sequence of keys.  Owned by JsonShapes.
struct JsonShape {
  std::uint64_t words[2] = {0, 0};  // the key with its quotes, where it fits and needs no escape
  std::uint64_t masks[2] = {0, 0};
  std::uint32_t quoted_size = 0;   // 0: the key can be spelled in several ways, compare it decoded
  std::uint32_t fields = 0;        // on the path from the root
  JsonShape* predicted = nullptr;  // the child taken last
  JsonShape* parent = nullptr;
  SchemaRef schema;      // of objects that end here; made on first use
  std::size_t hash = 0;  // of key
  std::string key;
  std::string quoted;
  std::vector<JsonShape*> children;
  std::unordered_map<std::string_view, JsonShape*> index;  // of children, once they are many

  // True when the text at `p` is this key with its quotes.  16 bytes at `p` must be readable.
  bool matches(const char* p, const char* end) const {
    if (quoted_size == 0 || static_cast<std::size_t>(end - p) < quoted_size) return false;
    if (quoted_size > 16) return std::memcmp(p, quoted.data(), quoted_size) == 0;
    return (((load_word(p) ^ words[0]) & masks[0]) | ((load_word(p + 8) ^ words[1]) & masks[1])) == 0;
  }
};

// Bounded: forgets everything when it has grown too large, which costs time but changes no result.  One thread.
class JsonShapes {
 public:
  static constexpr std::size_t kMaxShapes = 16384;
  static constexpr std::size_t kMaxKeyBytes = 4 * 1024 * 1024;

  explicit JsonShapes(SchemaPool& pool) : pool_(pool) { clear(); }

  // Where a record begins.  Call before each record: the tree is trimmed only here.
  JsonShape* begin() {
    if (nodes_.size() > kMaxShapes || key_bytes_ > kMaxKeyBytes) clear();
    return &nodes_.front();
  }

  // The shape of `from` with `key` behind it; nullptr if `from` has that key already.
  JsonShape* extend(JsonShape* from, std::string_view key);

  // The schema of objects that end at `shape`.
  const SchemaRef& schema(JsonShape* shape) {
    if (!shape->schema) shape->schema = make_schema(shape);
    return shape->schema;
  }

 private:
  void clear();
  JsonShape* add(JsonShape* from, std::string_view key, std::size_t hash);
  SchemaRef make_schema(const JsonShape* shape);

  SchemaPool& pool_;
  std::deque<JsonShape> nodes_;  // addresses stay; the root is first
  std::size_t key_bytes_ = 0;
};

}  // namespace sluice
