// Transactions that the server sends while they still run: streamed_transactions.h, T1-T4, and G3.

#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../support/temporary_directory.h"
#include "sources/postgres_cdc/change_assembler.h"
#include "sources/postgres_cdc/stream_options.h"
#include "tests/sources/pgoutput_messages.h"

namespace sluice::sources::postgres {
namespace {

using namespace test;

class BuiltinCatalog final : public RelationCatalog {
 public:
  Result<RelationTypes> describe(const RelationMessage& relation) override {
    RelationTypes types;
    for (const auto& column : relation.columns) types.columns.push_back({{"", "", {}, builtin_codec(column.type).value_or(ColumnCodec{})}});
    types.key = key_columns(relation, {}, nullptr).value();
    asked.push_back(relation.table);
    return types;
  }
  std::vector<std::string> asked;
};

// Fails the n-th write of a spool file with an errno.
class WriteFaults final : public FaultPoints {
 public:
  int failure(std::string_view who, std::string_view step) override {
    return who == "postgres_spool" && step == "write" && --writes_left < 0 ? ENOSPC : 0;
  }
  int writes_left = 1'000'000;
};

std::size_t files_in(const std::string& folder) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(folder, error);
  return error ? 0 : static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

struct Row {
  Ordinal ordinal;
  std::string id;
  std::string tx;
  bool operator==(const Row&) const = default;
};

// An assembler that is fed messages and gives out what the batches of a shard would hold.
struct Stream {
  testing::TemporaryDirectory folder;
  SchemaPool schemas;
  BuiltinCatalog catalog;
  TableFilter filter{{{"public", "orders"}, {"public", "other"}}, {}};
  WriteFaults faults;
  SpoolSettings settings;
  std::unique_ptr<ChangeAssembler> assembler;
  std::shared_ptr<const BatchOrigin> batch_origin = std::make_shared<BatchOrigin>(BatchOrigin{"pg", nullptr});
  std::vector<Row> rows;
  std::vector<std::size_t> columns;
  std::vector<StreamPosition> positions;  // after each batch

  explicit Stream(const SpoolSettings& limits = {}, const StreamPosition& from = StreamPosition::quiet_at(0x80)) : settings(limits) {
    settings.folder = folder / "spool";
    assembler = std::make_unique<ChangeAssembler>(schemas, catalog, filter, "shop", settings, faults);
    assembler->restart(from);
  }

