#include "sources/postgres_cdc/change_assembler.h"

#include <algorithm>

#include "sources/postgres_cdc/heartbeat.h"
#include "sources/postgres_cdc/relation_shape.h"
#include "sources/postgres_cdc/wire_reader.h"

namespace sluice::sources::postgres {

namespace {

Error violation(const std::string& what) { return {ErrorKind::kFatal, "protocol_violation", "read changes from PostgreSQL: " + what}; }

Error lost(const std::string& what) {
  return {ErrorKind::kFatal, "position_lost",
          "read changes from PostgreSQL: " + what + "; the changes since cannot be told apart (mend: sluice resync PIPELINE)"};
}

// Which columns of an old tuple carry a value: all, or only those of the replica identity (the server sends NULL for the others).
enum class OldTuple : std::uint8_t { kWhole, kIdentityOnly };

// A value that could not be made, for the message.
struct BadColumn {
  std::size_t index = 0;
  std::string_view text;
};

bool decode_columns(std::span<const TupleColumn> columns, const std::vector<ColumnCodec>& codecs, Arena& arena, std::span<Value> out,
                    BadColumn& bad) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    switch (columns[i].kind) {
      case TupleColumn::Kind::kNull: break;  // as the arena made it
      case TupleColumn::Kind::kUnchanged: out[i] = Value::unchanged(); break;
      case TupleColumn::Kind::kText:
        if (!decode_text(codecs[i], columns[i].text, arena, out[i])) {
          bad = {i, columns[i].text};
          return false;
        }
    }
  }
  return true;
}

std::span<const Value> key_of(std::span<const Value> row, const Schema& schema, Arena& arena) {
  const auto key = arena.array<Value>(row.empty() ? 0 : schema.key().size());
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = row[schema.key()[i]];
  return key;
}

Error not_representable(const std::string& relation, const Schema& schema, const BadColumn& bad) {
  const Field& field = schema.fields()[bad.index];
  return {ErrorKind::kBadRecord, "value_not_representable",
          "column \"" + field.name + "\" of " + relation + ": cannot represent the " + field.origin_type + " \"" +
              std::string(bad.text.substr(0, 100)) + "\""};
}

}  // namespace

void ChangeAssembler::restart(const StreamPosition& position) {
  relations_.clear();  // the server describes them again
  catalog_.begin_session();
  arrivals_ = 0;
  transaction_.reset();
  streams_.clear();
  position_ = position;
  quiet_lsn_ = 0;
  confirmation_wanted_ = false;
  server_lsn_ = std::max(server_lsn_, position.resume);
}

std::optional<Lsn> ChangeAssembler::quiet_lsn() const {
  if (quiet_lsn_ == 0 || transaction_ || position_.inside_transaction()) return std::nullopt;
  if (StreamPosition::quiet_at(quiet_lsn_).done <= position_.done) return std::nullopt;
  return quiet_lsn_;
}

void ChangeAssembler::move_to_quiet() {
  if (const std::optional<Lsn> lsn = quiet_lsn()) position_ = StreamPosition::quiet_at(*lsn);
  confirmation_wanted_ = false;
}

// One kind of message to its overload.
struct ChangeAssembler::Dispatch {
  ChangeAssembler& assembler;
  const Target& target;

  template <typename Message>
  Status operator()(const Message& message) const {
    return assembler.on_message(message, target);
  }
};

Status ChangeAssembler::consume(std::string_view copy_data, BatchBuilder& out, std::uint16_t partition) {
  WireReader in(copy_data);
  const char type = in.byte();
  if (type == 'k') return on_keepalive(copy_data), Status();
  if (type != 'w') return violation("a message of unknown type " + std::to_string(static_cast<int>(type)));
  const Lsn lsn = in.integer<Lsn>();
  server_lsn_ = std::max(server_lsn_, in.integer<Lsn>());
  in.integer<std::int64_t>();  // the server's clock
  const std::string_view payload = in.bytes(in.left());
  ++arrivals_;
  const bool ends_block = !payload.empty() && payload[0] == 'E';
  if (streams_.in_block() && !ends_block) return streams_.keep(lsn, arrivals_, payload);
  const PgoutputMessage& message = *SLUICE_TRY(decoder_.decode(payload));
  return std::visit(Dispatch{*this, {out, partition, lsn, payload, arrivals_}}, message);
}

