// Heads, bodies and addresses as text: what is strict is what two readers could see differently (RFC 9112 section 11.2).

#include <catch2/catch.hpp>

#include "net/address.h"
#include "net/gzip.h"
#include "net/http_client.h"
#include "net/http_message.h"
#include "net/url.h"

using namespace sluice;
using namespace sluice::net;

namespace {

int request_status(const std::string& head) {
  RequestHead out;
  const auto fault = parse_request_head(head, HeadLimits{}, out);
  return fault ? fault->status : 0;
}

// The body of `head` fed in pieces of `step` bytes: its content, or "!" and the fault's code.
std::string body_of(const std::string& head, const std::string& bytes, std::size_t step, std::size_t limit = 1000) {
  RequestHead parsed;
  if (parse_request_head(head, HeadLimits{}, parsed)) return "!head";
  BodyReader reader;
  if (const auto fault = BodyReader::for_request(parsed.headers, limit, reader)) return "!" + std::string(fault->code);
  std::string out, input;
  for (std::size_t at = 0; at < bytes.size() && reader.state() == BodyReader::State::kMore; at += step) {
    input += bytes.substr(at, step);
    std::size_t used = 0;
    reader.feed(input, out, used);
    input.erase(0, used);
  }
  if (reader.state() == BodyReader::State::kFault) return "!" + std::string(reader.fault().code);
  return reader.state() == BodyReader::State::kDone ? out : "!more";
}

const std::string kPost = "POST / HTTP/1.1\r\nHost: x\r\n";

}  // namespace

TEST_CASE("request heads: good ones") {
  RequestHead head;
  const std::string text = "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Type:  text/plain \r\nX-Empty:\r\n\r\n";
  CHECK(head_length(text + "body") == text.size());
  REQUIRE(!parse_request_head(text, HeadLimits{}, head));
  CHECK(head.method == "POST");
  CHECK(head.target == "/a?b=c");
  CHECK(head.headers.find("content-TYPE") == "text/plain");
  CHECK(head.headers.contains("x-empty"));
  CHECK(head.keep_alive);
  RequestHead old;
  REQUIRE(!parse_request_head("GET / HTTP/1.0\r\n\r\n", HeadLimits{}, old));
  CHECK(!old.keep_alive);
  RequestHead closing;
  REQUIRE(!parse_request_head("GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n", HeadLimits{}, closing));
  CHECK(!closing.keep_alive);
}

