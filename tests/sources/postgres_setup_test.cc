// What surrounds the stream: positions as text, names, patterns, timelines, error classes, configuration.

#include <catch2/catch.hpp>
#include <string>
#include <thread>

#include "core/registry.h"
#include "sources/postgres_cdc/catalog.h"
#include "sources/postgres_cdc/config.h"
#include "sources/postgres_cdc/message_buffer.h"
#include "sources/postgres_cdc/postgres_errors.h"
#include "sources/postgres_cdc/session.h"

namespace sluice {
void register_postgres_cdc_source(Registry& registry);
}

namespace sluice::sources::postgres {
namespace {

using namespace std::chrono_literals;

TEST_CASE("positions survive their text") {
  CHECK(lsn_text(0x16'B374'D848) == "16/B374D848");
  CHECK(parse_lsn("16/B374D848") == 0x16'B374'D848U);
  for (const char* bad : {"", "16", "/", "1/", "1/G", "1/123456789", " 1/2"}) CHECK_FALSE(parse_lsn(bad));
  const ResumePoint point{0x100, 3, 1, "sluice orders"};
  const auto read = ResumePoint::decode(point.encode());
  REQUIRE(read);
  CHECK(read->lsn == point.lsn);
  CHECK(read->timeline == 3);
  CHECK(read->publication == "sluice orders");
  for (const char* bad : {"", "pg1", "pg2 0/1 1 1 p", "pg1 x 1 1 p", "pg1 0/1 x 1 p"}) CHECK_FALSE(ResumePoint::decode(bad));
}

TEST_CASE("G2: a partition's name holds the identity of the log") {
  const auto name = PartitionName::parse("7123/2/a/b");
  REQUIRE(name);
  CHECK(name->system_id == "7123");
  CHECK(name->timeline == 2);
  CHECK(name->database == "a/b");
  CHECK(name->text() == "7123/2/a/b");
  for (const char* bad : {"", "7123", "7123/2", "7123/x/db"}) CHECK_FALSE(PartitionName::parse(bad));
}

TEST_CASE("the position to go on from is the furthest of this source's") {
  const Position near{{0x10, 1}, "pg1 0/10 1 1 p", false};
  const Position far{{0x20, 1}, "pg1 0/20 1 1 p", false};
  const Position retired{{0x30, 1}, "pg1 0/30 1 1 p", true};
  const auto known = known_position({{"pg/7/1/db", near}, {"pg/7/2/db", far}, {"pg/7/3/db", retired}, {"pgother/7/9/db", retired}}, "pg");
  REQUIRE(known);
  CHECK(known.value()->partition.timeline == 2);
  CHECK(known.value()->durable == 0x20);
  CHECK_FALSE(known_position({}, "pg").value());
  CHECK(known_position({{"pg/strange", near}}, "pg").error().code() == "position_unreadable");
}

TEST_CASE("G2: the point at which a timeline was left") {
  constexpr std::string_view kHistory = "1\t0/3000000\tno recovery target specified\n\n2\t0/5000000\tbefore 2026-01-01\n";
  CHECK(switch_in_history(kHistory, 1) == 0x3000000U);
  CHECK(switch_in_history(kHistory, 2) == 0x5000000U);
  CHECK_FALSE(switch_in_history(kHistory, 3));
  CHECK_FALSE(switch_in_history("", 1));
}

TEST_CASE("table patterns") {
  const auto wants = [](std::string_view pattern, std::string_view schema, std::string_view table) {
    TablePattern parsed;
    REQUIRE(parse_table_pattern(pattern, parsed));
    return TableFilter{{{parsed}}, {}}.wants(schema, table);
  };
  CHECK(wants("public.orders", "public", "orders"));
  CHECK_FALSE(wants("public.orders", "public", "orders2"));
  CHECK(wants("public.*", "public", "anything"));
  CHECK_FALSE(wants("public.*", "other", "anything"));
  CHECK(wants("shop_?.o*s", "shop_1", "orders"));
  CHECK_FALSE(wants("shop_?.o*s", "shop_12", "orders"));
  CHECK(wants("a.*b*c", "a", "xxbyybzzc"));
  TablePattern parsed;
  for (const char* bad : {"orders", "", ".", "a.", ".b"}) CHECK_FALSE(parse_table_pattern(bad, parsed));
  const TableFilter without{{{"public", "*"}}, {{"public", "tmp_*"}}};
  CHECK_FALSE(without.wants("public", "tmp_1"));
}

TEST_CASE("errors of the server say what the pipeline must do") {
  CHECK(state_in_message("connection to server failed: FATAL:  28P01: password authentication failed for user \"x\"\nLOCATION: ...") ==
        "28P01");
  CHECK(state_in_message("could not connect:  refused").empty());
  CHECK(state_in_message("FATAL:  28P0").empty());
  CHECK(postgres_error("28P01", "no", "connect").kind() == ErrorKind::kTransient);
  CHECK(postgres_error("42501", "no", "connect").code() == "missing_privilege");
  CHECK(postgres_error("58P01", "removed", "read").code() == "position_lost");
  CHECK(postgres_error("55006", "active", "read").kind() == ErrorKind::kTransient);
  CHECK(postgres_error("57P01", "terminating", "read").code() == "connection_lost");
  CHECK(postgres_error("XX000", "odd", "read").kind() == ErrorKind::kTransient);
  CHECK(postgres_error("42501", "ERROR:  library \"pgoutput\" may not be used as an output plugin", "x").code() == "output_plugin_refused");
  CHECK(postgres_error("42501", "permission denied for database shop", "x").message().find("GRANT CREATE ON DATABASE") !=
        std::string::npos);
  CHECK(postgres_error("42501", "must be owner of table t", "x").message().find("publication") != std::string::npos);
  CHECK(postgres_error("42501", "must be superuser or replication role to start walsender", "x").message().find("REPLICATION") !=
        std::string::npos);
  CHECK(postgres_error("53400", "all replication slots are in use", "x").code() == "no_free_slot");
  CHECK(postgres_error("53300", "number of requested standby connections exceeds max_wal_senders", "x").code() == "no_free_sender");
  CHECK(postgres_error("53300", "sorry, too many clients already", "x").code() == "too_many_connections");
  CHECK(postgres_error("25006", "cannot execute CREATE PUBLICATION in a read-only transaction", "x").code() == "server_read_only");
  CHECK(postgres_error("55000", "can no longer access replication slot \"s\"", "x").code() == "position_lost");
  CHECK(postgres_error("42704", "replication slot \"s\" does not exist", "x").kind() == ErrorKind::kTransient);
  CHECK(postgres_error("42704", "publication \"p\" does not exist", "x").code() == "publication_missing");
  CHECK(postgres_error("", "line one\nline two\n", "read").message() == "read: line one; line two");
}

TEST_CASE("the message buffer is bounded by bytes, keeps the order and gives all before it fails") {
  MessageBuffer buffer(1000);
  int woken = 0;
  buffer.on_room([&] { ++woken; });
  for (int i = 0; i < 10; ++i) {
    CHECK_FALSE(buffer.full());
    buffer.append(std::string(100, static_cast<char>('a' + i)));
  }
  CHECK(buffer.full());
  buffer.fail(Error(ErrorKind::kTransient, "connection_lost", "gone"));
  CHECK_FALSE(buffer.error());  // there is something to take yet
  MessageBlock block = buffer.take(std::chrono::steady_clock::now(), {});
  for (int i = 0; i < 10; ++i) CHECK(block.next() == std::string(100, static_cast<char>('a' + i)));
  CHECK_FALSE(block.next());
  CHECK(woken == 1);
  REQUIRE(buffer.error());
  CHECK(buffer.take(std::chrono::steady_clock::now() + 1h, {}).empty());  // does not wait for what will not come
}

TEST_CASE("a stop request ends the wait for messages") {
  MessageBuffer buffer(1000);
  std::stop_source stop;
  std::jthread stopping([&] { stop.request_stop(); });
  CHECK(buffer.take(std::chrono::steady_clock::now() + 1h, stop.get_token()).empty());
}

// ---- configuration ---------------------------------------------------------------------------------------------------------
class NoVariables final : public Variables {
 public:
  std::optional<std::string> find(std::string_view) const override { return std::nullopt; }
  Result<std::string> read_file(std::string_view) const override { return std::string(); }
};

ConfigNode scalar(std::string text) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kScalar;
  node.text = std::move(text);
  return node;
}

ConfigNode mapping(const std::vector<std::pair<std::string, ConfigNode>>& entries) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kMapping;
  for (const auto& [key, value] : entries) node.entries.push_back({scalar(key), value});
  return node;
}

