#pragma once
// Where the chunks of unfinished snapshots end: a note in the pipeline's folder, durable before the end of a chunk is given out.
//
// One sink may have committed a chunk that another has not when the process dies; it is then read again for the other, and the first
// drops it by its name (G1).  So the chunk must end at the same key again, or the first would miss what lies between: a LIMIT ends
// elsewhere once rows came or went.  The note has the ends of all chunks after the last one that every sink has committed (G13).
//
//   B1  the end of a chunk is in the note before any sink can have committed the chunk;
//   B2  the end of the newest chunk committed in every sink stays, as the proof that the note belongs to the checkpoint.
//
// One thread.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/fault_points.h"
#include "core/result.h"
#include "sources/postgres_cdc/snapshot/snapshot_point.h"

namespace sluice::sources::postgres {

class ChunkBounds {
 public:
  // `path` empty: nothing is kept beyond the process.
  ChunkBounds(std::string path, FaultPoints& faults) : path_(std::move(path)), faults_(faults) {}

  // Before the rest.  A note that cannot be understood counts as none: tables begin anew.
  Status load();
  // Durable when it returns.  Errors of storage/durable_file.h.
  Status put(const std::string& partition, std::uint64_t chunk, const KeyText& end);
  // Of the last chunk that is noted: no sink can have a row behind it.  nullopt: none can have any.
  std::optional<KeyText> newest_end(const std::string& partition) const;
  // Chunk 0: the partition has begun.
  std::optional<KeyText> find(const std::string& partition, std::uint64_t chunk) const;
  bool knows(const std::string& partition) const { return partitions_.contains(partition); }
  // The highest generation of schema.table; 0: none.
  std::uint32_t newest_generation(const std::string& table) const;

  // Every sink has `chunk`: what is before it is not needed (B2).  Durable with the next put().
  void forget_before(const std::string& partition, std::uint64_t chunk);
  void forget(const std::string& partition) { partitions_.erase(partition); }

 private:
  using Ends = std::map<std::uint64_t, KeyText>;  // by chunk
  Status save() const;
  bool parse(std::string_view content);

  const std::string path_;
  FaultPoints& faults_;
  std::map<std::string, Ends> partitions_;
};

}  // namespace sluice::sources::postgres