TEST_CASE("request heads: what is refused") {
  CHECK(request_status("GET / HTTP/1.1\r\n\r\n") == 400);                        // no Host
  CHECK(request_status("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n") == 400);  // two
  CHECK(request_status("GET / HTTP/2.0\r\nHost: x\r\n\r\n") == 505);
  CHECK(request_status("GET /\r\nHost: x\r\n\r\n") == 400);
  CHECK(request_status("G(T / HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
  CHECK(request_status("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
  CHECK(request_status("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n") == 400);
  CHECK(request_status("GET / HTTP/1.1\r\nHost : x\r\n\r\n") == 400);
  CHECK(request_status("GET / HTTP/1.1\r\nHost: x\nY: z\r\n\r\n") == 400);  // a bare line feed
  CHECK(request_status("GET / HTTP/1.1\r\nHost: x\rY: z\r\n\r\n") == 400);
  CHECK(request_status(std::string("GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n", 30)) == 400);
  std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 200; ++i) many += "A: b\r\n";
  CHECK(request_status(many + "\r\n") == 431);
  CHECK(request_status("GET / HTTP/1.1\r\nHost: " + std::string(20000, 'x') + "\r\n\r\n") == 431);
}

TEST_CASE("bodies: length, chunks, and what is ambiguous") {
  for (const std::size_t step : {1U, 3U, 1000U}) {
    INFO(step);
    CHECK(body_of(kPost + "\r\n", "", step).empty());
    CHECK(body_of(kPost + "Content-Length: 5\r\n\r\n", "helloxx", step) == "hello");
    CHECK(body_of(kPost + "Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: x\r\n\r\n", step) ==
          "hello world");
    CHECK(body_of(kPost + "Transfer-Encoding: chunked\r\n\r\n", "5\r\nhelloX\r\n", step) == "!bad_chunk");
    CHECK(body_of(kPost + "Transfer-Encoding: chunked\r\n\r\n", "-5\r\nhello\r\n", step) == "!bad_chunk");
    CHECK(body_of(kPost + "Transfer-Encoding: chunked\r\n\r\n", "5\nhello\r\n", step) == "!bad_chunk");
    CHECK(body_of(kPost + "Transfer-Encoding: chunked\r\n\r\n", "ffffffffffffffff\r\n", step) == "!bad_chunk");
    CHECK(body_of(kPost + "Transfer-Encoding: chunked\r\n\r\n", "fffffffffffffff\r\n", step) == "!body_too_large");
    CHECK(body_of(kPost + "Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n5\r\nhello\r\n", step, 8) == "!body_too_large");
  }
  CHECK(body_of(kPost + "Content-Length: 9\r\n\r\n", "", 1, 8) == "!body_too_large");
  CHECK(body_of(kPost + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "", 1) == "!ambiguous_length");
  CHECK(body_of(kPost + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", "", 1) == "!ambiguous_length");
  CHECK(body_of(kPost + "Content-Length: +5\r\n\r\n", "", 1) == "!bad_length");
  CHECK(body_of(kPost + "Transfer-Encoding: gzip, chunked\r\n\r\n", "", 1) == "!transfer_encoding");
}

TEST_CASE("urls") {
  const auto url = parse_url("HTTPS://API.example.com:8443/a/b?c=d#e");
  REQUIRE(url);
  CHECK(url->tls);
  CHECK(url->host == "API.example.com");
  CHECK(url->port == 8443);
  CHECK(url->target == "/a/b?c=d");
  CHECK(url->authority() == "API.example.com:8443");
  CHECK(parse_url("http://h")->target == "/");
  CHECK(parse_url("http://h?x=1")->target == "/?x=1");
  CHECK(parse_url("http://[::1]:80/x")->origin() == "http://[::1]");
  for (const std::string bad : {"h/x", "ftp://h/", "http:///x", "http://u@h/", "http://h:0/", "http://h:99999/", "http://h:x/",
                                "http://h /", "http://h/a b", "http://h/\r\nX: y", "http://[::1/x", "http://h\\evil/"}) {
    INFO(bad);
    CHECK(!parse_url(bad));
  }
}

TEST_CASE("links beside an address (RFC 3986 section 5.4)") {
  const Url base = *parse_url("http://a/b/c/d?q");
  const auto target = [&](const std::string& link) { return resolve_link(base, link)->target; };
  CHECK(target("g") == "/b/c/g");
  CHECK(target("/g") == "/g");
  CHECK(target("?y") == "/b/c/d?y");
  CHECK(target("../g?x=/../y") == "/b/g?x=/../y");
  CHECK(target("../../../g") == "/g");
  CHECK(target("./g/.") == "/b/c/g/");
  CHECK(resolve_link(base, "//other/g")->origin() == "http://other");
  CHECK(resolve_link(base, "https://other/g")->origin() == "https://other");
}

TEST_CASE("query parameters are set in place of what was there") {
  std::string target = "/x?a=1&since=2&b=3";
  set_query_parameter(target, "since", "2026-01-01T00:00:00Z&x");
  CHECK(target == "/x?a=1&b=3&since=2026-01-01T00%3A00%3A00Z%26x");
  target = "/x";
  set_query_parameter(target, "page", "2");
  CHECK(target == "/x?page=2");
}

TEST_CASE("gzip: there and back, several members, damage, bombs") {
  std::string packed;
  REQUIRE(gzip("hello ", packed));
  REQUIRE(gzip("world", packed));
  CHECK(*gunzip(packed, 100) == "hello world");
  CHECK(gunzip(packed, 5).error().code() == "body_too_large");
  CHECK(gunzip(packed.substr(0, packed.size() - 3), 100).error().code() == "gzip_damaged");
  CHECK(gunzip("no gzip at all", 100).error().code() == "gzip_damaged");
  CHECK(gunzip("", 100).error().code() == "gzip_damaged");
  std::string bomb;
  REQUIRE(gzip(std::string(50'000'000, 'x'), bomb));
  CHECK(bomb.size() < 100'000);
  CHECK(gunzip(bomb, 1'000'000).error().code() == "body_too_large");
}

TEST_CASE("listen addresses") {
  CHECK(parse_listen_address("127.0.0.2:80")->loopback);
  CHECK(parse_listen_address("[::1]:80")->loopback);
  CHECK(!parse_listen_address("0.0.0.0:80")->loopback);
  for (const std::string bad : {"80", ":80", "h:", "h:x", "::1:80", "[::1]", "h:70000"}) {
    INFO(bad);
    CHECK(!parse_listen_address(bad));
  }
}

TEST_CASE("a port that is taken is transient, an address that is not ours is fatal") {
  const auto address = parse_listen_address("127.0.0.1:0");
  const auto first = listen_on(*address, 1);
  REQUIRE(first);
  const auto second = listen_on({"127.0.0.1", port_of(*first), true}, 1);
  REQUIRE(!second);
  CHECK(second.error().kind() == ErrorKind::kTransient);
  CHECK(second.error().code() == "listen_failed");
  CHECK(second.error().message().find("another process has this port") != std::string::npos);
  const auto foreign = listen_on({"192.0.2.1", 8080, false}, 1);
  REQUIRE(!foreign);
  CHECK(foreign.error().kind() == ErrorKind::kFatal);
}

TEST_CASE("tokens are compared in whole, whatever their lengths") {
  CHECK(equal_in_constant_time("secret", "secret"));
  CHECK(!equal_in_constant_time("secret", "secreT"));
  CHECK(!equal_in_constant_time("secret", "secretsecret"));
  CHECK(!equal_in_constant_time("secret", ""));
  CHECK(!equal_in_constant_time("", "x"));
}

TEST_CASE("Retry-After in seconds and as a date") {
  const auto pause = [](const std::string& text) {
    Headers headers;
    headers.add("Retry-After", text);
    return retry_after(headers, 784'111'777LL * 1'000'000);  // Sun, 06 Nov 1994 08:49:37 GMT
  };
  CHECK(pause("7") == std::chrono::seconds(7));
  CHECK(pause("99999999") == std::chrono::hours(1));
  CHECK(pause("-3") == std::chrono::seconds(0));
  CHECK(pause("Sun, 06 Nov 1994 08:50:37 GMT") == std::chrono::seconds(60));
  CHECK(pause("Sun, 06 Nov 1994 08:40:37 GMT") == std::chrono::seconds(0));
  CHECK(pause("soon") == std::nullopt);
}
