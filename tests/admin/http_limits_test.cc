// What hostile or broken clients can send.
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "daemon/admin/http_listener.h"
#include "tests/admin/http_probe.h"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using admin::HttpListener;

struct Echo {
  explicit Echo(std::chrono::milliseconds timeout = 5000ms, unsigned threads = 4) {
    HttpListener::Options options;
    options.address = {"127.0.0.1", 0, true};
    options.limits.read_timeout = options.limits.write_timeout = timeout;
    options.threads = threads;
    auto started = HttpListener::start(options, [this](const admin::HttpRequest& request) {
      return admin::HttpResponse{200, "text/plain", request.path == "/large" ? large : request.method + " " + request.path};
    });
    REQUIRE(started);
    listener = std::move(started).value();
    port = listener->port();
  }
  const std::string large = std::string(8 << 20, 'x');
  std::unique_ptr<HttpListener> listener;
  std::uint16_t port = 0;
};

int status_for(std::uint16_t port, const std::string& request) { return status_of(ask(port, request)); }

const std::string kGet = "GET / HTTP/1.1\r\nHost: localhost\r\n";

TEST_CASE("a plain request is answered and the connection closed") {
  const Echo echo;
  const std::string response = get(echo.port, "/a%20b?c=d");
  CHECK(status_of(response) == 200);
  CHECK(body_of(response) == "GET /a b");
  CHECK(response.find("Connection: close\r\n") != std::string::npos);
  CHECK(body_of(get(echo.port, "/large")).size() == echo.large.size());
}

TEST_CASE("heads are bounded: many headers, huge headers, long addresses") {
  const Echo echo;
  std::string many = kGet;
  for (int i = 0; i < 64; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  CHECK(status_for(echo.port, many + "\r\n") == 431);
  CHECK(status_for(echo.port, kGet + "X-Large: " + std::string(15000, 'x') + "\r\n\r\n") ==
        400);  // the library's own limit for one header: 8 KiB
  CHECK(status_for(echo.port, kGet + "X-Large: " + std::string(20000, 'x') + "\r\n\r\n") == 431);
  CHECK(status_for(echo.port, kGet + "X-Endless: " + std::string(4 << 20, 'x')) == 431);
  CHECK(status_for(echo.port, "GET /" + std::string(5000, 'x') + " HTTP/1.1\r\nHost: localhost\r\n\r\n") == 414);
  CHECK(status_for(echo.port, "GET /" + std::string(100000, 'x')) == 414);
  CHECK(status_for(echo.port, "GET /" + std::string(4000, 'x') + " HTTP/1.1\r\nHost: localhost\r\n\r\n") == 200);
}

TEST_CASE("bodies are bounded and come in one way only") {
  const Echo echo;
  const std::string post = "POST / HTTP/1.1\r\nHost: localhost\r\n";
  CHECK(status_for(echo.port, post + "Content-Length: 3\r\n\r\nabc") == 200);
  CHECK(status_for(echo.port, post + "Content-Length: 1048577\r\n\r\nabc") == 413);
  CHECK(status_for(echo.port, post + "Content-Length: 99999999999999999999999\r\n\r\n") == 413);
  CHECK(status_for(echo.port, post + "Content-Length: -1\r\n\r\n") == 400);
  CHECK(status_for(echo.port, post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc") == 400);
  CHECK(status_for(echo.port, post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n") == 411);
  CHECK(status_for(echo.port, post + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc") == 415);
}

TEST_CASE("what is no HTTP is refused") {
  const Echo echo;
  for (const std::string& request : std::initializer_list<std::string>{
           "\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
           "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
           "\x16\x03\x01\x02\r\n\r\n"}) {
    INFO(request);
    CHECK(status_for(echo.port, request) == 400);
  }
  CHECK(status_for(echo.port, "GET /" + std::string(1, '\0') + " HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_for(echo.port, "GET / HTTP/1.0\r\n\r\n") == 200);
}

TEST_CASE("ranges are ignored, however long the header") {
  const Echo echo;
  std::string ranges = "Range: bytes=0-0";
  for (int i = 0; i < 1500; ++i) ranges += ",0-0";
  const std::string response = get(echo.port, "/", ranges + "\r\n");
  CHECK(status_of(response) == 200);
  CHECK(body_of(response) == "GET /");
}

TEST_CASE("a client that sends slowly is cut off, and others are served meanwhile") {
  const Echo echo(300ms);
  HttpProbe slow(echo.port);
  slow.send("GET / HTTP/1.1\r\nHost:");
  CHECK(status_of(get(echo.port, "/")) == 200);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(status_of(slow.receive()) == 408);
  CHECK(std::chrono::steady_clock::now() - begin < 3s);
}

TEST_CASE("bytes that trickle do not win more time") {
  const Echo echo(300ms);
  HttpProbe slow(echo.port);
  const auto begin = std::chrono::steady_clock::now();
  slow.send(kGet);
  while (slow.send("X") && std::chrono::steady_clock::now() - begin < 5s) std::this_thread::yield();
  CHECK(std::chrono::steady_clock::now() - begin < 3s);
}

TEST_CASE("a client that does not read its answer is cut off") {
  Echo echo(300ms, 1);
  HttpProbe deaf(echo.port);
  deaf.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(status_of(get(echo.port, "/")) == 200);  // with one thread: only after the first is given up
  CHECK(deaf.receive().size() < echo.large.size());
}

TEST_CASE("many at once are all answered, and stop ends idle ones at once") {
  Echo echo;
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> clients;
    for (int t = 0; t < 8; ++t) {
      clients.emplace_back([&] {
        for (int i = 0; i < 20; ++i) good += status_of(get(echo.port, "/")) == 200 ? 1 : 0;
      });
    }
  }
  CHECK(good == 160);
  std::vector<std::unique_ptr<HttpProbe>> idle;
  for (int i = 0; i < 20; ++i) idle.push_back(std::make_unique<HttpProbe>(echo.port));
  const auto begin = std::chrono::steady_clock::now();
  echo.listener->stop();
  CHECK(std::chrono::steady_clock::now() - begin < 1s);
}

}  // namespace
}  // namespace sluice::test
