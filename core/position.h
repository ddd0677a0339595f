#pragma once
// Where a record stands in its source's log, and how far a sink has come.  Values; no threads.
// Rules G1-G4 of GUARANTEES.md.

#include <compare>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <string_view>

namespace sluice {

// Orders the records of one partition.  The same record has the same ordinal after every replay (G1).
struct Ordinal {
  std::uint64_t major = 0;  // PostgreSQL commit LSN, Kafka offset, byte offset of a line
  std::uint64_t minor = 0;  // row within a transaction, from 1; kEnd is its end; 0 where there is none

  static constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();

  auto operator<=>(const Ordinal&) const = default;
};

// Where a source goes on after `done`.
struct Position {
  Ordinal done;
  std::string resume;    // opaque to all but the source that wrote it; equal `done` means equal `resume` (G3)
  bool retired = false;  // forgotten once every lane has committed it (G4)

  bool operator==(const Position&) const = default;
};

// By checkpoint key "<source>/<partition>"; the partition's name holds the identity of the log (G2).
using Checkpoint = std::map<std::string, Position, std::less<>>;

// The smaller of two checkpoints, partition by partition: what both are sure to have.  A partition that one of them lacks is
// at the bottom (G10) and so is absent from the result.
Checkpoint minimum(const Checkpoint& a, const Checkpoint& b);

// Moves `into` forward to every position of `from` that is ahead of it, and takes over `retired`.  Never moves back.
void advance(Checkpoint& into, const Checkpoint& from);

// True when every position of `wanted` is reached or passed by `have`.
bool covers(const Checkpoint& have, const Checkpoint& wanted);

// "<source>/<partition>", the key under which a partition stands in a Checkpoint.
std::string checkpoint_key(std::string_view source, std::string_view partition);

}  // namespace sluice
