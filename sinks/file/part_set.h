#pragma once
// The file sink's parts: the one that each target is being written to, and those that are full and wait for the next commit.
// Keeps at most kMaxOpenFiles descriptors and buffers (the least recently used is written out and closed) and at most kMaxParts parts
// (the least recently used becomes full), so that neither descriptors, memory nor the manifest grow with the number of targets.
// Owned by the sink; its thread only.

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/result.h"
#include "sinks/file/compressor.h"
#include "sinks/file/part_file.h"

namespace sluice::sinks {

class PartSet {
 public:
  static constexpr std::size_t kMaxOpenFiles = 256;  // G22
  static constexpr std::size_t kMaxParts = 8192;     // a manifest of about 1 MB

  explicit PartSet(Compressor* compressor, storage::FaultScope scope) : compressor_(compressor), scope_(scope) {}

  bool contains(std::string_view target) const { return current_.contains(target); }
  // The part in the making for `target`, now the most recently used; null: there is none.  May write out and close others.
  Result<PartFile*> find(std::string_view target);
  // Takes over a part that is not full; its target has none yet.  May write out and close others.
  Result<PartFile*> add(std::unique_ptr<PartFile> part);
  // Takes over a part that is only to be sealed.
  void add_full(std::unique_ptr<PartFile> part);

  // Writes the buffer out.
  Status write_out(PartFile& part);
  // Nothing more is added to `part`; the target's next record begins another one.  Writes out and closes it.
  Status finish(PartFile& part);

  // Every part, the full ones first.  Valid until the set changes.
  std::vector<PartFile*> all() const;
  // Forgets those that are full: the caller has sealed them.
  void drop_full() { full_.clear(); }
  void clear();

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  void touch(PartFile& part);
  Status enforce_limits();

  Compressor* compressor_;
  storage::FaultScope scope_;
  std::unordered_map<std::string, std::unique_ptr<PartFile>, Hash, std::equal_to<>> current_;  // by target
  std::vector<std::unique_ptr<PartFile>> full_;
  std::list<PartFile*> active_;   // parts of current_ that may have a descriptor and a buffer; the most recently used first
  std::list<PartFile*> resting_;  // the others
};

}  // namespace sluice::sinks
