// The http sink against a server that answers in every way it can: nothing is lost, order is kept, a bad record alone is a dead letter.
// G5 (verdicts before the commit), G25 (stable ids, at least once).

#include <catch2/catch.hpp>
#include <chrono>

#include "net/gzip.h"
#include "tests/sinks/harness.h"
#include "tests/support/scripted_server.h"

using namespace sluice;
using namespace sluice::testing;

namespace {

std::vector<std::string> lines_of(const std::string& body) {
  std::vector<std::string> result;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = std::min(body.find('\n', at), body.size());
    result.push_back(body.substr(at, end - at));
    at = end + 1;
  }
  return result;
}

// {"n":17,...} -> 17
int number_of(const std::string& line) { return std::stoi(line.substr(line.find(':') + 1)); }

std::vector<int> numbers_of(const std::string& body) {
  std::vector<int> result;
  for (const std::string& line : lines_of(body)) result.push_back(number_of(line));
  return result;
}

std::vector<int> up_to(int count) {
  std::vector<int> result;
  for (int i = 1; i <= count; ++i) result.push_back(i);
  return result;
}

std::shared_ptr<const Batch> numbers(BatchMaker& maker, int count) {
  for (int i = 1; i <= count; ++i) maker.add(Op::kInsert, {Value::int64(i), maker.text("text")});
  return maker.take();
}

struct Sending {
  World world;
  BatchMaker maker{world, {{"n"}, {"text"}}};
  std::unique_ptr<Sink> sink;

  Sending(const ScriptedServer& server, Settings settings) {
    if (settings.empty() || settings[0].first != "url") settings.insert(settings.begin(), {"url", server.url("/in")});
    sink = world.make_sink("http", settings);
    const auto opened = sink->open({});
    REQUIRE(opened);
    CHECK(!opened->has_value());  // it keeps no positions
  }

  // As a lane does it: after a transient error open() and all of it again, without what was rejected.
  RejectCodes send_until_done(const std::shared_ptr<const Batch>& batch, int tries = 20) {
    std::vector<std::uint32_t> selected(batch->size());
    for (std::uint32_t i = 0; i < selected.size(); ++i) selected[i] = i;
    RejectCodes codes;
    while (tries-- > 0) {
      Rejects rejects;
      Status done = sink->write({batch, selected}, rejects, {});
      if (done) done = sink->flush(rejects, {});
      if (done) {
        for (const Rejected& entry : rejects.entries()) codes[entry.index] = entry.reason.code();
        REQUIRE(commit(*sink, batch->through()));
        return codes;
      }
      INFO(done.error().message());
      REQUIRE(done.error().kind() == ErrorKind::kTransient);
      errors.emplace_back(done.error().code());
      if (done.error().retry_after()) pauses.push_back(*done.error().retry_after());
      REQUIRE(sink->open({}));
    }
    FAIL("never done");
    return codes;
  }

  std::vector<std::string> errors;
  std::vector<std::chrono::milliseconds> pauses;
};

}  // namespace

TEST_CASE("http sink: batches in the order of records, with ids") {
  ScriptedServer server([](const ScriptedRequest&) { return ScriptedAnswer{}; });
  Sending out(server, {{"batch.records", "4"}, {"headers.X-Table", "items"}});
  CHECK(out.send_until_done(numbers(out.maker, 10)).empty());
  const auto requests = server.requests();
  REQUIRE(requests.size() == 3);
  std::vector<int> all;
  for (const auto& request : requests) {
    CHECK(request.method == "POST");
    CHECK(request.headers.at("content-type") == "application/x-ndjson");
    CHECK(request.headers.at("x-table") == "items");
    CHECK(request.headers.at("idempotency-key").size() == 64);
    for (const int n : numbers_of(request.body)) all.push_back(n);
  }
  CHECK(all == up_to(10));
  CHECK(server.connections() == 1);  // kept alive
  CHECK(requests[0].body.find(R"("id":"files/log/1/0")") != std::string::npos);
}