ConfigNode list(const std::vector<std::string>& items) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kSequence;
  for (const std::string& item : items) node.items.push_back(scalar(item));
  return node;
}

std::vector<std::string> codes_of(const ConfigNode& node) {
  Diagnostics findings;
  const NoVariables variables;
  BindContext context{findings, variables};
  PostgresCdcConfig config;
  PostgresCdcConfig::fields().bind(node, nullptr, config, context);
  std::vector<std::string> codes;
  for (const Diagnostic& finding : findings.findings()) codes.emplace_back(finding.code);
  return codes;
}

TEST_CASE("the configuration is checked before anything connects") {
  using Codes = std::vector<std::string>;
  const auto url = std::pair{std::string("url"), scalar("postgresql://u:p@localhost/db")};
  const auto tables = std::pair{std::string("tables"), list({"public.orders"})};
  const auto never = std::pair{std::string("snapshot"), scalar("never")};
  CHECK(codes_of(mapping({url, tables, never})).empty());
  CHECK(codes_of(mapping({url, tables})).empty());
  CHECK(codes_of(mapping({url, tables, {"snapshot", scalar("initial")}})).empty());
  CHECK(codes_of(mapping({url, tables, {"snapshot", scalar("sometimes")}})) == Codes{"bad_value"});
  CHECK(codes_of(mapping({{"url", scalar("mysql://x")}, tables, never})) == Codes{"bad_value"});
  CHECK(codes_of(mapping({url, {"tables", list({"orders"})}, never})) == Codes{"bad_value"});
  CHECK(codes_of(mapping({url, {"tables", list({})}, never})) == Codes{"bad_value"});
  CHECK(codes_of(mapping({url, tables, never, {"slot", scalar("No-Slot")}})) == Codes{"bad_value"});
  CHECK(codes_of(mapping({url, tables, never, {"heartbeat", scalar("1ms")}})) == Codes{"out_of_range"});
  CHECK(codes_of(mapping({url, tables, never, {"heatbeat", scalar("1s")}})) == Codes{"unknown_key"});
}

TEST_CASE("slot and publication are named after the pipeline") {
  PostgresCdcConfig config;
  config.url = ConnectionUrl("postgresql://localhost/db");
  config.tables = std::vector<std::string>{"public.orders"};
  const auto settings = session_settings(config, "shop-orders-eu", "pg", "");
  REQUIRE(settings);
  CHECK(settings.value().slot == "sluice_shop_orders_eu");
  CHECK(settings.value().publication == "sluice_shop_orders_eu");
  CHECK(settings.value().publication_owner == PublicationOwner::kOurs);
  const auto longest = session_settings(config, std::string(60, 'x'), "pg", "");
  REQUIRE_FALSE(longest);
  CHECK(longest.error().kind() == ErrorKind::kInvalidConfig);
}

TEST_CASE("the component registers with meta names that follow the slots of its records") {
  Registry registry;
  register_postgres_cdc_source(registry);
  const Component* component = registry.find(ComponentKind::kSource, "postgres_cdc");
  REQUIRE(component != nullptr);
  CHECK(component->meta == std::vector<std::string_view>{"lsn", "xid", "tx", "snapshot", "commit_lsn", "origin", "prefix"});
}

}  // namespace
}  // namespace sluice::sources::postgres