// The server's walEnd is the end of the last record it has decoded: every transaction that committed before it was sent.
void ChangeAssembler::on_keepalive(std::string_view copy_data) {
  WireReader in(copy_data.substr(1));
  const Lsn lsn = in.integer<Lsn>();
  in.integer<std::int64_t>();
  const bool reply = in.byte() != 0;
  if (in.failed()) return;
  server_lsn_ = std::max(server_lsn_, lsn);
  if (transaction_) return;
  quiet_lsn_ = lsn;
  confirmation_wanted_ = confirmation_wanted_ || reply;
}

Status ChangeAssembler::on_message(const BeginMessage& message, const Target&) {
  if (transaction_) return violation("a transaction begins inside another");
  const bool expected = !position_.inside_transaction() || message.commit_lsn <= position_.done.major;
  if (!expected)
    return lost("the transaction that commits at " + lsn_text(position_.done.major) + " was read to row " +
                std::to_string(position_.done.minor) + " and is not sent again");  // A3
  transaction_ = Transaction{};
  transaction_->begin = message;
  quiet_lsn_ = 0;
  return {};
}

Status ChangeAssembler::on_message(const CommitMessage& message, const Target&) {
  if (!transaction_) return violation("a commit without a transaction");
  return end_transaction(message);
}

Status ChangeAssembler::end_transaction(const CommitMessage& message) {
  const Lsn commit = transaction_->begin.commit_lsn;
  if (message.commit_lsn != commit || message.end_lsn <= commit)
    return violation("the commit at " + lsn_text(message.commit_lsn) + " is not that of its transaction");
  if (position_.inside_transaction() && position_.done.major == commit && transaction_->rows < position_.done.minor) {
    return lost("the transaction that commits at " + lsn_text(commit) + " had at least " + std::to_string(position_.done.minor) +
                " rows and now has " + std::to_string(transaction_->rows));  // A3
  }
  const StreamPosition whole{{commit, Ordinal::kEnd}, message.end_lsn};
  if (position_.done < whole.done) position_ = whole;
  transaction_.reset();
  return {};
}

Status ChangeAssembler::on_message(const StreamStartMessage& message, const Target&) {
  if (transaction_) return violation("a block begins inside a transaction");
  return streams_.start(message);
}

Status ChangeAssembler::on_message(const StreamStopMessage&, const Target&) { return streams_.stop(); }

Status ChangeAssembler::on_message(const StreamAbortMessage& message, const Target&) {
  if (transaction_) return violation("a streamed transaction ends inside another");
  streams_.abort(message);
  return {};
}

Status ChangeAssembler::on_message(const StreamCommitMessage& message, const Target& target) {
  if (transaction_) return violation("a streamed transaction ends inside another");
  auto streamed = SLUICE_TRY(streams_.take(message.begin.xid));
  SLUICE_TRY(on_message(message.begin, target));
  transaction_->origin = std::move(streamed->origin);
  transaction_->commit = message.commit;
  transaction_->streamed = std::move(streamed);
  return {};
}

Status ChangeAssembler::emit(BatchBuilder& out, std::uint16_t partition) {
  while (!out.full()) {
    const std::optional<SpoolEntry> entry = SLUICE_TRY(transaction_->streamed->spool.next());
    if (!entry) {
      publish_relations();
      return end_transaction(CommitMessage(transaction_->commit));
    }
    if (!transaction_->streamed->rolled_back.contains(entry->xid)) SLUICE_TRY(emit_entry(*entry, out, partition));  // T1
  }
  return {};
}

Status ChangeAssembler::emit_entry(const SpoolEntry& entry, BatchBuilder& out, std::uint16_t partition) {
  if (entry.message.empty()) {  // a row of a table that is not wanted
    if (const std::optional<Ordinal> ordinal = count_row()) pass(*ordinal);
    return {};
  }
  const PgoutputMessage& message = *SLUICE_TRY(decoder_.decode(entry.message, Framing::kInBlock));
  return std::visit(Dispatch{*this, {out, partition, entry.place, entry.message, entry.place}}, message);
}

// T3: what the transaction knew is known to all, unless something newer came since.
void ChangeAssembler::publish_relations() {
  for (auto& [id, relation] : transaction_->relations) {
    const auto known = relations_.find(id);
    if (known == relations_.end() || known->second.arrival < relation.arrival) relations_.insert_or_assign(id, std::move(relation));
  }
}

