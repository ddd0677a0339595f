// debezium_json against what Debezium 3.5.0 itself wrote for the same workload (tests/oracle, recorded in tests/data/debezium): keys,
// values and headers are equal byte for byte, with and without schemas, in each mode, but for times and positions.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "formats/message_encoder.h"
#include "tests/integration/postgres_source_fixture.h"

namespace sluice::test {

namespace {

using Json = nlohmann::json;

// A message with its varying numbers masked.
struct Sent {
  std::string key, value, headers;  // "<null>" for none
  bool operator==(const Sent&) const = default;
};
using Topics = std::map<std::string, std::vector<Sent>>;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

constexpr std::string_view kOurDatabase = "\"db\":\"debezium_recording\"", kOurSnapshot = "\"db\":\"debezium_snapshot\"",
                           kItsDatabase = "\"db\":\"postgres\"";

// What Debezium calls the "table" of a logical message in a transaction's counts: a Java object's address.
constexpr std::string_view kMessageId = "io.debezium.connector.postgresql.LogicalDecodingMessageMonitor$LogicalDecodingMessageId@0";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Times of the commit and of the processing, positions and transaction ids differ on each run: 0 or nothing instead.
std::string mask(const std::string& text) {
  struct Rule {
    std::string_view before, instead;
  };
  static constexpr Rule kNumbers[] = {{"\"ts_ms\":", "0"}, {"\"ts_us\":", "0"}, {"\"ts_ns\":", "0"}, {"\"lsn\":", "0"}, {"\"txId\":", "0"}};
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = std::string_view(text).substr(at);
    bool masked = false;
    for (const Rule& rule : kNumbers) {
      if (!rest.starts_with(rule.before) || rest.size() == rule.before.size() || !is_digit(rest[rule.before.size()])) continue;
      result.append(rule.before).append(rule.instead);
      at += rule.before.size();
      while (at < text.size() && is_digit(text[at])) ++at;
      masked = true;
      break;
    }
    if (masked) continue;
    if (rest.starts_with(kMessageId)) {
      at += kMessageId.size();
    } else if (rest.starts_with(kOurDatabase) || rest.starts_with(kOurSnapshot)) {
      result += kItsDatabase;
      at += rest.starts_with(kOurDatabase) ? kOurDatabase.size() : kOurSnapshot.size();
    } else if (rest.starts_with("\"sequence\":\"[")) {
      result += "\"sequence\":\"\"";
      at = text.find("]\"", at) + 2;
    } else if (rest.starts_with("\"id\":\"") && rest.size() > 6 && is_digit(rest[6]) &&
               rest.substr(6, rest.find('"', 6) - 6).find(':') != rest.npos) {
      result += "\"id\":\"\"";
      at = text.find('"', at + 6) + 1;
    } else {
      result += text[at++];
    }
  }
  return result;
}

std::string headers_text(const Json& headers) { return headers.dump(); }

// What Debezium sent, topic by topic; `schemas` as schemas.enable.
Topics recorded(const std::string& name, bool schemas) {
  Topics topics;
  std::vector<std::string> known;
  std::istringstream lines(read_file(std::string(SLUICE_TEST_DATA) + "/debezium/" + name + ".jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const Json record = Json::parse(line);
    if (record.contains("schema")) {
      known.push_back(record["schema"]);
      continue;
    }
    const auto part = [&](const char* field, const char* schema) -> std::string {
      if (record[field].is_null()) return "<null>";
      const std::string payload = mask(record[field]);
      if (!schemas) return payload;
      return "{\"schema\":" + known.at(record[schema]) + ",\"payload\":" + payload + "}";
    };
    topics[record["topic"]].push_back({part("key", "key_schema"), part("value", "value_schema"), headers_text(record["headers"])});
  }
  return topics;
}

// Where we do not follow Debezium: docs/formats/debezium.md says why.
const std::set<std::string> kDifferent = {"srv.public.different", "srv.public.key_and_index"};

// Debezium's snapshot goes through JDBC, which gives other values than its stream: money through a double, dates and timestamps of the
// Julian calendar, before Christ and infinite ones.  Ours are those of the stream.
bool differs_in_snapshot(const std::string& mode, const std::string& topic, const std::string& key) {
  const auto is_one_of = [&](std::initializer_list<int> ids) {
    return std::any_of(ids.begin(), ids.end(),
                       [&](int id) { return key.find("{\"id\":" + std::to_string(id) + "}") != std::string::npos; });
  };
  if (topic == "srv.public.times") return is_one_of({4, 7, 8, 9, 11, 12});
  if (topic == "srv.public.numbers") return mode == "lossless" || is_one_of({3, 4});
  const bool has_money = topic == "srv.public.defaults" || topic == "srv.public.needed";
  return mode == "lossless" && has_money;
}

// Debezium's sessions have the role's search_path and so leave out the schema of a regclass; ours write the whole name (decision 42).
void write_whole_names(std::string& value) {
  constexpr std::string_view kPeople = "\"cGVvcGxl\"";                   // people
  constexpr std::string_view kPublicPeople = "\"cHVibGljLnBlb3BsZQ==\"";  // public.people
  const std::size_t at = value.find(kPeople);
  if (at != std::string::npos) value.replace(at, kPeople.size(), kPublicPeople);
}

class Encoding {
 public:
  Encoding(std::string name, bool schemas, CodecConfig config) : name_(std::move(name)), schemas_(schemas) {
    config.format = Format::kDebezium;
    config.debezium.schemas = schemas;
    config.debezium.topic_prefix = "srv";
    encoder_ = std::move(make_message_encoder(config, {"demo", "out", {}})).value();
  }

  void add(const Batch& batch) {
    for (const Record& record : batch.records()) {
      buffer_.clear();
      const Status status = encoder_->encode(batch, record, buffer_);
      if (!status) {
        FAIL_CHECK(name_ << ": " << record.schema->spec().table << ": " << status.error().code() << ": " << status.error().message());
        continue;
      }
      for (const auto& message : buffer_.messages()) keep(record, message);
    }
  }

  // `snapshot`: the rows of a table come in any order, and which of them is the first or last is another question.
  void compare(bool snapshot = false) {
    for (auto [topic, wanted] : recorded(name_ + (snapshot ? "_snapshot" : ""), schemas_)) {
      if (kDifferent.contains(topic)) continue;
      const auto found = topics_.find(topic);
      INFO(name_ << (schemas_ ? " with schemas, " : ", ") << topic);
      CHECK(found != topics_.end());
      if (found == topics_.end()) continue;
      if (topic == "srv.public.others") {
        for (Sent& message : wanted) write_whole_names(message.value);
      }
      if (snapshot) {
        for (std::vector<Sent>* messages : {&wanted, &found->second}) {
          std::erase_if(*messages, [this, &name = topic](const Sent& message) { return differs_in_snapshot(name_, name, message.key); });
          forget_order(*messages);
        }
      }
      compare(wanted, found->second);
    }
  }

  const std::vector<Sent>& sent(const std::string& topic) const { return topics_.at(topic); }

 private:
  static void forget_order(std::vector<Sent>& messages) {
    constexpr std::string_view kField = "\"snapshot\":\"";
    for (Sent& message : messages) {
      const std::size_t at = message.value.find(kField);
      if (at != std::string::npos) message.value.erase(at, message.value.find("\",", at) + 2 - at);
      constexpr std::string_view kNoTransaction = "\"txId\":null";  // Debezium has that of its own session
      const std::size_t id = message.value.find(kNoTransaction);
      if (id != std::string::npos) message.value.replace(id, kNoTransaction.size(), "\"txId\":0");
    }
    std::sort(messages.begin(), messages.end(), [](const Sent& a, const Sent& b) { return a.value < b.value; });
  }

  void keep(const Record& record, const MessageBuffer::Message& message) {
    const auto text = [&](const std::optional<ByteRange>& range) { return range ? mask(std::string(buffer_.view(*range))) : "<null>"; };
    Json headers = Json::array();
    for (std::uint32_t i = 0; i < message.header_count; ++i) {
      const auto& header = buffer_.headers()[message.first_header + i];
      if (buffer_.view(header.name).starts_with("__sluice.")) continue;  // ours
      std::string_view value = buffer_.view(header.value);
      if (schemas_) {  // the recording has the headers without
        constexpr std::string_view kPayload = ",\"payload\":";
        value = value.substr(value.find(kPayload) + kPayload.size());
        value.remove_suffix(1);
      }
      headers.push_back({buffer_.view(header.name), value});
    }
    std::string topic(buffer_.view(message.topic));
    if (topic.empty()) {
      const SchemaSpec& spec = record.schema->spec();
      topic = "srv." + spec.schema + "." + (spec.table == "Odd Näme" ? "Odd_N_me" : spec.table);
    }
    if (topic == "srv.public.last_record") return;
    topics_[topic].push_back({text(message.key), text(message.value), headers_text(headers)});
  }

  static void compare(const std::vector<Sent>& wanted, const std::vector<Sent>& got) {
    CHECK(got.size() == wanted.size());
    for (std::size_t i = 0; i < std::min(got.size(), wanted.size()); ++i) {
      INFO("message " << i);
      CHECK(got[i].key == wanted[i].key);
      check_text(got[i].value, wanted[i].value);
      CHECK(Json::parse(got[i].headers) == Json::parse(wanted[i].headers));
    }
  }

  // Long texts: what is around the first difference.
  static void check_text(const std::string& got, const std::string& wanted) {
    if (got == wanted) return;
    std::size_t at = 0;
    while (at < got.size() && at < wanted.size() && got[at] == wanted[at]) ++at;
    const std::size_t from = at < 200 ? 0 : at - 200;
    FAIL_CHECK("differs at " << at << "\n  got    " << got.substr(from, 400) << "\n  wanted " << wanted.substr(from, 400));
  }

  std::string name_;
  bool schemas_;
  std::unique_ptr<MessageEncoder> encoder_;
  MessageBuffer buffer_;
  Topics topics_;
};

CodecConfig config_of(const std::string& mode) {
  using namespace debezium;
  CodecConfig config;
  Options& options = config.debezium;
  if (mode == "lossless") {
    options.decimal = DecimalMode::kString;
    options.interval = IntervalMode::kString;
    options.include_unknown_datatypes = true;
    options.replace_null_with_default = false;
    options.skipped_operations.clear();
  } else if (mode == "tuned") {
    options.decimal = DecimalMode::kDouble;
    options.time = TimeMode::kConnect;
    options.interval = IntervalMode::kString;
    options.hstore = HstoreMode::kMap;
    options.binary = BinaryMode::kHex;
    options.money_fraction_digits = 3;
    options.tombstones_on_delete = false;
    options.skipped_operations.clear();
    options.transactions = true;
    options.unavailable_value_placeholder = "gone";
  } else if (mode == "iso") {
    options.decimal = DecimalMode::kString;
    options.time = TimeMode::kIsoString;
    options.hstore = HstoreMode::kMap;
    options.binary = BinaryMode::kBase64;
  } else if (mode == "micro") {
    options.time = TimeMode::kMicroseconds;
    options.binary = BinaryMode::kBase64UrlSafe;
  } else if (mode == "nano") {
    options.time = TimeMode::kNanoseconds;
  } else if (mode == "adaptive_time") {
    options.time = TimeMode::kAdaptiveTimeMicroseconds;
  }
  return config;
}

void run_sql(PostgresSession& session, const std::string& file) {
  session.query(read_file(std::string(SLUICE_ROOT) + "/tests/oracle/" + file));
}

// Statement by statement: each is a transaction of its own, as psql makes them.
void run_statements(PostgresSession& session, const std::string& file) {
  std::string statement;
  std::istringstream lines(read_file(std::string(SLUICE_ROOT) + "/tests/oracle/" + file));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("--")) continue;
    statement += line + '\n';
    if (!line.ends_with(';')) continue;
    session.query(statement);
    statement.clear();
  }
}

}  // namespace

