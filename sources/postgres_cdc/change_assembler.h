#pragma once
// From the messages of one replication stream to records: counts rows (G3), keeps the relations of the session, decodes the columns
// of wanted tables and knows which position the stream has reached.  No I/O of its own; one thread.
//
// Rules that the tests cite:
//   A1  the n-th row message of a transaction is (commit LSN, n), wanted or not; a truncate counts once per relation it names;
//   A2  what is <= position() was appended before and is passed over, so after a reconnect nothing comes twice or is left out;
//   A3  a stream that no longer holds what the position says was read stops as position_lost: it is never guessed.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/batch_builder.h"
#include "core/schema.h"
#include "sources/postgres_cdc/lsn.h"
#include "sources/postgres_cdc/pgoutput_decoder.h"
#include "sources/postgres_cdc/relation_catalog.h"
#include "sources/postgres_cdc/table_filter.h"

namespace sluice::sources::postgres {

// Slots of Record::meta, in this order; see register_postgres_cdc_source.
//   lsn  int64   of the change, as a number: a later change of the same transaction has a larger one
//   xid  int64   transaction id, 32 bits, wraps
//   tx   string  "<xid>:<commit LSN as a number>", unique in the log
inline constexpr std::size_t kMetaSlots = 3;

class ChangeAssembler {
 public:
  // All outlive the assembler.  `database` is the name that schemas carry.
  ChangeAssembler(SchemaPool& schemas, RelationCatalog& catalog, const TableFilter& filter, std::string database)
      : schemas_(schemas), catalog_(catalog), filter_(filter), database_(std::move(database)) {}

  // A new session begins, streamed from `position.resume`.
  void restart(const StreamPosition& position);

  // A new batch is being filled.
  void begin_batch() {
    if (transaction_) transaction_->tx_made = false;
  }

  // One CopyData message, which need not outlive the call.  Appends at most one record, or one per relation of a truncate.
  // kFatal protocol_violation or position_lost; kTransient from the catalog: the message must come again in a new session.
  Status consume(std::string_view copy_data, BatchBuilder& out, std::uint16_t partition);

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
    std::size_t columns = 0;
  };
  struct Transaction {
    BeginMessage begin;
    std::uint64_t rows = 0;
    bool tx_made = false;  // `tx` lives in the batch of the running read()
    Value tx;
  };
  // Of one row on its way to a record.
  struct RowContext {
    const RowMessage& row;
    const Relation& relation;
    Ordinal ordinal;
    Lsn lsn;
    std::uint16_t partition;
  };

  void on_keepalive(std::string_view copy_data);
  Status on_begin(const BeginMessage& message);
  Status on_commit(const CommitMessage& message);
  Status on_relation(const RelationMessage& message);
  Status on_row(const RowMessage& row, Lsn lsn, std::string_view raw, BatchBuilder& out, std::uint16_t partition);
  Status on_truncate(const TruncateMessage& message, Lsn lsn, BatchBuilder& out, std::uint16_t partition);
  Result<const Relation*> find_relation(std::uint32_t id);
  Status build(const RowContext& context, BatchBuilder& out);
  std::span<const Value> meta(Lsn lsn, BatchBuilder& out);

  SchemaPool& schemas_;
  RelationCatalog& catalog_;
  const TableFilter& filter_;
  const std::string database_;
  PgoutputDecoder decoder_;
  std::unordered_map<std::uint32_t, Relation> relations_;
  std::optional<Transaction> transaction_;
  StreamPosition position_;
  Lsn quiet_lsn_ = 0;
  Lsn server_lsn_ = 0;
  bool confirmation_wanted_ = false;
};

}  // namespace sluice::sources::postgres