Status ChangeAssembler::on_message(const RelationMessage& message, const Target& target) {
  Relations& relations = emitting() ? transaction_->relations : relations_;
  relations.insert_or_assign(message.id, SLUICE_TRY(make_relation(message, target.arrival)));
  return {};
}

Result<ChangeAssembler::Relation> ChangeAssembler::make_relation(const RelationMessage& message, std::uint64_t arrival) {
  Relation relation;
  relation.wanted = filter_.wants(message.schema, message.table);
  relation.name = message.schema + '.' + message.table;
  relation.identity = message.identity;
  relation.columns = message.columns.size();
  relation.arrival = arrival;
  if (!relation.wanted) return relation;
  NarrowedRelation narrow_relation = SLUICE_TRY(narrow(message, filter_.rule_for(message.schema, message.table)));
  const RelationMessage& read = narrow_relation.relation;
  RelationShape shape = make_shape(read, SLUICE_TRY(catalog_.describe(read)), database_, schemas_);
  relation.schema = std::move(shape.schema);
  relation.codecs = std::move(shape.codecs);
  for (const RelationMessage::Column& column : read.columns) relation.in_identity.push_back(column.in_identity);
  relation.kept = std::move(narrow_relation.kept);
  return relation;
}

Result<const ChangeAssembler::Relation*> ChangeAssembler::find_relation(std::uint32_t id) const {
  if (emitting()) {
    const auto own = transaction_->relations.find(id);
    if (own != transaction_->relations.end()) return &own->second;
  }
  const auto found = relations_.find(id);
  if (found == relations_.end()) return violation("a row of relation " + std::to_string(id) + ", which was not described");
  return &found->second;
}

std::optional<Ordinal> ChangeAssembler::count_row() {
  const Ordinal ordinal{transaction_->begin.commit_lsn, ++transaction_->rows};  // A1
  if (ordinal <= position_.done) return std::nullopt;                           // A2
  return ordinal;
}

Status ChangeAssembler::on_message(const RowMessage& row, const Target& target) {
  if (!transaction_) return violation("a row outside of a transaction");
  const std::optional<Ordinal> ordinal = count_row();
  if (!ordinal) return {};
  const Relation& relation = *SLUICE_TRY(find_relation(row.relation));
  if (relation.wanted) {
    const bool fits = (row.old == RowMessage::Old::kNone || row.old_columns.size() == relation.columns) &&
                      (row.op == RowMessage::Op::kDelete || row.new_columns.size() == relation.columns);
    if (!fits) return violation("a row of " + relation.name + " whose columns are not those of the relation");
    const Status built = build({narrowed(row, relation), relation, *ordinal, target.lsn, target.partition}, target.out);
    if (!built) target.out.reject(target.partition, *ordinal, target.raw, built.error());
  }
  pass(*ordinal);
  return {};
}

RowMessage ChangeAssembler::narrowed(const RowMessage& row, const Relation& relation) {
  if (relation.kept.empty()) return row;
  const auto keep = [&](std::span<const TupleColumn> columns, std::vector<TupleColumn>& memory) {
    memory.clear();
    if (!columns.empty())
      for (const std::uint32_t index : relation.kept) memory.push_back(columns[index]);
    return std::span<const TupleColumn>(memory);
  };
  RowMessage kept = row;
  kept.old_columns = keep(row.old_columns, kept_old_);
  kept.new_columns = keep(row.new_columns, kept_new_);
  return kept;
}

Status ChangeAssembler::build(const RowContext& context, BatchBuilder& out) {
  const RowMessage& row = context.row;
  const Relation& relation = context.relation;
  Arena& arena = out.arena();
  BadColumn bad;
  const auto before = arena.array<Value>(row.old_columns.size());
  const auto after = arena.array<Value>(row.new_columns.size());
  if (!decode_columns(row.old_columns, relation.codecs, arena, before, bad) ||
      !decode_columns(row.new_columns, relation.codecs, arena, after, bad)) {
    return not_representable(relation.name, *relation.schema, bad);
  }
  if (row.old == RowMessage::Old::kKey) {
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (!relation.in_identity[i]) before[i] = Value::unchanged();  // G16
    }
  }
  // What an update left out and the old row carries is known: it did not change.
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    if (after[i].is_unchanged()) after[i] = before[i];
  }
  Record record;
  record.op = row.op == RowMessage::Op::kInsert ? Op::kInsert : row.op == RowMessage::Op::kUpdate ? Op::kUpdate : Op::kDelete;
  record.partition = context.partition;
  record.ordinal = context.ordinal;
  record.schema = out.batch().keep(relation.schema);
  record.before = before;
  record.after = after;
  record.key = key_of(record.row(), *relation.schema, arena);
  record.meta = meta(context.lsn, out);
  record.source_time = transaction_->begin.commit_time;
  out.append(record);
  return {};
}

