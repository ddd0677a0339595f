#include "daemon/admin/admin_server.h"

#include <catch2/catch.hpp>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "daemon/admin/status_metrics.h"
#include "tests/admin/http_probe.h"

namespace sluice::test {
namespace {

using admin::AdminOptions;
using admin::AdminServer;
using nlohmann::json;
using pipeline::State;
using namespace std::chrono_literals;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kNow = 1'800'000'000 * kSecond;

class FixedClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point now() const override { return {}; }
  std::int64_t utc_microseconds() const override { return kNow; }
  bool sleep_for(std::chrono::nanoseconds, std::stop_token) override { return true; }
};

class TwoPipelines final : public admin::StatusSource {
 public:
  TwoPipelines() {
    orders.name = "orders";
    orders.state = State::kRunning;
    orders.since = kNow - 100 * kSecond;
    orders.last_progress = kNow - kSecond;
    orders.sources = {{"shop", "postgres_cdc", {{"shop/1/2/db", {{18446744073709551615ULL, 7}, "", false}}}}};
    orders.sources.push_back({"file", "file", {}});
    orders.sources[0].lag_seconds = 1.5;
    orders.sinks = {
        {"out", "sqlite", "exactly_once", "the position is stored with the rows", {{"shop/1/2/db", {{5, 6}, "", false}}}, 1024}};
    clicks.name = "clicks";
    clicks.state = State::kRunning;
    clicks.since = clicks.last_progress = kNow;
  }
  std::vector<pipeline::PipelineStatus> pipelines() const override { return {orders, clicks}; }
  std::optional<std::vector<pipeline::LaneBooks>> books(std::string_view name) const override {
    if (name == "throws") throw std::runtime_error("secret detail");
    if (name != "orders") return std::nullopt;
    pipeline::LaneBooks lane;
    lane.sink = "out";
    lane.in = 10;
    lane.created = 1;
    lane.filtered = 2;
    lane.dead_lettered = 3;
    lane.out = 4;
    lane.in_flight = 2;
    return std::vector{lane};
  }
  pipeline::PipelineStatus orders, clicks;
};

// "admin change method=POST path=/x"
class KeptLog final : public Logger {
 public:
  void log(LogLevel, std::string_view message, Fields fields) override {
    std::string line(message);
    for (const auto& [name, value] : fields) line += " " + std::string(name) + "=" + std::string(value);
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

struct Running {
  explicit Running(AdminOptions options = {}) {
    if (options.listen == AdminOptions().listen) options.listen = "127.0.0.1:0";
    options.version = "0.1.0";
    auto started = AdminServer::start(options, parts());
    REQUIRE(started);
    server = std::move(started).value();
    port = server->port();
  }
  admin::AdminParts parts() { return {metrics, status, clock, log}; }
  MetricsRegistry metrics;
  TwoPipelines status;
  FixedClock clock;
  KeptLog log;
  std::unique_ptr<AdminServer> server;
  std::uint16_t port = 0;
};

std::string error_code(const std::string& response) { return json::parse(body_of(response)).at("code").get<std::string>(); }

TEST_CASE("metrics are served as Prometheus text, with the books of every lane (G12)") {
  Running running;
  const auto registration = admin::publish_status(running.metrics, running.status);
  const std::string response = get(running.port, "/metrics");
  CHECK(status_of(response) == 200);
  CHECK(response.find("Content-Type: text/plain; version=0.0.4") != std::string::npos);
  CHECK(response.find("Access-Control") == std::string::npos);
  const std::string labels = "{component=\"out\",component_kind=\"sink\",pipeline=\"orders\"} ";
  const std::string body = body_of(response);
  for (const std::string& line : {"sluice_records_in_total" + labels + "10\n", "sluice_records_created_total" + labels + "1\n",
                                  "sluice_records_filtered_total" + labels + "2\n", "sluice_records_deduplicated_total" + labels + "0\n",
                                  "sluice_records_dead_lettered_total" + labels + "3\n", "sluice_records_skipped_total" + labels + "0\n",
                                  "sluice_records_out_total" + labels + "4\n", "sluice_records_in_flight" + labels + "2\n",
                                  std::string("sluice_pipeline_state{pipeline=\"orders\",state=\"running\"} 1\n"),
                                  std::string("sluice_pipeline_state{pipeline=\"orders\",state=\"failed\"} 0\n")}) {
    INFO(line);
    CHECK(body.find(line) != std::string::npos);
  }
  CHECK(running.metrics.problems().empty());
}

TEST_CASE("pipelines, one pipeline and its books") {
  Running running;
  running.status.orders.last_error = pipeline::LastError{ErrorKind::kTransient, "connection_lost", "broken \xff byte", kNow};
  const json all = json::parse(body_of(get(running.port, "/api/v1/pipelines")));
  REQUIRE(all.size() == 2);
  const json one = json::parse(body_of(get(running.port, "/api/v1/pipelines/orders")));
  CHECK(one == all[0]);
  CHECK(one["name"] == "orders");
  CHECK(one["state"] == "running");
  CHECK(one["since"] == "2027-01-15T07:58:20.000000Z");
  CHECK(one["restarts"] == 0);
  CHECK(one["last_error"]["kind"] == "transient");
  CHECK(one["last_error"]["message"] == "broken \xef\xbf\xbd byte");
  CHECK(one["sources"][0]["position"] == json({{"shop/1/2/db", {"18446744073709551615", "7"}}}));
  CHECK(one["sources"][0]["lag_seconds"] == 1.5);
  CHECK(one["sources"][1]["lag_seconds"].is_null());
  CHECK(one["sinks"][0]["guarantee"] == "exactly_once");
  CHECK(one["sinks"][0]["committed"] == json({{"shop/1/2/db", {"5", "6"}}}));
  CHECK(one["sinks"][0]["queue_bytes"] == 1024);
  CHECK(all[1]["last_error"].is_null());
  const json books = json::parse(body_of(get(running.port, "/api/v1/pipelines/orders/books")));
  CHECK(
      books ==
      json::parse(
          R"({"lanes":[{"sink":"out","in":10,"created":1,"filtered":2,"deduplicated":0,"dead_lettered":3,"skipped":0,"out":4,"in_flight":2}]})"));
  CHECK(json::parse(body_of(get(running.port, "/api/v1/version"))) == json({{"version", "0.1.0"}}));
}

TEST_CASE("health is progress: failed and stalled pipelines are named") {
  Running running;
  CHECK(status_of(get(running.port, "/healthz")) == 200);
  running.status.orders.last_progress = kNow - 61 * kSecond;
  std::string response = get(running.port, "/healthz");
  CHECK(status_of(response) == 503);
  CHECK(json::parse(body_of(response))["causes"][0]["cause"] == "stalled");
  running.status.orders.state = State::kPaused;  // paused on purpose is no stall
  CHECK(status_of(get(running.port, "/healthz")) == 200);
  running.status.clicks.state = State::kFailed;
  running.status.clicks.last_error = pipeline::LastError{ErrorKind::kFatal, "position_lost", "m", kNow};
  response = get(running.port, "/healthz");
  CHECK(status_of(response) == 503);
  const json causes = json::parse(body_of(response))["causes"];
  REQUIRE(causes.size() == 1);
  CHECK(causes[0]["pipeline"] == "clicks");
  CHECK(causes[0]["cause"] == "failed");
  CHECK(causes[0]["last_error"]["code"] == "position_lost");
}

TEST_CASE("ready when no pipeline is starting any more") {
  Running running;
  CHECK(status_of(get(running.port, "/readyz")) == 200);
  running.status.clicks.state = State::kStarting;
  const std::string response = get(running.port, "/readyz");
  CHECK(status_of(response) == 503);
  CHECK(json::parse(body_of(response))["waiting_for"] == json::array({"clicks"}));
}

TEST_CASE("errors are JSON and tell nothing of the inside") {
  Running running;
  const std::string missing = get(running.port, "/api/v1/nothing");
  CHECK(status_of(missing) == 404);
  CHECK(error_code(missing) == "not_found");
  CHECK(error_code(get(running.port, "/api/v1/pipelines/none/books")) == "unknown_pipeline");
  const std::string thrown = get(running.port, "/api/v1/pipelines/throws/books");
  CHECK(status_of(thrown) == 500);
  CHECK(error_code(thrown) == "internal");
  CHECK(thrown.find("secret detail") == std::string::npos);
  const std::string posted = ask(running.port, "POST /metrics HTTP/1.1\r\nHost: localhost:1\r\nContent-Length: 2\r\n\r\nhi");
  CHECK(status_of(posted) == 405);
  CHECK(posted.find("Allow: GET, HEAD\r\n") != std::string::npos);
  CHECK(error_code(posted) == "method_not_allowed");
  const std::string head = ask(running.port, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(status_of(head) == 200);
  CHECK(body_of(head).empty());
}

TEST_CASE("path traversal and odd paths reach nothing") {
  Running running;
  for (const char* path : {"/../../etc/passwd", "/metrics/../metrics", "/%2e%2e/%2e%2e/etc/passwd",
                           "/api/v1/pipelines/..%2f..%2fetc%2fpasswd/books", "/api/v1/pipelines//books", "/metrics/", "//metrics",
                           "/api/v1/pipelines/%00", "/%ff", "/METRICS", "/api/v1/pipelines/orders/", "*"}) {
    INFO(path);
    CHECK(status_of(get(running.port, path)) == 404);
  }
  CHECK(status_of(get(running.port, "/metrics?x=../..")) == 200);
}

TEST_CASE("requests of other origins and for other hosts are refused") {
  Running running;
  const std::string posted =
      ask(running.port, "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n");
  CHECK(status_of(posted) == 403);
  CHECK(error_code(posted) == "origin_not_allowed");
  for (const std::string& host :
       std::initializer_list<std::string>{"evil.example", "evil.example:7600", "127.0.0.1.evil.example", "localhost.evil.example:80"}) {
    const std::string response = ask(running.port, "GET /metrics HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    INFO(host);
    CHECK(status_of(response) == 403);
    CHECK(error_code(response) == "host_not_allowed");
  }
  for (const std::string& host : std::initializer_list<std::string>{"localhost", "LOCALHOST:7600", "127.0.0.1:1", "[::1]", "[::1]:7600"}) {
    INFO(host);
    CHECK(status_of(ask(running.port, "GET /metrics HTTP/1.1\r\nHost: " + host + "\r\n\r\n")) == 200);
  }
}

TEST_CASE("with a token everything but health asks for it") {
  AdminOptions options;
  options.token = Secret("s3cret-token");
  Running running(options);
  running.status.clicks.state = State::kFailed;
  for (const char* path : {"/metrics", "/api/v1/pipelines", "/api/v1/version", "/nothing"}) {
    const std::string response = get(running.port, path);
    INFO(path);
    CHECK(status_of(response) == 401);
    CHECK(response.find("WWW-Authenticate: Bearer\r\n") != std::string::npos);
  }
  for (const char* wrong :
       {"", "Bearer", "Bearer ", "Bearer s3cret-toke", "Bearer s3cret-token1", "Bearer S3cret-token", "Basic s3cret-token"}) {
    INFO(wrong);
    CHECK(status_of(get(running.port, "/metrics", "Authorization: " + std::string(wrong) + "\r\n")) == 401);
  }
  CHECK(status_of(get(running.port, "/metrics", "Authorization: Bearer s3cret-token\r\n")) == 200);
  CHECK(status_of(get(running.port, "/metrics", "authorization: bearer s3cret-token\r\n")) == 200);
  const std::string health = get(running.port, "/healthz");
  CHECK(status_of(health) == 503);
  CHECK(json::parse(body_of(health)) == json({{"status", "unhealthy"}}));  // no names, no errors
  CHECK(status_of(ask(running.port, "GET /metrics HTTP/1.1\r\nHost: sluice.example\r\nAuthorization: Bearer s3cret-token\r\n\r\n")) == 200);
}

TEST_CASE("other machines are let in with a token only, and a port in use is an error") {
  MetricsRegistry metrics;
  const TwoPipelines status;
  const FixedClock clock;
  KeptLog log;
  const admin::AdminParts parts{metrics, status, clock, log};
  for (const char* listen : {"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.org:0"}) {
    AdminOptions options;
    options.listen = listen;
    const auto refused = AdminServer::start(options, parts);
    INFO(listen);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == "listen_not_loopback");
    CHECK(refused.error().message().find("--token-file") != std::string::npos);
    CHECK(refused.error().kind() == ErrorKind::kInvalidConfig);
  }
  for (const char* listen : {"", "7600", ":7600", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:7600x", "::1:7600", "[]:1"}) {
    AdminOptions options;
    options.listen = listen;
    INFO(listen);
    CHECK(AdminServer::start(options, parts).error().code() == "bad_value");
  }
  AdminOptions options;
  options.listen = "0.0.0.0:0";
  options.token = Secret("t");
  const auto open = AdminServer::start(options, parts);
  REQUIRE(open);
  CHECK((*open)->port() != 0);
  options.listen = "127.0.0.1:" + std::to_string((*open)->port());
  const auto second = AdminServer::start(options, parts);
  REQUIRE_FALSE(second);
  CHECK(second.error().code() == "listen_failed");
  CHECK(second.error().message().ends_with("Address already in use"));
}

TEST_CASE("the address says the real port; stop is quick and final; a restart takes the same port") {
  Running running;
  CHECK(running.server->address() == "127.0.0.1:" + std::to_string(running.port));
  HttpProbe idle(running.port);
  HttpProbe halfway(running.port);
  halfway.send("GET /metrics HT");
  CHECK(status_of(get(running.port, "/metrics")) == 200);
  const auto begin = std::chrono::steady_clock::now();
  running.server->stop();
  running.server->stop();
  CHECK(std::chrono::steady_clock::now() - begin < 1s);
  AdminOptions options;
  options.listen = "127.0.0.1:" + std::to_string(running.port);
  CHECK(AdminServer::start(options, running.parts()));
}

}  // namespace
}  // namespace sluice::test
