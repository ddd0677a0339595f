#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "sources/postgres_cdc/pgoutput_decoder.h"
#include "tests/sources/pgoutput_messages.h"

namespace sluice::sources::postgres {
namespace {

using namespace test;

std::vector<std::string> one_of_each() {
  return {begin(0x100),
          commit(0x100, 0x130),
          relation(5, "public", "orders", {{"id", 23, true}, {"note", 25, false}}),
          insert(5, {text("1"), null()}),
          update(5, {text("1"), unchanged()}),
          update(5, 'K', {text("1"), null()}, {text("2"), text("x")}),
          update(5, 'O', {text("1"), text("w")}, {text("2"), text("x")}),
          erase(5, 'K', {text("1"), null()}),
          truncate({5, 6}),
          "Y" + i32(77) + zero_ended("public") + zero_ended("mood"),
          "O" + i64(1) + zero_ended("elsewhere"),
          logical_message(true, 1, "prefix", "abc"),
          stream_start(42, true),
          stream_stop(),
          stream_commit(42, 0x100, 0x130),
          stream_abort(42, 43)};
}

TEST_CASE("pgoutput messages are decoded") {
  PgoutputDecoder decoder;
  const auto begun = std::get<BeginMessage>(*decoder.decode(begin(0x100, 42)).value());
  CHECK(begun.commit_lsn == 0x100);
  CHECK(begun.xid == 42);
  CHECK(begun.commit_time == (946'684'800 + static_cast<std::int64_t>(kCommitSeconds)) * 1'000'000);
  CHECK(std::get<CommitMessage>(*decoder.decode(commit(0x100, 0x130)).value()).end_lsn == 0x130);

  const auto described =
      std::get<RelationMessage>(*decoder.decode(relation(5, "", "orders", {{"id", 23, true}, {"note", 25, false}}, 'i')).value());
  CHECK(described.schema == "pg_catalog");  // the server leaves it empty
  CHECK(described.identity == 'i');
  REQUIRE(described.columns.size() == 2);
  CHECK(described.columns[0].in_identity);
  CHECK(described.columns[1].name == "note");
  CHECK(described.columns[1].modifier == -1);

  const std::string changed = update(5, 'K', {text("1"), null()}, {text("2"), unchanged()});
  const auto row = std::get<RowMessage>(*decoder.decode(changed).value());
  CHECK(row.op == RowMessage::Op::kUpdate);
  CHECK(row.old == RowMessage::Old::kKey);
  REQUIRE(row.old_columns.size() == 2);
  CHECK(row.old_columns[0].text == "1");
  CHECK(row.old_columns[1].kind == TupleColumn::Kind::kNull);
  CHECK(row.new_columns[1].kind == TupleColumn::Kind::kUnchanged);
  CHECK(std::get<TruncateMessage>(*decoder.decode(truncate({5, 6})).value()).relations == std::vector<std::uint32_t>{5, 6});
}

TEST_CASE("pgoutput messages of running transactions are decoded") {
  PgoutputDecoder decoder;
  const auto started = std::get<StreamStartMessage>(*decoder.decode(stream_start(42, true)).value());
  CHECK(started.xid == 42);
  CHECK(started.first);
  CHECK_FALSE(std::get<StreamStartMessage>(*decoder.decode(stream_start(42, false)).value()).first);
  CHECK(std::holds_alternative<StreamStopMessage>(*decoder.decode(stream_stop()).value()));
  const auto done = std::get<StreamCommitMessage>(*decoder.decode(stream_commit(42, 0x100, 0x130)).value());
  CHECK(done.begin.xid == 42);
  CHECK(done.begin.commit_lsn == 0x100);
  CHECK(done.begin.commit_time == (946'684'800 + static_cast<std::int64_t>(kCommitSeconds)) * 1'000'000);
  CHECK(done.commit.commit_lsn == 0x100);
  CHECK(done.commit.end_lsn == 0x130);
  // The longer form comes with streaming 'parallel'.
  for (const std::string& message : {stream_abort(42, 43), stream_abort(42, 43) + i64(0x100) + i64(0)}) {
    const auto aborted = std::get<StreamAbortMessage>(*decoder.decode(message).value());
    CHECK(aborted.xid == 42);
    CHECK(aborted.subxid == 43);
  }
  CHECK_FALSE(decoder.decode(stream_abort(42, 43) + i64(0x100)));
  const std::string message = logical_message(false, 0x90, "app", "hello");
  const auto logical = std::get<LogicalMessage>(*decoder.decode(message).value());
  CHECK_FALSE(logical.transactional);
  CHECK(logical.lsn == 0x90);
  CHECK(logical.prefix == "app");
  CHECK(logical.content == "hello");
  const std::string from = origin("elsewhere");
  CHECK(std::get<OriginMessage>(*decoder.decode(from).value()).name == "elsewhere");
}

TEST_CASE("inside a block every change carries the xid of its subtransaction") {
  PgoutputDecoder decoder;
  const std::string changed = in_block(43, update(5, 'K', {text("1")}, {text("2")}));
  CHECK(std::get<RowMessage>(*decoder.decode(changed, Framing::kInBlock).value()).new_columns[0].text == "2");
  CHECK(std::get<TruncateMessage>(*decoder.decode(in_block(43, truncate({5})), Framing::kInBlock).value()).relations.size() == 1);
  const std::string described = in_block(43, relation(5, "public", "orders", {{"id", 23, true}}));
  CHECK(std::get<RelationMessage>(*decoder.decode(described, Framing::kInBlock).value()).table == "orders");
  CHECK(std::get<OriginMessage>(*decoder.decode(origin("x"), Framing::kInBlock).value()).name == "x");  // but an origin none
  const std::optional<ChangeHead> head = change_head(changed);
  REQUIRE(head);
  CHECK(head->type == 'U');
  CHECK(head->xid == 43);
  CHECK(head->relation == 5);
  CHECK_FALSE(change_head(changed.substr(0, 8)));
  CHECK_FALSE(change_head(""));
}

TEST_CASE("a pgoutput message that is cut, too long or of an unknown kind is refused") {
  PgoutputDecoder decoder;
  for (const std::string& message : one_of_each()) {
    INFO("type " << message[0] << " of " << message.size() << " bytes");
    CHECK(decoder.decode(message));
    for (std::size_t length = 0; length < message.size(); ++length) {
      // A heap copy of just this length, so that a read beyond it is seen by the address sanitizer.
      const std::vector<char> cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(length));
      const auto decoded = decoder.decode({cut.data(), cut.size()});
      REQUIRE_FALSE(decoded);
      CHECK(decoded.error().kind() == ErrorKind::kFatal);
      CHECK(decoded.error().code() == "protocol_violation");
    }
    CHECK_FALSE(decoder.decode(message + "x"));
  }
  CHECK_FALSE(decoder.decode("Z"));
  CHECK_FALSE(decoder.decode("I" + i32(5) + "N" + i16(1) + "b" + i32(1) + "x"));           // binary was not asked for
  CHECK_FALSE(decoder.decode("I" + i32(5) + "N" + i16(1) + "t" + i32(0xffffffff) + "x"));  // a length beyond everything
  CHECK_FALSE(decoder.decode("T" + i32(0xffffffff) + i8(0)));
}

}  // namespace
}  // namespace sluice::sources::postgres
