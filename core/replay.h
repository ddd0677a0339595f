#pragma once
// Dead letters on their way through a pipeline again (G20).
//
// A replayed record is committed under the replay's own partition, with the sequence number of its replay as ordinal, and keeps the name
// that it has in its source's log: meta.id, the sinks' `_id` and its dead letter show that one.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/position.h"

namespace sluice {

struct ReplayedLetter {
  std::uint64_t sequence = 0;  // of its replay: the record's ordinal is {sequence, 0}
  std::int64_t letter = 0;     // id in the store
  Ordinal ordinal;             // in the source's log
  std::int64_t attempts = 0;   // so far
  std::int64_t first_seen = 0;
  std::vector<std::string> sinks = {};  // those that lack the record; empty: all behind the stage
};

// What all records of one batch share: they enter at one place.  Immutable once the batch has it.
struct BatchReplay {
  std::string checkpoint_key;           // "replay/<store>"
  std::vector<ReplayedLetter> letters;  // by sequence
  std::size_t chain_from = 0;           // steps of the sink's own chain that are behind the records already
  bool skip_when = false;               // the sink's `when` held already
  bool allow_stale = false;             // a newer row of the same key may be overwritten

  const ReplayedLetter& of(const Ordinal& ordinal) const {
    return *std::lower_bound(letters.begin(), letters.end(), ordinal.major,
                             [](const ReplayedLetter& letter, std::uint64_t sequence) { return letter.sequence < sequence; });
  }
};

}  // namespace sluice