TEST_CASE("debezium_json is what Debezium writes, byte for byte", "[debezium]") {
  PostgresServer* const server = shared_server();
  if (server == nullptr) return;
  const std::string url = server->create_database("debezium_recording");
  PostgresSession session(url);
  run_sql(session, "schema.sql");
  session.query("CREATE PUBLICATION oracle FOR ALL TABLES");
  SourceRun run({.url = url, .tables = {"public.*", "sales-eu.*"}, .pipeline = "debezium", .publication = "oracle", .messages = true});
  const Status opened = run.open();
  INFO((opened ? std::string() : opened.error().message()));
  REQUIRE(opened);
  run_statements(session, "rows.sql");
  run_statements(session, "changes.sql");

  std::vector<Encoding> encodings;
  for (const char* mode : {"default", "lossless", "tuned", "iso", "micro", "nano", "adaptive_time"}) {
    for (const bool schemas : {false, true}) encodings.emplace_back(mode, schemas, config_of(mode));
  }
  bool last = false;
  run.on_batch = [&](const Batch& batch) {
    for (Encoding& encoding : encodings) encoding.add(batch);
    for (const Record& record : batch.records()) last = last || record.schema->spec().table == "last_record";
  };
  run.read_until([&last] { return last; });
  CHECK(run.rejected().empty());
  for (Encoding& encoding : encodings) encoding.compare();
}

