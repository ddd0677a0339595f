#pragma once
// The messages of pgoutput, protocol versions 1 to 4 (PostgreSQL documentation, "Logical Replication Message Formats").
//
//   stream      = { transaction | block | outcome | Message }*         two-phase commit is not asked for
//   transaction = Begin [Origin] { change }* Commit
//   block       = StreamStart [Origin] { xid change }* StreamStop      from version 2 on: a part of a transaction that still runs
//   outcome     = StreamCommit | StreamAbort                           of one whose parts were sent; an abort also of a subtransaction
//   change      = Relation | Type | Insert | Update | Delete | Truncate | Message
//
// A row message refers to the newest Relation message with its id; a session sends that before the first row of the relation
// and again after every change of it.  Inside a block each change carries behind its type the id of the (sub)transaction it is of.

#include <cstdint>
#include <optional>
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

// Xids here are those of whole transactions, unless it says otherwise.
struct StreamStartMessage {
  std::uint32_t xid = 0;
  bool first = false;  // the transaction's first block
};

struct StreamStopMessage {};

struct StreamCommitMessage {
  BeginMessage begin;
  CommitMessage commit;
};

struct StreamAbortMessage {
  std::uint32_t xid = 0;
  std::uint32_t subxid = 0;  // of the subtransaction that was rolled back; `xid` when all of it was
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

// What pg_logical_emit_message() wrote.  The views live as long as the message.
struct LogicalMessage {
  bool transactional = false;
  Lsn lsn = 0;  // just behind the message's record
  std::string_view prefix, content;
};

// Where a transaction was first made, if it came here by replication itself.
struct OriginMessage {
  std::string_view name;  // lives as long as the message
};

// Type messages say nothing that the catalog does not: checked and passed over.
struct TypeMessage {};

using PgoutputMessage = std::variant<TypeMessage, BeginMessage, CommitMessage, RowMessage, RelationMessage, TruncateMessage, OriginMessage,
                                     LogicalMessage, StreamStartMessage, StreamStopMessage, StreamCommitMessage, StreamAbortMessage>;

// Whether a message stood between StreamStart and StreamStop.
enum class Framing : std::uint8_t { kPlain, kInBlock };

// What stands at the start of a message inside a block, unchecked beyond its own bytes.
struct ChangeHead {
  char type = 0;
  std::uint32_t xid = 0;       // of the (sub)transaction; 0 for an Origin, which has none
  std::uint32_t relation = 0;  // of a row and of a Relation message; else 0
};
std::optional<ChangeHead> change_head(std::string_view bytes);

// One per stream and thread.  Keeps no state between messages but the memory of its row columns.
class PgoutputDecoder {
 public:
  // `bytes`: one message without its replication header; its xid, if it stood in a block, is passed over (change_head()).  The answer lives
  // until the next call.  kFatal protocol_violation for anything that is not exactly one well-formed message; no length in it is believed.
  Result<const PgoutputMessage*> decode(std::string_view bytes, Framing framing = Framing::kPlain);

 private:
  std::vector<TupleColumn> old_columns_, new_columns_;
  PgoutputMessage message_;
};

}  // namespace sluice::sources::postgres
