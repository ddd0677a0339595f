// The parts of a snapshot that need no server: rows of COPY, positions, the note of chunk ends, the place in the stream (G13-G15).

#include <catch2/catch.hpp>

#include <filesystem>

#include "../support/temporary_directory.h"
#include "sources/postgres_cdc/snapshot/chunk_bounds.h"
#include "sources/postgres_cdc/snapshot/copy_text.h"
#include "sources/postgres_cdc/snapshot/snapshot_point.h"
#include "sources/postgres_cdc/snapshot/stream_gate.h"

namespace sluice::sources::postgres {
namespace {

const std::vector<ColumnCodec> kIntegerAndText = {{TextFormat::kInteger}, {TextFormat::kString}};

std::vector<Value> decode(std::string_view row, Arena& arena, CopyRowState expected = CopyRowState::kGood) {
  std::vector<Value> values(2);
  std::string scratch;
  BadField bad;
  CHECK(decode_copy_row(row, kIntegerAndText, arena, values, scratch, bad) == expected);
  return values;
}

TEST_CASE("A row of COPY: escapes, nulls and empty text are what the server meant") {
  Arena arena;
  CHECK(decode("7\tplain", arena)[1].as_text() == "plain");
  CHECK(decode("7\t", arena)[1].as_text().empty());
  CHECK(decode("7\t\\N", arena)[1].is_null());
  CHECK(decode("7\t\\\\N", arena)[1].as_text() == "\\N");
  CHECK(decode("7\ta\\tb\\nc\\\\d\\re\\bf\\fg\\vh", arena)[1].as_text() == "a\tb\nc\\d\re\bf\fg\vh");
  CHECK(decode("\\N\tx", arena)[0].is_null());
  decode("7", arena, CopyRowState::kMalformed);
  decode("7\tx\ty", arena, CopyRowState::kMalformed);
  decode("seven\tx", arena, CopyRowState::kBadValue);
  const std::vector<std::uint32_t> slots = {1, 0};
  CHECK(copy_fields("7\ta\\tb", slots) == std::vector<std::string>{"a\tb", "7"});
}

TEST_CASE("G13: a position gives back any key, and nothing that is no position is taken for one") {
  const KeyText key = {"", "5:x 7", "a\nb\tc", std::string("\0z", 2)};
  CHECK(decode_key(encode_key(key)) == key);
  const SnapshotPoint point{"7391", 16400, SnapshotPoint::State::kByKeys, key};
  const auto again = SnapshotPoint::decode(point.encode());
  REQUIRE(again);
  CHECK((again->system_id == "7391" && again->table == 16400 && again->state == SnapshotPoint::State::kByKeys && again->last == key));
  for (const auto state : {SnapshotPoint::State::kByBlocks, SnapshotPoint::State::kFinished})
    CHECK(SnapshotPoint::decode(SnapshotPoint{"7", 1, state, {}}.encode())->state == state);
  for (const char* text :
       {"", "pg1 0/1 1 1 p", "ss1 7", "ss1 7 x keys 1:a", "ss1 7 1 keys", "ss1 7 1 keys 9:a", "ss1 7 1 more", "ss2 7 1 done"})
    CHECK_FALSE(SnapshotPoint::decode(text));
}

TEST_CASE("G2, G14: every generation of a table has a name of its own, and none is that of a stream") {
  for (const char* text : {"snapshot/public.orders", "snapshot~2/public.orders", "snapshot/odd.na/me~3", "snapshot@123.4/public.orders"}) {
    const auto partition = SnapshotPartition::parse(text);
    REQUIRE(partition);
    CHECK(partition->text() == text);
  }
  for (const char* text : {"7391/1/shop", "snapshot", "snapshot~x/t", "snapshot@1/a.b", "snapshots/a.b"})
    CHECK_FALSE(SnapshotPartition::parse(text));
}

TEST_CASE("G13: the ends of chunks outlive the process, those that every sink has are forgotten but for the newest") {
  const testing::TemporaryDirectory folder;
  FaultPoints faults;
  const std::string path = folder / "note";
  ChunkBounds bounds(path, faults);
  REQUIRE(bounds.load());
  for (std::uint64_t chunk = 0; chunk < 5; ++chunk) REQUIRE(bounds.put("snapshot~2/a.b", chunk, {std::to_string(chunk * 10), "x"}));
  bounds.forget_before("snapshot~2/a.b", 3);
  REQUIRE(bounds.put("snapshot/a.c", 0, {}));
  ChunkBounds later(path, faults);
  REQUIRE(later.load());
  CHECK_FALSE(later.find("snapshot~2/a.b", 2));
  CHECK(later.find("snapshot~2/a.b", 3) == KeyText{"30", "x"});
  CHECK(later.find("snapshot~2/a.b", 4) == KeyText{"40", "x"});
  CHECK(later.newest_generation("a.b") == 2);
  CHECK(later.newest_generation("a.c") == 1);
  CHECK(later.newest_generation("a.d") == 0);
}

// Messages as far as the gate looks into them.
template <typename T>
void put(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> shift);
}
std::string x_log_data(const std::string& payload) { return "w" + std::string(24, '\0') + payload; }
std::string begin(Lsn commit, std::uint32_t xid) {
  std::string payload = "B";
  put(payload, commit);
  put(payload, std::int64_t{0});
  put(payload, xid);
  return x_log_data(payload);
}
std::string stream_commit(Lsn commit, std::uint32_t xid) {
  std::string payload = "c";
  put(payload, xid);
  payload += '\0';
  put(payload, commit);
  return x_log_data(payload);
}
const std::string kCommit = x_log_data("C");
std::string keepalive(Lsn end) {
  std::string message = "k";
  put(message, end);
  return message + std::string(9, '\0');
}

using State = StreamGate::State;

TEST_CASE("G15: which transactions a snapshot sees, across the wrap of the stream's transaction ids") {
  const auto visible = VisibleTransactions::parse("4294967290:4294967310:4294967295,4294967301");
  REQUIRE(visible);
  CHECK(visible->sees(4294967280U));
  CHECK_FALSE(visible->sees(4294967295U));
  CHECK(visible->sees(0U));        // 4294967296
  CHECK_FALSE(visible->sees(5U));  // 4294967301
  CHECK(visible->sees(13U));
  CHECK_FALSE(visible->sees(14U));
  CHECK(VisibleTransactions::parse("10:10:"));
  CHECK_FALSE(VisibleTransactions::parse("10:x:"));
}

TEST_CASE("G15: the stream stands before the first transaction that the snapshot does not see") {
  StreamGate gate;
  REQUIRE(gate.look_for(*VisibleTransactions::parse("10:13:11"), 500));
  CHECK(gate.admit(begin(100, 10)));
  CHECK(gate.admit(keepalive(900)));  // inside a transaction it says nothing
  CHECK(gate.admit(kCommit));
  CHECK(gate.admit(stream_commit(200, 12)));
  CHECK_FALSE(gate.admit(begin(300, 11)));
  CHECK(gate.state() == State::kLooking);
  gate.look(kCommit);
  gate.look(begin(400, 20));
  gate.look(kCommit);
  CHECK(gate.state() == State::kLooking);
  SECTION("the next transaction commits behind the horizon") { gate.look(begin(501, 21)); }
  SECTION("the log is quiet behind the horizon") { gate.look(keepalive(500)); }
  CHECK(gate.state() == State::kStanding);
  CHECK(gate.front() == begin(300, 11));
  gate.open();
  std::size_t kept = 0;
  for (; gate.front(); gate.pop_front(), ++kept) CHECK(gate.admit(*gate.front()));
  CHECK(kept == 5);
}

TEST_CASE("G15: a snapshot that sees a transaction and not the one before it in the log stands for no place") {
  StreamGate gate;
  REQUIRE(gate.look_for(*VisibleTransactions::parse("10:13:11"), 500));
  CHECK_FALSE(gate.admit(begin(300, 11)));
  gate.look(kCommit);
  gate.look(begin(400, 12));
  CHECK(gate.state() == State::kOpen);
  for (; gate.front(); gate.pop_front()) CHECK(gate.admit(*gate.front()));
  SECTION("what was given out must be in the next one") { CHECK_FALSE(gate.look_for(*VisibleTransactions::parse("10:14:11"), 600)); }
  SECTION("and then it is found") {
    CHECK(gate.look_for(*VisibleTransactions::parse("14:14:"), 600));
    CHECK_FALSE(gate.admit(begin(600, 15)));
    CHECK(gate.state() == State::kStanding);
  }
}

TEST_CASE("G15: an idle server's answer is the place; a new session forgets what was kept") {
  StreamGate gate;
  REQUIRE(gate.look_for(*VisibleTransactions::parse("10:10:"), 500));
  CHECK(gate.admit(keepalive(499)));
  CHECK_FALSE(gate.admit(keepalive(500)));
  CHECK(gate.state() == State::kStanding);
  gate.forget();
  CHECK_FALSE(gate.front());
  CHECK(gate.state() == State::kOpen);
}

}  // namespace
}  // namespace sluice::sources::postgres