TEST_CASE("a snapshot's rows are what Debezium's snapshot writes", "[debezium]") {
  PostgresServer* const server = shared_server();
  if (server == nullptr) return;
  const std::string url = server->create_database("debezium_snapshot");
  PostgresSession session(url);
  run_sql(session, "schema.sql");
  run_statements(session, "rows.sql");
  session.query("CREATE PUBLICATION oracle FOR ALL TABLES");
  SourceRun run({.url = url,
                 .tables = {"public.*", "sales-eu.*"},
                 .pipeline = "debezium-snapshot",
                 .snapshot = sources::postgres::SnapshotMode::kInitial,
                 .publication = "oracle"});
  const Status opened = run.open();
  INFO((opened ? std::string() : opened.error().message()));
  REQUIRE(opened);
  session.query("INSERT INTO last_record VALUES (1)");
  std::vector<Encoding> encodings;
  for (const char* mode : {"default", "lossless"}) {
    for (const bool schemas : {false, true}) encodings.emplace_back(mode, schemas, config_of(mode));
  }
  bool last = false;
  run.on_batch = [&](const Batch& batch) {
    for (Encoding& encoding : encodings) encoding.add(batch);
    for (const Record& record : batch.records()) last = last || record.schema->spec().table == "last_record";
  };
  run.read_until([&last] { return last; });
  CHECK(run.rejected().empty());
  for (Encoding& encoding : encodings) encoding.compare(true);
}

}  // namespace sluice::test
