#pragma once
// The messages of pgoutput, protocol version 1 (PostgreSQL documentation, "Logical Replication Message Formats").
//
//   transaction = Begin { Relation | Type | Origin | Insert | Update | Delete | Truncate }* Commit
//
// A row message refers to the newest Relation message with its id; a session sends that before the first row of the relation
// and again after every change of it.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/result.h"
#include "sources/postgres_cdc/lsn.h"

namespace sluice::sources::postgres {

struct BeginMessage {
  Lsn commit_lsn = 0;            // of the transaction's commit record
  std::int64_t commit_time = 0;  // microseconds since 1970 UTC
  std::uint32_t xid = 0;
};

struct CommitMessage {
  Lsn commit_lsn = 0;
  Lsn end_lsn = 0;  // just behind the commit record
};

struct RelationMessage {
  struct Column {
    bool in_identity = false;  // part of the replica identity
    std::string name;
    std::uint32_t type = 0;  // oid
    std::int32_t modifier = -1;
    bool operator==(const Column&) const = default;
  };
  std::uint32_t id = 0;  // oid
  std::string schema, table;
  char identity = 'd';  // pg_class.relreplident: d default, i index, f full, n nothing
  std::vector<Column> columns;
  bool operator==(const RelationMessage&) const = default;
};

struct TupleColumn {
  enum class Kind : char { kNull = 'n', kUnchanged = 'u', kText = 't' };
  Kind kind = Kind::kNull;
  std::string_view text;
};

// Insert, update or delete.  The spans live until the decoder's next call, their text as long as the message.
struct RowMessage {
  enum class Op : char { kInsert = 'I', kUpdate = 'U', kDelete = 'D' };
  enum class Old : char { kNone = 0, kKey = 'K', kWhole = 'O' };
  Op op = Op::kInsert;
  std::uint32_t relation = 0;
  Old old = Old::kNone;
  std::span<const TupleColumn> old_columns;
  std::span<const TupleColumn> new_columns;  // empty for a delete
};

struct TruncateMessage {
  std::vector<std::uint32_t> relations;
};

// Type, Origin and logical messages: checked and passed over.
struct IgnoredMessage {
  char type = 0;
};

using PgoutputMessage = std::variant<IgnoredMessage, BeginMessage, CommitMessage, RowMessage, RelationMessage, TruncateMessage>;

// One per stream and thread.  Keeps no state between messages but the memory of its row columns.
class PgoutputDecoder {
 public:
  // `bytes`: one message without its replication header.  The answer lives until the next call.  kFatal protocol_violation for
  // anything that is not exactly one well-formed message; no length in it is believed.
  Result<const PgoutputMessage*> decode(std::string_view bytes);

 private:
  std::vector<TupleColumn> old_columns_, new_columns_;
  PgoutputMessage message_;
};

}  // namespace sluice::sources::postgres
