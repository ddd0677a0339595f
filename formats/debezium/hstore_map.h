#pragma once
// An hstore in the order in which Debezium writes it: that of Java's HashMap.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/value.h"

namespace sluice::debezium {

// Keeps its memory between uses.  One thread.
class HstoreMap {
 public:
  struct Entry {
    std::string key;
    std::optional<std::string> value;
    std::uint32_t bucket = 0;
  };

  // PostgreSQL's text ("a"=>"1", "n"=>NULL) or a map of text; false for anything else.
  bool read(const Value& value);
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  bool parse(std::string_view text);
  void order();

  std::vector<Entry> entries_;
};

// java.lang.String.hashCode() of UTF-8 text.
std::uint32_t java_hash(std::string_view text);
// Where a java.util.HashMap of `entries` entries keeps a key: it is iterated from bucket 0 on, in a bucket in the order of insertion.
std::uint32_t java_bucket(std::string_view key, std::size_t entries);

}  // namespace sluice::debezium
