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
          "M" + i8(1) + i64(1) + zero_ended("prefix") + i32(3) + "abc"};
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
