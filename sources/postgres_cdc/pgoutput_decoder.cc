#include "sources/postgres_cdc/pgoutput_decoder.h"

#include "sources/postgres_cdc/wire_reader.h"

namespace sluice::sources::postgres {

namespace {

Error violation(std::string_view bytes) {
  const std::string type = bytes.empty() ? "empty" : std::string("'") + bytes[0] + "'";
  return {ErrorKind::kFatal, "protocol_violation",
          "decode a change from PostgreSQL: malformed pgoutput message of type " + type + ", " + std::to_string(bytes.size()) + " bytes"};
}

// Microseconds since 1970.  Wraps only on garbage; unsigned, so that garbage is defined too.
std::int64_t read_time(WireReader& in) {
  return static_cast<std::int64_t>(in.integer<std::uint64_t>() + static_cast<std::uint64_t>(kServerEpoch));
}

BeginMessage read_begin(WireReader& in) {
  BeginMessage message;
  message.commit_lsn = in.integer<std::uint64_t>();
  message.commit_time = read_time(in);
  message.xid = in.integer<std::uint32_t>();
  return message;
}

CommitMessage read_commit(WireReader& in) {
  in.byte();  // flags, unused
  CommitMessage message;
  message.commit_lsn = in.integer<std::uint64_t>();
  message.end_lsn = in.integer<std::uint64_t>();
  in.integer<std::int64_t>();  // commit time, known from Begin
  return message;
}

RelationMessage read_relation(WireReader& in) {
  RelationMessage message;
  message.id = in.integer<std::uint32_t>();
  message.schema = in.text();
  if (message.schema.empty()) message.schema = "pg_catalog";
  message.table = in.text();
  message.identity = in.byte();
  const std::size_t count = in.integer<std::uint16_t>();
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    RelationMessage::Column column;
    column.in_identity = (in.byte() & 1) != 0;
    column.name = in.text();
    column.type = in.integer<std::uint32_t>();
    column.modifier = in.integer<std::int32_t>();
    message.columns.push_back(std::move(column));
  }
  return message;
}

// False: malformed.
bool read_tuple(WireReader& in, std::vector<TupleColumn>& columns) {
  columns.clear();
  const std::size_t count = in.integer<std::uint16_t>();
  for (std::size_t i = 0; i < count; ++i) {
    switch (in.byte()) {
      case 'n': columns.push_back({TupleColumn::Kind::kNull, {}}); break;
      case 'u': columns.push_back({TupleColumn::Kind::kUnchanged, {}}); break;
      case 't': {
        const std::uint32_t length = in.integer<std::uint32_t>();
        columns.push_back({TupleColumn::Kind::kText, in.bytes(length)});
        break;
      }
      default: return false;  // also 'b', binary, which was not asked for
    }
    if (in.failed()) return false;
  }
  return !in.failed();
}

bool read_row(char type, WireReader& in, RowMessage& row, std::vector<TupleColumn>& old_columns, std::vector<TupleColumn>& new_columns) {
  row = {};
  row.op = static_cast<RowMessage::Op>(type);
  row.relation = in.integer<std::uint32_t>();
  char part = in.byte();
  if (type != 'I' && (part == 'K' || part == 'O')) {
    row.old = static_cast<RowMessage::Old>(part);
    if (!read_tuple(in, old_columns)) return false;
    row.old_columns = old_columns;
    if (type == 'D') return true;
    part = in.byte();
  }
  if (type == 'D' || part != 'N' || !read_tuple(in, new_columns)) return false;
  row.new_columns = new_columns;
  return true;
}

TruncateMessage read_truncate(WireReader& in) {
  TruncateMessage message;
  const std::size_t count = in.integer<std::uint32_t>();
  in.byte();  // cascade, restart identity
  for (std::size_t i = 0; i < count && !in.failed(); ++i) message.relations.push_back(in.integer<std::uint32_t>());
  return message;
}

LogicalMessage read_logical(WireReader& in) {
  LogicalMessage message;
  message.transactional = (in.byte() & 1) != 0;
  message.lsn = in.integer<std::uint64_t>();
  message.prefix = in.text();
  message.content = in.bytes(in.integer<std::uint32_t>());
  return message;
}

OriginMessage read_origin(WireReader& in) {
  in.integer<std::uint64_t>();  // its commit LSN there
  return {in.text()};
}

TypeMessage read_type(WireReader& in) {
  in.integer<std::uint32_t>();
  in.text();
  in.text();
  return {};
}

StreamStartMessage read_stream_start(WireReader& in) {
  StreamStartMessage message;
  message.xid = in.integer<std::uint32_t>();
  message.first = in.byte() == 1;
  return message;
}

StreamCommitMessage read_stream_commit(WireReader& in) {
  StreamCommitMessage message;
  message.begin.xid = in.integer<std::uint32_t>();
  in.byte();  // flags, unused
  message.begin.commit_lsn = message.commit.commit_lsn = in.integer<std::uint64_t>();
  message.commit.end_lsn = in.integer<std::uint64_t>();
  message.begin.commit_time = read_time(in);
  return message;
}

StreamAbortMessage read_stream_abort(WireReader& in) {
  StreamAbortMessage message;
  message.xid = in.integer<std::uint32_t>();
  message.subxid = in.integer<std::uint32_t>();
  if (in.left() != 0) in.bytes(2 * sizeof(std::uint64_t));  // LSN and time of the abort, with streaming 'parallel'
  return message;
}

// Which messages carry an xid inside a block.
bool is_change(char type) { return std::string_view("RYIUDTM").find(type) != std::string_view::npos; }

}  // namespace

std::optional<ChangeHead> change_head(std::string_view bytes) {
  WireReader in(bytes);
  ChangeHead head;
  head.type = in.byte();
  if (is_change(head.type)) head.xid = in.integer<std::uint32_t>();
  if (std::string_view("RIUD").find(head.type) != std::string_view::npos) head.relation = in.integer<std::uint32_t>();
  if (in.failed()) return std::nullopt;
  return head;
}

Result<const PgoutputMessage*> PgoutputDecoder::decode(std::string_view bytes, Framing framing) {
  WireReader in(bytes);
  const char type = in.byte();
  if (framing == Framing::kInBlock && is_change(type)) in.integer<std::uint32_t>();
  switch (type) {
    case 'I':
    case 'U':
    case 'D': {
      RowMessage* row = std::get_if<RowMessage>(&message_);
      if (row == nullptr) row = &message_.emplace<RowMessage>();
      if (!read_row(type, in, *row, old_columns_, new_columns_)) return violation(bytes);
      break;
    }
    case 'B': message_ = read_begin(in); break;
    case 'C': message_ = read_commit(in); break;
    case 'R': message_ = read_relation(in); break;
    case 'T': message_ = read_truncate(in); break;
    case 'Y': message_ = read_type(in); break;
    case 'O': message_ = read_origin(in); break;
    case 'M': message_ = read_logical(in); break;
    case 'S': message_ = read_stream_start(in); break;
    case 'E': message_ = StreamStopMessage{}; break;
    case 'c': message_ = read_stream_commit(in); break;
    case 'A': message_ = read_stream_abort(in); break;
    default: return violation(bytes);
  }
  if (!in.complete()) return violation(bytes);
  return &message_;
}

}  // namespace sluice::sources::postgres