std::span<Value> ChangeAssembler::meta(Lsn lsn, BatchBuilder& out) {
  Arena& arena = out.arena();
  const auto slots = arena.array<Value>(kMetaSlots);
  const auto slot = [&](MetaSlot which) -> Value& { return slots[static_cast<std::size_t>(which)]; };
  slot(MetaSlot::kLsn) = Value::int64(static_cast<std::int64_t>(lsn));
  if (!transaction_) return slots;
  Transaction& transaction = *transaction_;
  if (!transaction.labels_made) {
    const BeginMessage& begin = transaction.begin;
    transaction.tx = Value::string_in(arena, std::to_string(begin.xid) + ':' + std::to_string(begin.commit_lsn));
    transaction.commit_lsn = Value::string_in(arena, lsn_text(begin.commit_lsn));
    transaction.origin_name = transaction.origin.empty() ? Value() : Value::string_in(arena, transaction.origin);
    transaction.labels_made = true;
  }
  slot(MetaSlot::kXid) = Value::int64(transaction.begin.xid);
  slot(MetaSlot::kTx) = transaction.tx;
  slot(MetaSlot::kCommitLsn) = transaction.commit_lsn;
  slot(MetaSlot::kOrigin) = transaction.origin_name;
  return slots;
}

Record ChangeAssembler::blank(Op op, const Target& target, Ordinal ordinal) {
  Record record;
  record.op = op;
  record.partition = target.partition;
  record.ordinal = ordinal;
  record.source_time = transaction_ ? transaction_->begin.commit_time : 0;
  return record;
}

Status ChangeAssembler::on_message(const TruncateMessage& message, const Target& target) {
  if (!transaction_) return violation("a truncate outside of a transaction");
  for (const std::uint32_t id : message.relations) {
    const std::optional<Ordinal> ordinal = count_row();
    if (!ordinal) continue;
    const Relation& relation = *SLUICE_TRY(find_relation(id));
    if (relation.wanted) {
      Record record = blank(Op::kTruncate, target, *ordinal);
      record.schema = target.out.batch().keep(relation.schema);
      record.meta = meta(target.lsn, target.out);
      target.out.append(record);
    }
    pass(*ordinal);
  }
  return {};
}

Status ChangeAssembler::on_message(const OriginMessage& message, const Target&) {
  if (!transaction_) return violation("an origin outside of a transaction");
  transaction_->origin = message.name;
  return {};
}

// The server sends these only when it was asked for them, and then it streams no running transactions (decision 0035).
Status ChangeAssembler::on_message(const LogicalMessage& message, const Target& target) {
  if (message.transactional != transaction_.has_value() || emitting() || message.lsn == 0)
    return violation("a logical message out of its place");
  const Ordinal ordinal = transaction_ ? Ordinal{transaction_->begin.commit_lsn, ++transaction_->rows} : Ordinal{message.lsn - 1, 1};  // A1
  if (ordinal <= position_.done) return {};                                                                                            // A2
  if (!transaction_ && position_.inside_transaction())
    return lost("the transaction that commits at " + lsn_text(position_.done.major) + " is not sent again");  // A3
  if (!transaction_ && message.prefix == kHeartbeatPrefix) {
    position_ = StreamPosition::quiet_at(message.lsn);
    return {};
  }
  if (!message_schema_) message_schema_ = schemas_.intern({database_, "", "", {{"content", Value::Type::kBytes, false, "bytea"}}, {}});
  Arena& arena = target.out.arena();
  Record record = blank(Op::kMessage, target, ordinal);
  record.schema = target.out.batch().keep(message_schema_);
  const auto after = arena.array<Value>(1);
  after[0] = Value::text_in(arena, Value::Type::kBytes, message.content);
  record.after = after;
  const auto slots = meta(target.lsn, target.out);
  slots[static_cast<std::size_t>(MetaSlot::kPrefix)] = Value::string_in(arena, message.prefix);
  record.meta = slots;
  target.out.append(record);
  if (transaction_) {
    pass(ordinal);
  } else {
    position_ = StreamPosition::quiet_at(message.lsn);
  }
  return {};
}

}  // namespace sluice::sources::postgres
