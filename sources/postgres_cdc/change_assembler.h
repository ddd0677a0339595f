#pragma once
// From the messages of one replication stream to records: counts rows (G3), keeps the relations of the session, decodes the columns
// of wanted tables and knows which position the stream has reached.  No I/O of its own; one thread.
//
// Rules that the tests cite:
//   A1  the n-th row message of a transaction is (commit LSN, n), wanted or not; a truncate counts once per relation it names, a
//       transactional message once if messages are asked for at all; a message outside of transactions that ends at E is (E-1, 1):
//       no commit record begins there, and everything that committed before it has a smaller position;
//   A2  what is <= position() was appended before and is passed over, so after a reconnect nothing comes twice or is left out;
//   A3  a stream that no longer holds what the position says was read stops as position_lost: it is never guessed;
//   A4  a transaction that was streamed while it ran (streamed_transactions.h) is given out at its commit, as if it came then.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/batch_builder.h"
#include "core/fault_points.h"
#include "core/schema.h"
#include "sources/postgres_cdc/lsn.h"
#include "sources/postgres_cdc/pgoutput_decoder.h"
#include "sources/postgres_cdc/relation_catalog.h"
#include "sources/postgres_cdc/streamed_transactions.h"
#include "sources/postgres_cdc/table_filter.h"

namespace sluice::sources::postgres {

// Slots of Record::meta, in this order; null where a record has no such thing.
enum class MetaSlot : std::uint8_t {
  kLsn,        // int64: of the change; a later change of the same transaction has a larger one
  kXid,        // int64: transaction id, 32 bits, wraps
  kTx,         // string "<xid>:<commit LSN as a number>", unique in the log
  kSnapshot,   // string: place of a row in its snapshot; absent in the stream
  kCommitLsn,  // string "16/B374D848": of the transaction's commit record
  kOrigin,     // string: name of the replication origin, where the transaction came here by replication
  kPrefix,     // string: of a logical message
};
inline constexpr std::array<std::string_view, 7> kMetaNames = {"lsn", "xid", "tx", "snapshot", "commit_lsn", "origin", "prefix"};
inline constexpr std::size_t kMetaSlots = kMetaNames.size();

class ChangeAssembler {
 public:
  // All outlive the assembler.  `database` is the name that schemas carry.
  ChangeAssembler(SchemaPool& schemas, RelationCatalog& catalog, const TableFilter& filter, std::string database, SpoolSettings spool,
                  FaultPoints& faults)
      : schemas_(schemas), catalog_(catalog), filter_(filter), database_(std::move(database)), streams_(std::move(spool), filter, faults) {}

  // A new session begins, streamed from `position.resume`.
  void restart(const StreamPosition& position);

  // Removes what an earlier process has left of streamed transactions.  Before the first session.
  Status remove_leftovers() { return streams_.remove_leftovers(); }

  // A new batch is being filled.
  void begin_batch() {
    if (transaction_) transaction_->labels_made = false;
  }

  // One CopyData message, which need not outlive the call.  Appends at most one record, or one per relation of a truncate.  Not while
  // emitting().  kFatal protocol_violation or position_lost; kTransient from the catalog or the spool: the message must come again
  // in a new session.
  Status consume(std::string_view copy_data, BatchBuilder& out, std::uint16_t partition);

  // A streamed transaction has committed and is given out (A4).
  bool emitting() const { return transaction_ && transaction_->streamed; }
  // Appends its next rows until `out` is full or it is done.  Errors as consume().
  Status emit(BatchBuilder& out, std::uint16_t partition);

  // Bytes kept of transactions that still run, or are given out.
  const SpoolUse& spool_use() const { return streams_.use(); }

  const StreamPosition& position() const { return position_; }

  // Where the server stands while nothing is in flight, if that is further than position(); see move_to_quiet().
  std::optional<Lsn> quiet_lsn() const;
  // The server wants to hear a confirmation (it shuts down); reset by restart() and move_to_quiet().
  bool confirmation_wanted() const { return confirmation_wanted_; }
  // Moves position() to quiet_lsn() (G8).
  void move_to_quiet();

