// What can be changed over HTTP, and what the API says of itself.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "daemon/admin/admin_server.h"
#include "daemon/admin/token.h"
#include "tests/admin/http_probe.h"

namespace sluice::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class KeptLog final : public Logger {
 public:
  void log(LogLevel level, std::string_view message, Fields fields) override {
    std::string line = (level == LogLevel::kWarning ? "warning " : "info ") + std::string(message);
    for (const auto& [name, value] : fields) {
      if (name != "peer") line += " " + std::string(name) + "=" + std::string(value);
    }
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

class OnePipeline final : public admin::StatusSource {
 public:
  std::vector<pipeline::PipelineStatus> pipelines() const override {
    pipeline::PipelineStatus status;
    status.name = "orders";
    status.state = pipeline::State::kDraining;
    return {status};
  }
  std::optional<std::vector<pipeline::LaneBooks>> books(std::string_view) const override { return std::nullopt; }
};

// Notes what it is asked for.
class FakeControl final : public admin::PipelineControl, public admin::PositionControl, public admin::ReloadControl {
 public:
  Status pause(std::string_view name) override { return note("pause", name); }
  Status resume(std::string_view name) override { return note("resume", name); }
  Status restart(std::string_view name) override { return note("restart", name); }
  Status request_snapshot(std::string_view name, const std::string& source, std::span<const std::string> tables, std::stop_token) override {
    std::string all = source + ":";
    for (const std::string& table : tables) all += table + ",";
    return note("snapshot " + all, name);
  }
  Result<pipeline::StoredCheckpoints> positions(std::string_view name) override {
    SLUICE_TRY(note("positions", name));
    pipeline::StoredCheckpoints stored;
    stored.lanes["out"]["s/p"] = {{18446744073709551615ULL, 7}, "\x01\xff", false};
    return stored;
  }
  Status set_positions(std::string_view name, const NewPositions& positions, std::stop_token) override {
    last = positions;
    if (fail) return *fail;
    return note("set", name);
  }
  Result<std::vector<std::string>> resync(std::string_view name, std::stop_token) override {
    SLUICE_TRY(note("resync", name));
    return std::vector<std::string>{"pg: dropped the slot sluice_orders"};
  }
  Result<std::vector<std::string>> cleanup(std::string_view name, std::stop_token) override {
    SLUICE_TRY(note("cleanup", name));
    return std::vector<std::string>{};
  }
  Result<admin::ReloadReport> reload(Mode mode, std::stop_token) override {
    SLUICE_TRY(note(mode == Mode::kPlan ? "plan" : "reload", "orders"));
    return report;
  }

  Status note(const std::string& what, std::string_view name) {
    asked.push_back(what);
    if (name != "orders") return Error(ErrorKind::kFatal, "unknown_pipeline", "there is no such pipeline");
    return {};
  }

  std::vector<std::string> asked;  // one request at a time
  NewPositions last;
  std::optional<Error> fail;
  admin::ReloadReport report;
};

struct Running {
  explicit Running(admin::AdminOptions options = {}) {
    options.listen = "127.0.0.1:0";
    options.version = "0.1.0";
    auto started = admin::AdminServer::start(options, {metrics, status, clock, log, &control, &control, &control});
    REQUIRE(started);
    server = std::move(started).value();
  }
  std::string post(const std::string& path, const std::string& body = "",
                   const std::string& headers = "Content-Type: application/json\r\n") {
    return ask(server->port(), "POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers +
                                   "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  json get_json(const std::string& path) { return json::parse(body_of(get(server->port(), path))); }

  MetricsRegistry metrics;
  OnePipeline status;
  SystemClock clock;
  KeptLog log;
  FakeControl control;
  std::unique_ptr<admin::AdminServer> server;
};

std::string code_of(const std::string& response) { return json::parse(body_of(response)).at("code").get<std::string>(); }

TEST_CASE("pause, resume and restart answer 202 with the pipeline as it is") {
  Running running;
  for (const char* verb : {"pause", "resume", "restart"}) {
    const std::string response = running.post("/api/v1/pipelines/orders/" + std::string(verb));
    CHECK(status_of(response) == 202);
    CHECK(json::parse(body_of(response))["state"] == "draining");
  }
  CHECK(running.control.asked == std::vector<std::string>{"pause", "resume", "restart"});
  const std::string unknown = running.post("/api/v1/pipelines/none/pause");
  CHECK(status_of(unknown) == 404);
  CHECK(code_of(unknown) == "unknown_pipeline");
  CHECK(unknown.find("Content-Type: application/problem+json\r\n") != std::string::npos);
}

TEST_CASE("each change is one line in the log, and reading is none") {
  Running running;
  running.post("/api/v1/pipelines/orders/pause");
  running.post("/api/v1/pipelines/none/pause");
  get(running.server->port(), "/api/v1/pipelines");
  CHECK(running.log.lines() ==
        std::vector<std::string>{"info admin change token=none method=POST path=/api/v1/pipelines/orders/pause status=202",
                                 "warning admin change token=none method=POST path=/api/v1/pipelines/none/pause status=404"});
}

TEST_CASE("a change without the token is refused, and logged") {
  admin::AdminOptions options;
  options.token = Secret("0123456789abcdef");
  Running running(options);
  CHECK(status_of(running.post("/api/v1/pipelines/orders/pause")) == 401);
  CHECK(running.control.asked.empty());
  REQUIRE(running.log.lines().size() == 1);
  CHECK(running.log.lines()[0].find("missing or wrong") != std::string::npos);
  CHECK(running.log.lines()[0].find("0123456789abcdef") == std::string::npos);
}

TEST_CASE("positions are shown and set with all their bytes") {
  Running running;
  const json shown = running.get_json("/api/v1/pipelines/orders/positions");
  CHECK(shown["sinks"][0]["positions"]["s/p"] ==
        json({{"major", "18446744073709551615"}, {"minor", "7"}, {"resume", "01ff"}, {"retired", false}}));
  const json wish = {{"set", {{"s/p", shown["sinks"][0]["positions"]["s/p"]}}}, {"reset", {"s/q"}}};
  CHECK(status_of(running.post("/api/v1/pipelines/orders/positions", wish.dump())) == 200);
  REQUIRE(running.control.last.size() == 2);
  CHECK(running.control.last["s/p"] == Position{{18446744073709551615ULL, 7}, "\x01\xff", false});
  CHECK_FALSE(running.control.last["s/q"].has_value());
  running.control.fail = Error(ErrorKind::kFatal, "not_paused", "pause it first");
  const std::string refused = running.post("/api/v1/pipelines/orders/positions", wish.dump());
  CHECK(status_of(refused) == 409);
  CHECK(code_of(refused) == "not_paused");
  running.control.fail = Error(ErrorKind::kTransient, "connection_lost", "away");
  CHECK(status_of(running.post("/api/v1/pipelines/orders/positions", wish.dump())) == 503);
}

TEST_CASE("bodies that are wrong are refused with what is wrong, and nothing is asked") {
  Running running;
  const std::string path = "/api/v1/pipelines/orders/positions";
  for (const char* body :
       {"", "{}", R"({"sett": {}})", R"({"set": []})", R"({"set": {"k": {"major": "1"}}})",
        R"({"set": {"k": {"major": "-1", "minor": "0"}}})", R"({"set": {"k": {"major": 1.5, "minor": 0}}})",
        R"({"set": {"k": {"major": "1", "minor": "0", "resume": "f"}}})", R"({"set": {"k": {"major": "1", "minor": "0", "resume": "zz"}}})",
        R"({"set": {"k": {"major": "99999999999999999999", "minor": "0"}}})", R"({"reset": [1]})",
        R"({"set": {"k": {"major": 1, "minor": 0}}, "reset": ["k"]})"}) {
    INFO(body);
    const std::string response = running.post(path, body);
    CHECK(status_of(response) == 400);
    CHECK(code_of(response) == "bad_request");
  }
  for (const std::string& body : {std::string("{"), std::string("[]"), std::string("\xff"), std::string(100000, '['), std::string("nul")}) {
    CHECK(code_of(running.post(path, body)) == "bad_json");
  }
  CHECK(status_of(running.post(path, R"({"reset": ["k"]})", "Content-Type: text/plain\r\n")) == 415);
  CHECK(status_of(running.post(path, R"({"reset": ["k"]})", "")) == 415);
  CHECK(running.control.asked.empty());
  CHECK(status_of(running.post(path, R"({"reset": ["k"]})", "Content-Type: application/json; charset=utf-8\r\n")) == 200);
}

TEST_CASE("resync, cleanup and snapshot") {
  Running running;
  CHECK(json::parse(body_of(running.post("/api/v1/pipelines/orders/resync")))["removed"][0] == "pg: dropped the slot sluice_orders");
  CHECK(json::parse(body_of(running.post("/api/v1/pipelines/orders/cleanup")))["removed"] == json::array());
  CHECK(status_of(running.post("/api/v1/pipelines/orders/snapshot", R"({"tables": ["a", "b"], "source": "pg"})")) == 202);
  CHECK(running.control.asked.back() == "snapshot pg:a,b,");
  for (const char* body : {"{}", R"({"tables": []})", R"({"tables": "a"})", R"({"tables": [1]})", R"({"tables": ["a"], "source": 1})"})
    CHECK(status_of(running.post("/api/v1/pipelines/orders/snapshot", body)) == 400);
}

TEST_CASE("reload: a plan, a reload, files that are wrong, a pipeline that refuses (G28)") {
  Running running;
  running.control.report.pipelines = {{"orders", "change", {"it drains"}}};
  CHECK(running.get_json("/api/v1/pipelines").size() == 1);
  const std::string plan = running.post("/api/v1/reload?plan=true");
  CHECK(status_of(plan) == 200);
  CHECK(json::parse(body_of(plan))["pipelines"][0] == json({{"name", "orders"}, {"action", "change"}, {"positions", {"it drains"}}}));
  CHECK(status_of(running.post("/api/v1/reload")) == 200);
  CHECK(running.control.asked == std::vector<std::string>{"plan", "reload"});
  CHECK(status_of(running.post("/api/v1/reload?plan=maybe")) == 400);
  running.control.report.problems = {"pipeline \"orders\" refused"};
  const std::string refused = running.post("/api/v1/reload");
  CHECK(status_of(refused) == 409);
  CHECK(code_of(refused) == "reload_refused");
  CHECK(json::parse(body_of(refused))["problems"].size() == 1);
  running.control.report = {};
  running.control.report.findings = {{"error", "a.yaml", "source", "unknown_key", "what", "", 3, 4}};
  const std::string invalid = running.post("/api/v1/reload");
  CHECK(status_of(invalid) == 422);
  CHECK(json::parse(body_of(invalid))["findings"][0]["line"] == 3);
}

TEST_CASE("without controls their routes answer 503") {
  MetricsRegistry metrics;
  const OnePipeline status;
  SystemClock clock;
  KeptLog log;
  admin::AdminOptions options;
  options.listen = "127.0.0.1:0";
  const auto server = admin::AdminServer::start(options, {metrics, status, clock, log});
  REQUIRE(server);
  for (const char* path : {"/api/v1/pipelines/orders/pause", "/api/v1/pipelines/orders/resync", "/api/v1/reload"}) {
    CHECK(status_of(ask((*server)->port(), "POST " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")) ==
          503);
  }
}

// Collects every {"$ref": ...} below `value`.
void collect_references(const json& value, std::vector<std::string>& out) {
  if (value.is_object() && value.contains("$ref")) out.push_back(value["$ref"].get<std::string>());
  if (value.is_structured()) {
    for (const json& inner : value) collect_references(inner, out);
  }
}

TEST_CASE("the OpenAPI document names every route, and every schema that it refers to is there") {
  Running running;
  const json document = running.get_json("/api/v1/openapi.json");
  CHECK(document["openapi"] == "3.1.0");
  std::vector<std::string> references, ids;
  collect_references(document, references);
  CHECK(references.size() > 10);
  for (const std::string& reference : references) {
    INFO(reference);
    CHECK(document.contains(json::json_pointer(reference.substr(1))));
  }
  for (const auto& [path, operations] : document["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) {
      ids.push_back(operation["operationId"]);
      std::string asked = path;
      for (std::size_t at = asked.find('{'); at != std::string::npos; at = asked.find('{'))
        asked.replace(at, asked.find('}') - at + 1, "orders");
      const std::string response = method == "get" ? get(running.server->port(), asked) : running.post(asked, R"({"x": 1})");
      INFO(method << " " << path);
      CHECK(status_of(response) != 405);
      CHECK(status_of(response) != 500);
      CHECK((status_of(response) != 404 || path.ends_with("/books")));
    }
  }
  std::sort(ids.begin(), ids.end());
  CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
  CHECK(document["paths"].contains("/api/v1/pipelines/{pipeline}/positions"));
}

TEST_CASE("the page loads nothing from elsewhere and needs no token, because it holds nothing") {
  admin::AdminOptions options;
  options.token = Secret("0123456789abcdef");
  Running running(options);
  const std::string response = get(running.server->port(), "/");
  CHECK(status_of(response) == 200);
  CHECK(response.find("Content-Security-Policy: default-src 'none'") != std::string::npos);
  CHECK(response.find("Content-Type: text/html") != std::string::npos);
  const std::string page = body_of(response);
  for (const char* never : {"http://", "https://", "innerHTML", "src=", "href="}) CHECK(page.find(never) == std::string::npos);
}

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "sluice-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(path_); }
  std::string file(const std::string& text, mode_t mode) {
    const std::string path = path_ + "/" + std::to_string(++count_);
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int count_ = 0;
};

TEST_CASE("a token file must be the owner's alone and hold something that cannot be guessed") {
  Folder folder;
  const auto good = admin::read_token_file(folder.file("0123456789abcdef\nmore\n", 0600));
  REQUIRE(good);
  CHECK(good->reveal() == "0123456789abcdef");
  CHECK(admin::read_token_file(folder.file("0123456789abcdef", 0400)));
  for (const mode_t mode : {0640U, 0604U, 0644U, 0620U}) {
    const auto open = admin::read_token_file(folder.file("0123456789abcdef\n", mode));
    REQUIRE_FALSE(open);
    CHECK(open.error().code() == "token_file_unusable");
    CHECK(open.error().kind() == ErrorKind::kInvalidConfig);
    CHECK(open.error().message().find("chmod 600") != std::string::npos);
    CHECK(open.error().message().find("0123456789") == std::string::npos);
  }
  for (const std::string& text : {std::string(), std::string("short"), std::string("with a space in it"),
                                  std::string("0123456789abcd\xc3\xa4"), std::string(5000, 'x')}) {
    CHECK_FALSE(admin::read_token_file(folder.file(text, 0600)));
  }
  CHECK_FALSE(admin::read_token_file(folder.path()));
  CHECK_FALSE(admin::read_token_file(folder.path() + "/none"));
}

TEST_CASE("tokens are compared whole") {
  CHECK(admin::equal_in_constant_time("", ""));
  CHECK(admin::equal_in_constant_time("abc", "abc"));
  for (const char* wrong : {"", "ab", "abcd", "abcabc", "Abc"}) CHECK_FALSE(admin::equal_in_constant_time(wrong, "abc"));
}

TEST_CASE("TLS needs both files, and files that are what they should be") {
  MetricsRegistry metrics;
  const OnePipeline status;
  SystemClock clock;
  KeptLog log;
  Folder folder;
  admin::AdminOptions options;
  options.listen = "127.0.0.1:0";
  options.certificate_file = folder.file("no certificate", 0600);
  CHECK(admin::AdminServer::start(options, {metrics, status, clock, log}).error().code() == "tls_unusable");
  options.key_file = options.certificate_file;
  CHECK(admin::AdminServer::start(options, {metrics, status, clock, log}).error().code() == "tls_unusable");
}

}  // namespace
}  // namespace sluice::test
