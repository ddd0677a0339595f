#pragma once
// How far the snapshot of a table has come, as names and texts of its checkpoint (G13, G14).
//
//   partition  "snapshot/<schema>.<table>", from the second generation on "snapshot~<generation>/<schema>.<table>"
//   ordinal    (chunk, row), both from 1; (chunk, kEnd) is the end of a chunk, (kEnd, kEnd) that of the table
//   resume     "ss1 <system id> <oid of the table> keys|blocks|done [<length>:<bytes of a key column>]*"
//
// A new generation is a new name, because ordinals never begin again within one (G2); the old name is retired with it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/position.h"

namespace sluice::sources::postgres {

// initial: tables that were not read yet; only: the same, and then the source has finished; always: all of them at every start.
enum class SnapshotMode : std::uint8_t { kInitial, kNever, kOnly, kAlways };
enum class SnapshotMethod : std::uint8_t { kKeys, kBlocks };

// The columns of a key as text, in the order of the key.
using KeyText = std::vector<std::string>;

std::string encode_key(const KeyText& key);
std::optional<KeyText> decode_key(std::string_view text);

struct SnapshotPoint {
  std::string system_id;  // of the server; so that the rows of another one are never taken for a continuation (G2)
  std::uint32_t table = 0;
  enum class State : std::uint8_t { kByKeys, kByBlocks, kFinished };
  State state = State::kByKeys;
  KeyText last;  // by keys: every row up to and with this key has been read

  std::string encode() const;
  static std::optional<SnapshotPoint> decode(std::string_view text);
};

struct SnapshotPartition {
  std::uint32_t generation = 1;
  std::string table;                  // schema.table
  std::optional<Ordinal> moved = {};  // of a single row: the change that moved it; see moved_rows.h

  std::string text() const;
  // nullopt for the partition of a stream.
  static std::optional<SnapshotPartition> parse(std::string_view text);
};

}  // namespace sluice::sources::postgres