  Lsn server_lsn() const { return server_lsn_; }  // the furthest the server has spoken of, for the lag

 private:
  struct Relation {
    bool wanted = false;
    std::string name;  // schema.table, for messages
    SchemaRef schema;  // null unless wanted
    char identity = 'd';
    std::vector<ColumnCodec> codecs;
    std::vector<bool> in_identity;
    std::size_t columns = 0;          // of the server's rows
    std::vector<std::uint32_t> kept;  // those that are read; empty: all
    std::uint64_t arrival = 0;        // of its message among all of the session (T3)
  };
  using Relations = std::unordered_map<std::uint32_t, Relation>;

  struct Transaction {
    BeginMessage begin;
    std::uint64_t rows = 0;
    std::string origin;
    bool labels_made = false;  // those below live in the batch of the running read()
    Value tx, commit_lsn, origin_name;
    // Of one that was streamed.
    std::unique_ptr<StreamedTransaction> streamed;
    CommitMessage commit;
    Relations relations;  // that it has described (T3)
  };
  // Of one row on its way to a record.
  struct RowContext {
    const RowMessage& row;
    const Relation& relation;
    Ordinal ordinal;
    Lsn lsn;
    std::uint16_t partition;
  };
  // Where records go, and what is known of the message that makes them.
  struct Target {
    BatchBuilder& out;
    std::uint16_t partition;
    Lsn lsn;
    std::string_view raw;
    std::uint64_t arrival;
  };
  struct Dispatch;

  void on_keepalive(std::string_view copy_data);
  Status on_message(const BeginMessage& message, const Target& target);
  Status on_message(const CommitMessage& message, const Target& target);
  Status on_message(const RelationMessage& message, const Target& target);
  Status on_message(const RowMessage& row, const Target& target);
  Status on_message(const TruncateMessage& message, const Target& target);
  Status on_message(const OriginMessage& message, const Target& target);
  Status on_message(const LogicalMessage& message, const Target& target);
  Status on_message(const TypeMessage&, const Target&) { return {}; }
  Status on_message(const StreamStartMessage& message, const Target& target);
  Status on_message(const StreamStopMessage& message, const Target& target);
  Status on_message(const StreamCommitMessage& message, const Target& target);
  Status on_message(const StreamAbortMessage& message, const Target& target);

  Status emit_entry(const SpoolEntry& entry, BatchBuilder& out, std::uint16_t partition);
  Status end_transaction(const CommitMessage& message);
  void publish_relations();
  // The next row's position; nullopt when it was appended before (A2).
  std::optional<Ordinal> count_row();
  void pass(Ordinal ordinal) { position_ = {ordinal, transaction_->begin.commit_lsn}; }
  Result<Relation> make_relation(const RelationMessage& message, std::uint64_t arrival);
  Result<const Relation*> find_relation(std::uint32_t id) const;
  // The row without the columns that are not read; `row` itself when all are.
  RowMessage narrowed(const RowMessage& row, const Relation& relation);
  Status build(const RowContext& context, BatchBuilder& out);
  Record blank(Op op, const Target& target, Ordinal ordinal);
  std::span<Value> meta(Lsn lsn, BatchBuilder& out);

  SchemaPool& schemas_;
  RelationCatalog& catalog_;
  const TableFilter& filter_;
  const std::string database_;
  StreamedTransactions streams_;
  SchemaRef message_schema_;  // of logical messages; made with the first
  PgoutputDecoder decoder_;
  std::vector<TupleColumn> kept_old_, kept_new_;  // memory of narrowed()
  Relations relations_;
  std::uint64_t arrivals_ = 0;  // messages of the session so far
  std::optional<Transaction> transaction_;
  StreamPosition position_;
  Lsn quiet_lsn_ = 0;
  Lsn server_lsn_ = 0;
  bool confirmation_wanted_ = false;
};

}  // namespace sluice::sources::postgres