TEST_CASE("http sink: one record a request is the record alone, under its own id") {
  ScriptedServer server([](const ScriptedRequest&) { return ScriptedAnswer{202, "", {}, {}, false, false, false}; });
  Sending out(server, {{"batch.records", "1"}, {"method", "PUT"}, {"format.json.meta", "false"}});
  CHECK(out.send_until_done(numbers(out.maker, 2)).empty());
  const auto requests = server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].method == "PUT");
  CHECK(requests[0].body == R"({"n":1,"text":"text"})");
  CHECK(requests[0].headers.at("content-type") == "application/json");
  CHECK(requests[1].headers.at("idempotency-key") == "files/log/2/0");
}

TEST_CASE("http sink: array and gzip") {
  ScriptedServer server([](const ScriptedRequest&) { return ScriptedAnswer{}; });
  Sending out(server, {{"body", "array"}, {"compression", "gzip"}, {"format.json.meta", "false"}});
  CHECK(out.send_until_done(numbers(out.maker, 2)).empty());
  const auto requests = server.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].headers.at("content-encoding") == "gzip");
  const auto body = net::gunzip(requests[0].body, 1000);
  REQUIRE(body);
  CHECK(*body == R"([{"n":1,"text":"text"},{"n":2,"text":"text"}])");
}

TEST_CASE("http sink: a bad record among many is the only dead letter; all others arrive in order (G5)") {
  std::vector<int> taken;
  ScriptedServer server([&](const ScriptedRequest& request) {
    const auto here = numbers_of(request.body);
    for (const int n : here) {
      if (n == 13 || n == 77) return ScriptedAnswer{422, "n=13 and n=77 are unlucky\nreally"};
    }
    taken.insert(taken.end(), here.begin(), here.end());
    return ScriptedAnswer{};
  });
  Sending out(server, {{"batch.records", "50"}});
  const auto batch = numbers(out.maker, 100);
  const RejectCodes codes = out.send_until_done(batch);
  CHECK(codes == RejectCodes{{12, "http_rejected"}, {76, "http_rejected"}});
  auto expected = up_to(100);
  std::erase(expected, 13);
  std::erase(expected, 77);
  CHECK(taken == expected);
  CHECK(server.requests().size() < 40);  // halved, not one by one
}

TEST_CASE("http sink: the dead letter says status and the beginning of the answer") {
  ScriptedServer server([&](const ScriptedRequest&) { return ScriptedAnswer{400, "no such \x01 field\n" + std::string(5000, 'x')}; });
  Sending out(server, {});
  const auto batch = numbers(out.maker, 1);
  Rejects rejects;
  REQUIRE(write_only(*out.sink, batch, rejects));
  REQUIRE(rejects.entries().size() == 1);
  const Error& reason = rejects.entries()[0].reason;
  CHECK(reason.code() == "http_rejected");
  CHECK(reason.message().starts_with("the server answers 400 Bad Request: no such   field xxx"));
  CHECK(reason.message().size() < 300);
}

TEST_CASE("http sink: 413 makes batches smaller; what is too large alone is a dead letter") {
  std::vector<int> taken;
  ScriptedServer server([&](const ScriptedRequest& request) {
    if (request.body.size() > 300) return ScriptedAnswer{413, "", {}, {}, false, false, false};
    for (const int n : numbers_of(request.body)) taken.push_back(n);
    return ScriptedAnswer{};
  });
  Sending out(server, {{"format.json.meta", "false"}});
  for (int i = 1; i <= 40; ++i) out.maker.add(Op::kInsert, {Value::int64(i), out.maker.text(i == 20 ? std::string(1000, 'x') : "y")});
  CHECK(out.send_until_done(out.maker.take()) == RejectCodes{{19, "http_rejected"}});
  auto expected = up_to(40);
  std::erase(expected, 20);
  CHECK(taken == expected);
}

