// Posts the same body over many keep-alive connections for some seconds, each connection one request after the other.
//   http_load PORT PATH CONNECTIONS SECONDS RECORDS
// Prints {"requests","failed","seconds","p50_ms","p99_ms"}: requests that got 200, others, and the time from a request to its answer.

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/http_message.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
  int fd = -1;
  std::string input;
  Clock::time_point began;
};

struct Totals {
  std::size_t requests = 0, failed = 0;
  std::vector<float> milliseconds;
};

std::string make_request(const std::string& path, int records) {
  std::string body;
  for (int i = 0; i < records; ++i) {
    body +=
        R"({"id":)" + std::to_string(i) +
        R"(,"customer_id":4711,"status":"paid","total":129.95,"currency":"EUR","country_code":"DE","created":"2026-03-01T12:00:00Z","note":"leave at the door"})"
        "\n";
  }
  return "POST " + path +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

int connect_to(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {  // NOLINT: the socket API
    std::perror("connect");
    std::exit(1);
  }
  return fd;
}

void send_request(Connection& connection, const std::string& request) {
  connection.began = Clock::now();
  // A request fits into an empty socket buffer, or the call waits for the server to take it.
  for (std::size_t at = 0; at < request.size();) {
    const ssize_t sent = ::send(connection.fd, request.data() + at, request.size() - at, MSG_NOSIGNAL);
    if (sent <= 0) {
      std::perror("send");
      std::exit(1);
    }
    at += static_cast<std::size_t>(sent);
  }
}

// True when an answer was complete.
bool take_answer(Connection& connection, Totals& totals) {
  const std::size_t length = sluice::net::head_length(connection.input);
  if (length == 0) return false;
  sluice::net::ResponseHead head;
  sluice::net::BodyReader body;
  if (sluice::net::parse_response_head(std::string_view(connection.input).substr(0, length), {}, head)) std::exit(1);
  if (sluice::net::BodyReader::for_response(head, false, body)) std::exit(1);
  std::string content;
  std::size_t used = 0;
  body.feed(std::string_view(connection.input).substr(length), content, used);
  if (body.state() != sluice::net::BodyReader::State::kDone) return false;
  connection.input.erase(0, length + used);
  (head.status == 200 ? totals.requests : totals.failed) += 1;
  totals.milliseconds.push_back(std::chrono::duration<float, std::milli>(Clock::now() - connection.began).count());
  return true;
}

void watch(int epoll, int fd, std::size_t index) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = index;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

// A few at a time, each answered once: cpp-httplib's backlog is 5, and the kernel stalls connections beyond it for seconds.
void connect_all(int port, std::vector<Connection>& connections, const std::string& request) {
  constexpr std::size_t kAtOnce = 4;
  Totals ignored;
  std::array<char, 16384> chunk{};
  for (std::size_t first = 0; first < connections.size(); first += kAtOnce) {
    const std::size_t last = std::min(first + kAtOnce, connections.size());
    for (std::size_t i = first; i < last; ++i) {
      connections[i].fd = connect_to(port);
      send_request(connections[i], request);
    }
    for (std::size_t i = first; i < last; ++i) {
      do {
        const ssize_t got = ::recv(connections[i].fd, chunk.data(), chunk.size(), 0);
        if (got <= 0) std::exit(1);
        connections[i].input.append(chunk.data(), static_cast<std::size_t>(got));
      } while (!take_answer(connections[i], ignored));
    }
  }
}

void run(std::vector<Connection>& connections, const std::string& request, Clock::time_point end, Totals& totals) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  for (std::size_t i = 0; i < connections.size(); ++i) {
    watch(epoll, connections[i].fd, i);
    send_request(connections[i], request);
  }
  std::array<epoll_event, 256> events{};
  std::array<char, 16384> chunk{};
  while (Clock::now() < end) {
    const int ready = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < ready; ++i) {
      Connection& connection = connections[events[static_cast<std::size_t>(i)].data.u64];
      const ssize_t got = ::recv(connection.fd, chunk.data(), chunk.size(), 0);
      if (got <= 0) std::exit(1);
      connection.input.append(chunk.data(), static_cast<std::size_t>(got));
      if (take_answer(connection, totals)) send_request(connection, request);
    }
  }
  ::close(epoll);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 6) return std::fputs("http_load PORT PATH CONNECTIONS SECONDS RECORDS\n", stderr), 64;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const std::string request = make_request(arguments[2], std::atoi(arguments[5]));
  std::vector<Connection> connections(static_cast<std::size_t>(std::atoi(arguments[3])));
  connect_all(std::atoi(arguments[1]), connections, request);
  const double seconds = std::atof(arguments[4]);
  Totals totals;
  const auto began = Clock::now();
  run(connections, request, began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)), totals);
  const double took = std::chrono::duration<double>(Clock::now() - began).count();
  auto& times = totals.milliseconds;
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times.empty() ? 0.0F : times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
  };
  std::printf(R"({"requests":%zu,"failed":%zu,"seconds":%.3f,"p50_ms":%.3f,"p99_ms":%.3f})"
              "\n",
              totals.requests, totals.failed, took, static_cast<double>(at(0.5)), static_cast<double>(at(0.99)));
  return 0;
}
