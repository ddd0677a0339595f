#pragma once
// The key of a message as a JSON object of the record's key columns, {"id":1}, or of the fields that the user named.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/record.h"
#include "core/result.h"
#include "formats/text_buffer.h"

namespace sluice {

// One per encoder; one thread.  Keeps what it found out about each schema; no allocation per record once its buffers have grown.
class MessageKeyWriter {
 public:
  // `paths` as users write them (a, a.b, `odd.name`.c), [] not among them; empty: the source's key.  `prefix` stands before each name.
  explicit MessageKeyWriter(std::vector<std::string> paths, std::string prefix = {});

  // The text, valid until the next call; empty where the record has no key.  kBadRecord key_missing where a named field does not
  // exist, key_unavailable where the log left it out.
  Result<std::string_view> write(const Record& record);

 private:
  struct Part {
    std::string name;                // ,"a.b": with the comma
    std::vector<std::string> steps;  // below the column; only for named fields
    std::uint32_t slot = 0;
    std::size_t path = 0;  // index into paths_
  };
  using Plan = std::vector<Part>;

  const Plan& plan_of(const Schema& schema);
  Plan compile(const Schema& schema) const;
  Result<const Value*> find(const Record& record, const Part& part) const;

  struct Path {
    std::string text;
    std::vector<std::string> steps;
  };
  std::vector<Path> paths_;
  const std::string prefix_;
  std::unordered_map<std::uint64_t, Plan> plans_;  // by schema id
  TextBuffer text_;
};

}  // namespace sluice