TEST_CASE("http sink: trouble that passes is tried again, and what was taken is not sent twice") {
  int call = 0;
  std::vector<int> taken;
  ScriptedServer server([&](const ScriptedRequest& request) -> ScriptedAnswer {
    switch (++call) {
      case 2: return {429, "slow down", {{"Retry-After", "7"}}};
      case 3: return {503};
      case 4: return {.hang_up = true};
      case 5: return {.raw = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"};
      case 6: return {.raw = "SSH-2.0-OpenSSH_9.2\r\n"};
      case 7: return {.silent = true};
      case 8: return {.status = 500, .byte_by_byte = true};
      case 9: return {408};
      case 10: return {425};
      case 11: return {401, "who are you"};
      case 12: return {403};
      case 13: return {404};
      case 14: return {302, "", {{"Location", "http://169.254.169.254/"}}};
      default: break;
    }
    for (const int n : numbers_of(request.body)) taken.push_back(n);
    return {};
  });
  Sending out(server, {{"batch.records", "5"}, {"timeout", "1s"}});
  CHECK(out.send_until_done(numbers(out.maker, 15)).empty());
  CHECK(taken == up_to(15));  // in order, none lost, none twice
  CHECK(out.errors == std::vector<std::string>{"http_throttled", "http_unavailable", "http_connection_lost", "http_connection_lost",
                                               "http_bad_answer", "http_timeout", "http_unavailable", "http_unavailable",
                                               "http_unavailable", "http_unauthorized", "http_forbidden", "http_not_found",
                                               "http_redirect"});
  CHECK(out.pauses == std::vector<std::chrono::milliseconds>{std::chrono::seconds(7)});
}

TEST_CASE("http sink: the same records have the same id when they are sent again (G25)") {
  int call = 0;
  ScriptedServer server([&](const ScriptedRequest&) { return ScriptedAnswer{++call == 1 ? 500 : 200}; });
  Sending out(server, {});
  CHECK(out.send_until_done(numbers(out.maker, 3)).empty());
  const auto requests = server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].headers.at("idempotency-key") == requests[1].headers.at("idempotency-key"));
  CHECK(requests[0].body == requests[1].body);
}

TEST_CASE("http sink: after a restart what was not committed is sent again: at least once") {
  ScriptedServer server([&](const ScriptedRequest&) { return ScriptedAnswer{}; });
  Sending out(server, {});
  const auto batch = numbers(out.maker, 3);
  Rejects rejects;
  REQUIRE(write_only(*out.sink, batch, rejects));
  out.sink = out.world.make_sink("http", {{"url", server.url("/in")}});  // killed before the commit
  CHECK(out.send_until_done(batch).empty());
  CHECK(server.requests().size() == 2);
}

TEST_CASE("http sink: url and headers from records; another url begins another request; values cannot leave their place") {
  ScriptedServer server([](const ScriptedRequest& request) { return ScriptedAnswer{request.target == "/t/gone" ? 404 : 200}; });
  World world;
  BatchMaker maker(world, {{"n"}, {"text"}});
  for (const std::string text : {"a", "a", "b/../c?x", "gone", "..", "a"}) maker.add(Op::kInsert, {Value::int64(1), maker.text(text)});
  auto templated = world.make_sink("http", {{"url", server.url("/t/${this.text}")}});
  REQUIRE(templated->open({}));
  const RejectCodes codes = write_all(*templated, maker.take());
  CHECK(codes == RejectCodes{{3, "http_rejected"}, {4, "bad_url"}});
  std::vector<std::string> targets;
  for (const auto& request : server.requests()) targets.push_back(request.target);
  CHECK(targets == std::vector<std::string>{"/t/a", "/t/b%2F..%2Fc%3Fx", "/t/gone", "/t/a"});
}