  Status feed(const std::string& message, std::uint64_t lsn = 0x90) {
    BatchBuilder out(std::make_shared<Batch>(batch_origin, 0), {3, 1024 * 1024, std::chrono::milliseconds(0)});
    assembler->begin_batch();
    Status fed = assembler->consume(xlog_data(lsn, message), out, 0);
    take(out);
    while (fed && assembler->emitting()) {
      BatchBuilder next(std::make_shared<Batch>(batch_origin, 0), {3, 1024 * 1024, std::chrono::milliseconds(0)});
      assembler->begin_batch();
      fed = assembler->emit(next, 0);
      take(next);
    }
    return fed;
  }
  void must(const std::string& message) {
    const Status fed = feed(message);
    INFO((fed ? "" : fed.error().message()));
    REQUIRE(fed);
  }
  void must(const std::vector<std::string>& messages) {
    for (const std::string& message : messages) must(message);
  }
  void refused(const std::string& message, std::string_view code) {
    const Status fed = feed(message);
    REQUIRE_FALSE(fed);
    INFO(fed.error().message());
    CHECK(fed.error().code() == code);
  }
  void take(BatchBuilder& out) {
    CHECK(out.batch().size() <= 3);
    for (const Record& record : out.batch().records()) {
      const Value none;
      const Value& id = record.row().empty() ? none : record.row()[0];
      rows.push_back({record.ordinal, id.is_null() ? "" : std::to_string(id.as_int64()), std::string(record.meta[2].as_text())});
      columns.push_back(record.schema->size());
    }
    if (!out.empty()) positions.push_back(assembler->position());
  }
  std::string ids() const {
    std::string all;
    for (const Row& row : rows) all += (all.empty() ? "" : " ") + row.id;
    return all;
  }
};

std::string orders() { return relation(5, "public", "orders", {{"id", 23, true}, {"note", 25}}); }
std::string row(int id, const std::string& note = "n") { return insert(5, {text(std::to_string(id)), text(note)}); }

// A block of `xid` with changes of the (sub)transactions named.
std::vector<std::string> block(std::uint32_t xid, bool first, const std::vector<std::pair<std::uint32_t, std::string>>& changes) {
  std::vector<std::string> messages{stream_start(xid, first)};
  for (const auto& [owner, change] : changes) messages.push_back(in_block(owner, change));
  messages.push_back(stream_stop());
  return messages;
}

TEST_CASE("G3: a streamed transaction has the ordinals it would have had after its commit") {
  Stream streamed;
  streamed.must(block(7, true, {{7, orders()}, {7, row(1)}, {7, row(2)}}));
  CHECK(streamed.rows.empty());
  CHECK(streamed.assembler->position() == StreamPosition::quiet_at(0x80));
  streamed.must(block(7, false, {{7, row(3)}, {7, truncate({5})}, {7, row(4)}}));
  streamed.must(stream_commit(7, 0x100, 0x130));
  Stream whole;
  whole.must({begin(0x100, 7), orders(), row(1), row(2), row(3), truncate({5}), row(4), commit(0x100, 0x130)});
  CHECK(streamed.ids() == "1 2 3  4");
  CHECK(streamed.rows == whole.rows);
  CHECK(streamed.assembler->position() == whole.assembler->position());
  CHECK(streamed.positions[0] == StreamPosition{{0x100, 3}, 0x100});  // a batch may end inside it
}

TEST_CASE("T1: interleaved transactions come out in the order of their commits") {
  Stream s;
  s.must(block(7, true, {{7, orders()}, {7, row(1)}}));
  s.must(block(8, true, {{8, orders()}, {8, row(10)}}));
  s.must({begin(0x100, 9), orders(), row(20), commit(0x100, 0x110)});
  s.must(block(7, false, {{7, row(2)}}));
  s.must(block(8, false, {{8, row(11)}}));
  s.must(stream_commit(8, 0x200, 0x210));
  s.must({begin(0x300, 9), row(21), commit(0x300, 0x310)});
  s.must(block(7, false, {{7, row(3)}}));
  s.must(stream_commit(7, 0x400, 0x410));
  CHECK(s.ids() == "20 10 11 21 1 2 3");
  CHECK(s.rows.back() == Row{{0x400, 3}, "3", "7:1024"});
  CHECK(s.assembler->spool_use().memory == 0);
}

TEST_CASE("T1: what a subtransaction did goes when it is rolled back, and only that") {
  Stream s;
  s.must(block(7, true, {{7, orders()}, {7, row(1)}, {71, row(2)}, {72, row(3)}, {7, row(4)}}));
  s.must(stream_abort(7, 71));
  s.must(block(7, false, {{73, row(5)}, {74, row(6)}, {72, row(7)}}));
  s.must(stream_abort(7, 74));  // a nested one: the server names each of them
  s.must(stream_abort(7, 73));
  s.must(stream_commit(7, 0x100, 0x130));
  CHECK(s.ids() == "1 3 4 7");
  CHECK(s.rows.back().ordinal == Ordinal{0x100, 4});  // T2: nothing of it counts
}

TEST_CASE("T1: a transaction that is rolled back as a whole leaves nothing") {
  Stream s;
  s.must(block(7, true, {{7, orders()}, {7, row(1)}}));
  s.must(stream_abort(7, 71));
  s.must(stream_abort(7, 7));
  CHECK(s.assembler->spool_use().memory == 0);
  s.must(stream_abort(7, 72));  // of a transaction that is gone
  s.must({begin(0x100, 9), orders(), row(20), commit(0x100, 0x110)});
  CHECK(s.ids() == "20");
  s.refused(stream_commit(7, 0x200, 0x210), "protocol_violation");
}

TEST_CASE("an xid may come again after its transaction has ended") {
  Stream s;
  s.must(block(7, true, {{7, orders()}, {7, row(1)}}));
  s.must(stream_commit(7, 0x100, 0x130));
  s.must(block(7, true, {{7, orders()}, {7, row(2)}}));
  s.must(stream_commit(7, 0x200, 0x230));
  CHECK(s.ids() == "1 2");
}

TEST_CASE("T3: a relation inside a stream is its transaction's own until the commit") {
  const std::string wide = relation(5, "public", "orders", {{"id", 23, true}, {"note", 25}, {"more", 20}});
  const std::string wide_row = insert(5, {text("1"), text("n"), text("3")});
  Stream s;
  s.must({begin(0x100, 6), orders(), row(10), commit(0x100, 0x110)});
  s.must(block(7, true, {{7, row(1)}, {7, wide}, {7, wide_row}}));
  s.must({begin(0x200, 8), row(11), commit(0x200, 0x210)});  // still the narrow one
  s.must(stream_commit(7, 0x300, 0x310));
  s.must({begin(0x400, 9), wide_row, commit(0x400, 0x410)});  // now known to all
  CHECK(s.columns == std::vector<std::size_t>{2, 2, 2, 3, 3});
}

TEST_CASE("T3: a relation of a stream does not replace one that came later") {
  const std::string wide = relation(5, "public", "orders", {{"id", 23, true}, {"note", 25}, {"more", 20}});
  Stream s;
  s.must(block(7, true, {{7, wide}, {7, insert(5, {text("1"), text("n"), text("3")})}}));
  s.must({begin(0x200, 8), orders(), row(11), commit(0x200, 0x210)});  // the publication lost a column meanwhile
  s.must(stream_commit(7, 0x300, 0x310));
  s.must({begin(0x400, 9), row(12), commit(0x400, 0x410)});
  CHECK(s.columns == std::vector<std::size_t>{2, 3, 2});
}

TEST_CASE("T3: a relation of a subtransaction that is rolled back goes with it") {
  Stream s;
  s.must({begin(0x100, 6), orders(), row(10), commit(0x100, 0x110)});
  s.must(block(7, true, {{71, relation(5, "public", "orders", {{"id", 23, true}})}, {71, insert(5, {text("1")})}}));
  s.must(stream_abort(7, 71));
  s.must(block(7, false, {{7, row(2)}}));  // (the server would describe it again)
  s.must(stream_commit(7, 0x200, 0x210));
  CHECK(s.ids() == "10 2");
  CHECK(s.catalog.asked == std::vector<std::string>{"orders"});
}

TEST_CASE("rows of tables that are not wanted count and are not kept") {
  const std::string unwanted = relation(6, "public", "unwanted", {{"id", 23, true}, {"note", 25}});
  const std::string large(100'000, 'x');
  Stream s;
  s.must(block(7, true, {{7, unwanted}, {7, orders()}, {7, insert(6, {text("1"), text(large)})}, {7, row(1)}}));
  CHECK(s.assembler->spool_use().memory < large.size());
  s.must(stream_commit(7, 0x100, 0x130));
  CHECK(s.rows == std::vector<Row>{{{0x100, 2}, "1", "7:256"}});
}

TEST_CASE("G3: after a restart inside a streamed transaction no row comes twice, whichever way it is sent again") {
  const std::vector<std::string> changes{row(1), row(2), row(3), row(4)};
  {
    Stream s({}, {{0x100, 2}, 0x100});
    s.must(block(7, true, {{7, orders()}, {7, row(1)}, {71, row(99)}, {7, row(2)}, {7, row(3)}, {7, row(4)}}));
    s.must(stream_abort(7, 71));
    s.must(stream_commit(7, 0x100, 0x130));
    CHECK(s.ids() == "3 4");
    CHECK(s.rows[0].ordinal == Ordinal{0x100, 3});
  }
  Stream s({}, {{0x100, 2}, 0x100});
  s.must({begin(0x100, 7), orders(), row(1), row(2), row(3), row(4), commit(0x100, 0x130)});
  CHECK(s.ids() == "3 4");
}

TEST_CASE("G11: a streamed transaction that is not sent again, or has lost rows, is a lost position") {
  {
    Stream s({}, {{0x100, 2}, 0x100});
    s.must(block(7, true, {{7, orders()}, {7, row(1)}}));
    s.refused(stream_commit(7, 0x200, 0x230), "position_lost");
  }
  Stream s({}, {{0x100, 2}, 0x100});
  s.must(block(7, true, {{7, orders()}, {7, row(1)}}));
  s.refused(stream_commit(7, 0x100, 0x130), "position_lost");
}

TEST_CASE("a transaction that is done already is passed over") {
  Stream s({}, {{0x100, Ordinal::kEnd}, 0x130});
  s.must(block(7, true, {{7, orders()}, {7, row(1)}}));
  s.must(stream_commit(7, 0x100, 0x130));
  CHECK(s.rows.empty());
  CHECK(s.assembler->position() == StreamPosition{{0x100, Ordinal::kEnd}, 0x130});
}

TEST_CASE("G8: between the blocks of a running transaction the position moves") {
  Stream s;
  BatchBuilder out(std::make_shared<Batch>(s.batch_origin, 0), {});
  s.must(stream_start(7, true));
  REQUIRE(s.assembler->consume(keepalive(0x90), out, 0));
  s.must({in_block(7, orders()), in_block(7, row(1)), stream_stop()});
  REQUIRE(s.assembler->consume(keepalive(0x100), out, 0));
  REQUIRE(s.assembler->quiet_lsn() == 0x100);
  s.assembler->move_to_quiet();
  s.must(stream_commit(7, 0x100, 0x130));  // all of it is sent again to whoever starts at 0x100
  CHECK(s.ids() == "1");
}

TEST_CASE("T4: what does not fit into memory goes to files and comes back as it was") {
  SpoolSettings small;
  small.memory_bytes = 64 * 1024;
  Stream s(small);
  std::map<std::uint32_t, std::vector<std::pair<std::uint32_t, std::string>>> waiting;
  std::string expected;
  constexpr int kRows = 600;
  for (std::uint32_t xid = 1; xid <= 3; ++xid) s.must(block(xid, true, {{xid, orders()}}));
  for (int i = 0; i < kRows; ++i) {
    const std::uint32_t xid = 1 + static_cast<std::uint32_t>(i) % 3;
    // A few far larger than the window that files are read through.
    const std::string note(i % 200 == 7 ? 700'000 : static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
    s.must(block(xid, false, {{xid, row(i, note)}, {xid + 100, row(-i, note)}}));
    CHECK(s.assembler->spool_use().memory <= small.memory_bytes + 2'000'000);
  }
  CHECK(s.assembler->spool_use().disk > 1'000'000);
  CHECK(files_in(s.settings.folder) == 3);
  for (std::uint32_t xid = 1; xid <= 3; ++xid) {
    s.must(stream_abort(xid, xid + 100));
    s.must(stream_commit(xid, 0x100 * xid, 0x100 * xid + 0x10));
    for (int i = static_cast<int>(xid) - 1; i < kRows; i += 3) expected += (expected.empty() ? "" : " ") + std::to_string(i);
  }
  CHECK(s.ids() == expected);
  CHECK(files_in(s.settings.folder) == 0);
  CHECK(s.assembler->spool_use().disk == 0);
  CHECK(s.assembler->spool_use().memory == 0);
}

TEST_CASE("T4: a new session forgets what was kept, a new process removes the files") {
  SpoolSettings small;
  small.memory_bytes = 16 * 1024;
  Stream s(small);
  s.must(block(7, true, {{7, orders()}, {7, row(1, std::string(100'000, 'x'))}}));
  CHECK(files_in(s.settings.folder) == 1);
  s.assembler->restart(StreamPosition::quiet_at(0x80));
  CHECK(files_in(s.settings.folder) == 0);
  s.must(block(7, true, {{7, orders()}, {7, row(1, std::string(100'000, 'x'))}}));
  s.must(stream_commit(7, 0x100, 0x130));
  CHECK(s.ids() == "1");

  std::filesystem::create_directories(s.settings.folder + "/inner");
  REQUIRE(s.assembler->remove_leftovers());
  CHECK_FALSE(std::filesystem::exists(s.settings.folder));
  REQUIRE(s.assembler->remove_leftovers());
}

TEST_CASE("T4: at the limit, and on a full disk, the error says which and the log is asked for again") {
  SpoolSettings small;
  small.memory_bytes = 16 * 1024;
  small.disk_bytes = 50'000;
  Stream s(small);
  s.must({stream_start(7, true), in_block(7, orders())});
  const Status fed = s.feed(in_block(7, row(1, std::string(100'000, 'x'))));
  REQUIRE_FALSE(fed);
  CHECK(fed.error().kind() == ErrorKind::kTransient);
  CHECK(fed.error().code() == "spill_limit_reached");
  CHECK(s.assembler->position() == StreamPosition::quiet_at(0x80));

  small.disk_bytes = 10'000'000;
  Stream full(small);
  full.faults.writes_left = 2;
  full.must({stream_start(7, true), in_block(7, orders()), in_block(7, row(1, std::string(100'000, 'x')))});
  const Status refused = full.feed(in_block(7, row(2, std::string(100'000, 'x'))));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind() == ErrorKind::kTransient);
  CHECK(refused.error().code() == "disk_full");
  full.assembler->restart(StreamPosition::quiet_at(0x80));
  CHECK(files_in(full.settings.folder) == 0);
}

TEST_CASE("what breaks the order of the streaming protocol is refused") {
  const std::vector<std::vector<std::string>> streams = {
      {stream_stop()},
      {stream_start(7, false)},                                                                     // its first block is missing
      {stream_start(7, true), stream_start(8, true)},                                               //
      {stream_start(7, true), stream_stop(), stream_start(7, true)},                                // cannot be the first again
      {stream_start(7, true), begin(0x100)},                                                        //
      {stream_start(7, true), commit(0x100, 0x130)},                                                //
      {stream_start(7, true), stream_commit(7, 0x100, 0x130)},                                      // inside its own block
      {stream_start(7, true), stream_abort(7, 7)},                                                  //
      {stream_commit(7, 0x100, 0x130)},                                                             // of which nothing was sent
      {begin(0x100), stream_start(7, true)},                                                        //
      {begin(0x100), stream_commit(7, 0x100, 0x130)},                                               //
      {begin(0x100), stream_abort(7, 7)},                                                           //
      {stream_start(7, true), "I"},                                                                 // no room for an xid
      {stream_start(7, true), in_block(7, row(1)), stream_stop(), stream_commit(7, 0x100, 0x130)},  // a relation nobody described
      {stream_start(7, true), in_block(7, "R" + i32(5))},                                           //
      {stream_start(7, true), in_block(7, orders()), stream_stop(), stream_commit(7, 0x100, 0x100)},
      {origin("x")},
      {logical_message(true, 0x90, "p", "c")},
      {begin(0x100), logical_message(false, 0x90, "p", "c")},
  };
  for (const auto& stream : streams) {
    Stream s;
    for (std::size_t i = 0; i + 1 < stream.size(); ++i) s.must(stream[i]);
    s.refused(stream.back(), "protocol_violation");
  }
}

TEST_CASE("the origin of a transaction, streamed or not, is in its records' meta") {
  Stream s;
  BatchBuilder out(std::make_shared<Batch>(s.batch_origin, 0), {});
  const auto origins = [&] {
    std::string all;
    for (const Record& record : out.batch().records()) {
      const Value& name = record.meta[static_cast<std::size_t>(MetaSlot::kOrigin)];
      all += name.is_null() ? "- " : std::string(name.as_text()) + ' ';
    }
    return all;
  };
  const auto feed = [&](const std::vector<std::string>& messages) {
    for (const std::string& message : messages) {
      REQUIRE(s.assembler->consume(xlog_data(0x90, message), out, 0));
      while (s.assembler->emitting()) REQUIRE(s.assembler->emit(out, 0));
    }
  };
  feed({begin(0x100, 6), origin("berlin"), orders(), row(1), commit(0x100, 0x110)});
  feed({stream_start(7, true), origin("the office in San Francisco"), in_block(7, orders()), in_block(7, row(2)), stream_stop()});
  feed({begin(0x200, 8), row(3), commit(0x200, 0x210)});
  feed({stream_commit(7, 0x300, 0x310)});
  CHECK(origins() == "berlin - the office in San Francisco ");
  const Record& record = out.batch().records()[2];
  CHECK(record.meta[static_cast<std::size_t>(MetaSlot::kCommitLsn)].as_text() == "0/300");
  CHECK(record.meta[static_cast<std::size_t>(MetaSlot::kPrefix)].is_null());
  CHECK(record.source_time == 1'746'684'800'000'000);
}

// A stream with messages of both kinds, and what becomes of it from a position on.
std::vector<Ordinal> message_ordinals(const StreamPosition& from) {
  Stream s({}, from);
  if (from.resume <= 0x90) s.must(logical_message(false, 0x98, "app", "outside"));  // ends at 0x98
  if (from.resume <= 0x100) {
    s.must({begin(0x100, 6), logical_message(true, 0xa0, "app", "first"), orders(), row(1), logical_message(true, 0xb0, "app", "third"),
            commit(0x100, 0x110)});
  }
  s.must({logical_message(false, 0x118, "app", "outside again"), begin(0x118, 8), row(3), commit(0x118, 0x140)});
  std::vector<Ordinal> result;
  for (const Row& one : s.rows) result.push_back(one.ordinal);
  return result;
}

TEST_CASE("G1: logical messages have a place of their own that is the same after every replay") {
  const std::vector<Ordinal> all{{0x97, 1}, {0x100, 1}, {0x100, 2}, {0x100, 3}, {0x117, 1}, {0x118, 1}};
  CHECK(message_ordinals(StreamPosition::quiet_at(0x80)) == all);
  // From behind the first, from inside the transaction, from its end: what is left is numbered as before.
  const auto rest = [&](std::size_t done) { return std::vector<Ordinal>(all.begin() + static_cast<std::ptrdiff_t>(done), all.end()); };
  CHECK(message_ordinals(StreamPosition::quiet_at(0x98)) == rest(1));
  CHECK(message_ordinals({{0x100, 1}, 0x100}) == rest(2));
  CHECK(message_ordinals({{0x100, 2}, 0x100}) == rest(3));
}

TEST_CASE("a logical message is a record with its prefix and content") {
  Stream s;
  BatchBuilder out(std::make_shared<Batch>(s.batch_origin, 0), {});
  REQUIRE(s.assembler->consume(xlog_data(0x98, logical_message(false, 0x98, "a longer prefix", std::string("\0\xff", 2))), out, 0));
  const Record& record = out.batch().records().at(0);
  CHECK(record.op == Op::kMessage);
  CHECK(record.schema->spec().table.empty());
  CHECK(record.after[0].type() == Value::Type::kBytes);
  CHECK(record.after[0].as_text() == std::string("\0\xff", 2));
  CHECK(record.meta[static_cast<std::size_t>(MetaSlot::kPrefix)].as_text() == "a longer prefix");
  CHECK(record.meta[static_cast<std::size_t>(MetaSlot::kXid)].is_null());
  CHECK(s.assembler->position() == StreamPosition::quiet_at(0x98));
}

TEST_CASE("the protocol follows the server's version, and the position's inside a transaction (G3)") {
  const auto chosen = [](int version, const ResumePoint* inside, const StreamWish& wish) {
    const auto options = choose_stream_options(version, inside, wish);
    REQUIRE(options);
    return std::pair(options->protocol, options->streaming);
  };
  using Choice = std::pair<std::uint32_t, bool>;
  CHECK(chosen(130023, nullptr, {}) == Choice{1, false});
  CHECK(chosen(140024, nullptr, {}) == Choice{2, true});
  CHECK(chosen(150020, nullptr, {}) == Choice{3, true});
  CHECK(chosen(160015, nullptr, {}) == Choice{4, true});
  CHECK(chosen(180006, nullptr, {}) == Choice{4, true});
  CHECK(chosen(160015, nullptr, {MessageMode::kIgnore, false}) == Choice{4, false});
  CHECK(chosen(160015, nullptr, {MessageMode::kEmit, true}) == Choice{4, false});
  ResumePoint old;
  CHECK(chosen(180006, &old, {}) == Choice{1, false});  // a checkpoint of the first version
  old.protocol = 3;
  CHECK(chosen(180006, &old, {}) == Choice{3, true});
  const auto refused = [](int version, const ResumePoint* inside, const StreamWish& wish) {
    const auto options = choose_stream_options(version, inside, wish);
    return options ? std::string() : std::string(options.error().code());
  };
  CHECK(refused(140024, &old, {}) == "slot_options_changed");
  CHECK(refused(150020, &old, {MessageMode::kEmit, true}) == "slot_options_changed");
  old.messages = true;
  CHECK(refused(150020, &old, {}) == "slot_options_changed");
  CHECK(refused(150020, &old, {MessageMode::kEmit, true}).empty());
  CHECK(refused(130023, nullptr, {MessageMode::kEmit, true}) == "server_too_old");
}

TEST_CASE("a resume point keeps how rows were counted, and reads what the first version wrote") {
  const ResumePoint point{0x16B374D848, 3, 4, "a publication", true};
  CHECK(point.encode() == "pg1 16/B374D848 3 4+messages a publication");
  const auto decoded = ResumePoint::decode(point.encode());
  REQUIRE(decoded);
  CHECK(decoded->protocol == 4);
  CHECK(decoded->messages);
  CHECK(decoded->publication == "a publication");
  const auto old = ResumePoint::decode("pg1 16/B374D848 3 1 sluice_orders");
  REQUIRE(old);
  CHECK(old->protocol == 1);
  CHECK_FALSE(old->messages);
  CHECK_FALSE(ResumePoint::decode("pg1 16/B374D848 3 +messages p"));
}

}  // namespace
}  // namespace sluice::sources::postgres