TEST_CASE("http sink: bearer, basic and oauth2; a token that was refused is renewed at once") {
  int tokens = 0;
  ScriptedServer server([&](const ScriptedRequest& request) -> ScriptedAnswer {
    if (request.target == "/token") {
      CHECK(request.headers.at("authorization") == "Basic bWU6aHVzaA==");
      CHECK(request.body == "grant_type=client_credentials&scope=write%20all");
      return {200, "{\"access_token\":\"t" + std::to_string(++tokens) + "\",\"expires_in\":3600}"};
    }
    const std::string& authorization = request.headers.at("authorization");
    return {authorization == "Bearer t2" || authorization == "Bearer abc" || authorization == "Basic dTpw" ? 200 : 401};
  });
  Sending bearer(server, {{"auth.bearer", "abc"}});
  CHECK(bearer.send_until_done(numbers(bearer.maker, 1)).empty());
  Sending basic(server, {{"auth.basic.user", "u"}, {"auth.basic.password", "p"}});
  CHECK(basic.send_until_done(numbers(basic.maker, 1)).empty());
  Sending oauth2(server, {{"auth.oauth2.token_url", server.url("/token")},
                          {"auth.oauth2.client_id", "me"},
                          {"auth.oauth2.client_secret", "hush"},
                          {"auth.oauth2.scope", "write all"}});
  CHECK(oauth2.send_until_done(numbers(oauth2.maker, 1)).empty());
  CHECK(oauth2.errors.empty());
  CHECK(tokens == 2);
}

TEST_CASE("http sink: link-local addresses are refused, in every spelling") {
  ScriptedServer server([](const ScriptedRequest&) { return ScriptedAnswer{}; });
  for (const std::string host : {"169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]"}) {
    INFO(host);
    Sending out(server, {{"url", "http://" + host + "/latest/meta-data"}, {"timeout", "1s"}});
    const auto batch = numbers(out.maker, 1);
    Rejects rejects;
    const Status sent = write_only(*out.sink, batch, rejects);
    REQUIRE(!sent);
    CHECK(sent.error().kind() == ErrorKind::kFatal);
    CHECK(sent.error().code() == "address_refused");
  }
}

TEST_CASE("http sink: a stop ends a request that waits") {
  std::stop_source stop;
  ScriptedServer server([&](const ScriptedRequest&) {
    stop.request_stop();
    return ScriptedAnswer{.silent = true};
  });
  Sending out(server, {{"timeout", "1h"}});
  const auto batch = numbers(out.maker, 1);
  Rejects rejects;
  std::vector<std::uint32_t> all = {0};
  REQUIRE(out.sink->write({batch, all}, rejects, stop.get_token()));
  const Status sent = out.sink->flush(rejects, stop.get_token());
  REQUIRE(!sent);
  CHECK(sent.error().kind() == ErrorKind::kCancelled);
}

TEST_CASE("http sink: what is wrong in the configuration is found") {
  World world;
  using Codes = std::vector<std::string>;
  CHECK(world.refused("http", {{"url", "ftp://host/"}}) == Codes{"bad_value"});
  CHECK(world.refused("http", {{"url", "http://${this.host}/x"}}) == Codes{"bad_value"});
  CHECK(world.refused("http", {{"url", "http://user:pw@host/"}}) == Codes{"bad_value"});
  CHECK(world.refused("http", {{"url", "http://h/"}, {"headers.Content-Length", "3"}}) == Codes{"conflict"});
  CHECK(world.refused("http", {{"url", "http://h/"}, {"batch.records", "0"}}) == Codes{"out_of_range"});
  CHECK(world.refused("http", {{"url", "http://h/"}, {"body", "array"}, {"format", "csv"}}) == Codes{"conflict"});
  CHECK(world.refused("http", {{"url", "http://h/"}, {"auth.bearer", "a"}, {"auth.basic.user", "u"}, {"auth.basic.password", "p"}}) ==
        Codes{"conflict"});
  CHECK(world.refused("http", {{"url", "https://h/"}, {"tls.certificate", "c.pem"}}) == Codes{"conflict"});
}
