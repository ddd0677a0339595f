#include "daemon/admin/http_listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <httplib.h>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

namespace sluice::admin {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr int kBacklog = 64;                         // connections that wait in the kernel
constexpr std::chrono::milliseconds kFarewell{200};  // for the client to read our answer before the socket goes
constexpr std::size_t kFarewellBytes = 64 * 1024;    // unread input that is read and thrown away meanwhile

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// Waits for `events` on `fd`; false at the deadline, when `stop_fd` is readable, or when the socket is broken.
bool wait_for(int fd, short events, int stop_fd, SteadyTime deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    std::array<pollfd, 2> waiting{pollfd{fd, events, 0}, pollfd{stop_fd, POLLIN, 0}};
    const int ready = ::poll(waiting.data(), waiting.size(), static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || waiting[1].revents != 0) return false;
    return (waiting[0].revents & (events | POLLHUP | POLLERR)) != 0;
  }
}

// One connection as the library sees it: the head from memory, the body and the answer under deadlines and a byte budget.
class Connection final : public httplib::Stream {
 public:
  Connection(int fd, int stop_fd, const HttpListener::Options& options)
      : fd_(fd), stop_fd_(stop_fd), options_(options), read_deadline_(std::chrono::steady_clock::now() + options.read_timeout) {}

  // Reads and checks the head.  false: nothing to answer (closed, timed out or stopping), or `refusal` to be sent.
  bool read_head(std::optional<Refusal>& refusal) {
    constexpr std::string_view kEnd = "\r\n\r\n";
    std::size_t end = std::string::npos;
    while ((end = input_.find(kEnd)) == std::string::npos) {
      if (input_.size() > options_.limits.head) {
        refusal = refuse_long_head(input_, options_.limits);
        return false;
      }
      std::array<char, 4096> chunk{};
      const ssize_t got = receive(chunk.data(), chunk.size());
      if (got <= 0) {
        if (got < 0 && !input_.empty()) refusal = Refusal{408, "request_timeout", "the request did not come to its end in time"};
        return false;
      }
      input_.append(chunk.data(), static_cast<std::size_t>(got));
    }
    std::string head = input_.substr(0, end + kEnd.size());
    refusal = check_head(head, options_.limits);
    std::copy(head.begin(), head.end(), input_.begin());
    body_budget_ = options_.limits.body;
    return !refusal;
  }

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }

  ssize_t read(char* target, std::size_t size) override {
    if (consumed_ < input_.size()) {
      const std::size_t count = std::min(size, input_.size() - consumed_);
      std::memcpy(target, input_.data() + consumed_, count);
      consumed_ += count;
      return static_cast<ssize_t>(count);
    }
    if (body_budget_ == 0) return -1;
    const ssize_t got = receive(target, std::min(size, body_budget_));
    if (got > 0) body_budget_ -= static_cast<std::size_t>(got);
    return got;
  }

  ssize_t write(const char* source, std::size_t size) override {
    if (write_deadline_ == SteadyTime()) write_deadline_ = std::chrono::steady_clock::now() + options_.write_timeout;
    std::size_t sent = 0;
    while (sent < size) {
      const ssize_t count = ::send(fd_, source + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count >= 0) {
        sent += static_cast<std::size_t>(count);
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        if (!wait_for(fd_, POLLOUT, stop_fd_, write_deadline_)) return -1;
      } else if (errno != EINTR) {
        return -1;
      }
    }
    return static_cast<ssize_t>(sent);
  }
  using httplib::Stream::write;

  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  // The library refuses descriptors beyond FD_SETSIZE for its own select(), which we do not use.
  socket_t socket() const override { return 0; }

  void refuse(const Refusal& refusal) {
    const std::string body = error_response(refusal.status, refusal.code, refusal.message).body;
    write("HTTP/1.1 " + std::to_string(refusal.status) +
          " Refused\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
          body);
  }

  // Closing a socket with unread input makes the kernel reset the connection, and the client would lose our answer.
  void say_farewell() {
    ::shutdown(fd_, SHUT_WR);
    read_deadline_ = std::chrono::steady_clock::now() + kFarewell;
    std::array<char, 4096> ignored{};
    for (std::size_t total = 0; total < kFarewellBytes;) {
      const ssize_t got = receive(ignored.data(), ignored.size());
      if (got <= 0) return;
      total += static_cast<std::size_t>(got);
    }
  }

 private:
  // 0 at the end of the input, -1 when it fails, times out or the server stops.
  ssize_t receive(char* target, std::size_t size) {
    while (wait_for(fd_, POLLIN, stop_fd_, read_deadline_)) {
      const ssize_t got = ::recv(fd_, target, size, MSG_DONTWAIT);
      if (got >= 0) return got;
      if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    }
    return -1;
  }

  int fd_, stop_fd_;
  const HttpListener::Options& options_;
  SteadyTime read_deadline_, write_deadline_{};
  std::string input_;  // the head and what came with it
  std::size_t consumed_ = 0;
  std::size_t body_budget_ = 0;
};

// The library's request parser and response writer without its sockets, threads and routes.
class Engine final : public httplib::Server {
 public:
  explicit Engine(HttpListener::Handler handler) : handler_(std::move(handler)) {
    set_default_headers({{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}});
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      answer(request, response);
      return HandlerResponse::Handled;
    });
    set_exception_handler([](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
      fill(response, error_response(500, "internal", "the request failed inside sluice"));
    });
    set_error_handler(HandlerWithResponse([](const httplib::Request&, httplib::Response& response) {
      if (!response.body.empty()) return HandlerResponse::Unhandled;
      fill(response, error_response(response.status, "bad_request", "the request could not be read"));
      return HandlerResponse::Handled;
    }));
  }

  void serve(Connection& connection) {
    bool closed = false;
    process_request(connection, true, closed, nullptr);
  }

 private:
  static void fill(httplib::Response& response, HttpResponse answer) {
    response.status = answer.status;
    for (auto& [name, value] : answer.headers) response.set_header(name, value);
    response.set_content(std::move(answer.body), answer.content_type);
  }

  void answer(const httplib::Request& request, httplib::Response& response) const {
    HttpRequest plain;
    plain.method = request.method;
    plain.path = request.path;
    plain.host = request.get_header_value("Host");
    plain.origin = request.get_header_value("Origin");
    plain.authorization = request.get_header_value("Authorization");
    fill(response, handler_(plain));
  }

  HttpListener::Handler handler_;
};

Error listen_error(const ListenAddress& address, std::string_view why) {
  return {ErrorKind::kFatal, "listen_failed", "listen on " + address.host + ":" + std::to_string(address.port) + ": " + std::string(why)};
}

Result<Descriptor> open_listener(const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int problem = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (problem != 0) return listen_error(address, ::gai_strerror(problem));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  int reason = EADDRNOTAVAIL;
  for (const addrinfo* candidate = found; candidate != nullptr; candidate = candidate->ai_next) {
    Descriptor fd(::socket(candidate->ai_family, candidate->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, candidate->ai_protocol));
    // A restart must not wait for old connections to time out; unlike SO_REUSEPORT this admits no second daemon.
    const int on = 1;
    if (fd.get() >= 0) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd.get() >= 0 && ::bind(fd.get(), candidate->ai_addr, candidate->ai_addrlen) == 0 && ::listen(fd.get(), kBacklog) == 0) return fd;
    reason = errno;
  }
  return listen_error(address, std::strerror(reason));
}

std::uint16_t port_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;                         // NOLINT: the socket API
  if (storage.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);  // NOLINT
  return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);                                       // NOLINT
}

bool is_loopback(const std::string& host) {
  in_addr four{};
  in6_addr six{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24U) == 127;
  if (::inet_pton(AF_INET6, host.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six) != 0;
  return equal_ignoring_case(host, "localhost");
}

}  // namespace

HttpResponse error_response(int status, std::string_view code, std::string_view message) {
  const nlohmann::json body = {{"error", {{"code", code}, {"message", message}}}};
  return {status, "application/json", body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"};
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const Error bad(ErrorKind::kInvalidConfig, "bad_value",
                  "\"" + std::string(text) + "\" is no address to listen on, such as 127.0.0.1:7600 or [::1]:7600");
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad;
  ListenAddress address;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || problem != std::errc() || end != port.data() + port.size()) return bad;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find_first_of("[]/ ") != std::string_view::npos || (host.find(':') != std::string_view::npos) != bracketed)
    return bad;
  address.host = host;
  address.loopback = is_loopback(address.host);
  return address;
}

class HttpListener::Impl {
 public:
  Impl(Options options, Handler handler, Descriptor listener, Descriptor stop_event)
      : options_(std::move(options)),
        engine_(std::move(handler)),
        listener_(std::move(listener)),
        stop_event_(std::move(stop_event)),
        port_(port_of(listener_.get())) {
    for (unsigned i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Impl() { stop(); }

  std::uint16_t port() const { return port_; }

  void stop() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(stop_event_.get(), &one, sizeof(one));  // cannot fail: the counter is far from full
    threads_.clear();
    listener_ = Descriptor();
  }

 private:
  void work() {
    while (true) {
      std::array<pollfd, 2> waiting{pollfd{listener_.get(), POLLIN, 0}, pollfd{stop_event_.get(), POLLIN, 0}};
      if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;  // EINTR
      if (waiting[1].revents != 0) return;
      const Descriptor connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (connection.get() >= 0) {
        serve(connection.get());
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        // The connection stays in the backlog, so poll() would return at once: wait a little for a descriptor to become free.
        wait_for(stop_event_.get(), POLLIN, stop_event_.get(), std::chrono::steady_clock::now() + kFarewell);
      }
    }
  }

  void serve(int fd) {
    Connection connection(fd, stop_event_.get(), options_);
    std::optional<Refusal> refusal;
    if (connection.read_head(refusal)) {
      engine_.serve(connection);
    } else if (refusal) {
      connection.refuse(*refusal);
    } else {
      return;
    }
    connection.say_farewell();
  }

  const Options options_;
  Engine engine_;
  Descriptor listener_, stop_event_;
  const std::uint16_t port_;
  std::vector<std::jthread> threads_;
};

HttpListener::HttpListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpListener::~HttpListener() = default;

Result<std::unique_ptr<HttpListener>> HttpListener::start(const Options& options, Handler handler) {
  Descriptor listener = SLUICE_TRY(open_listener(options.address));
  Descriptor stop_event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (stop_event.get() < 0) return listen_error(options.address, std::strerror(errno));
  return std::unique_ptr<HttpListener>(
      new HttpListener(std::make_unique<Impl>(options, std::move(handler), std::move(listener), std::move(stop_event))));
}

std::uint16_t HttpListener::port() const { return impl_->port(); }
void HttpListener::stop() { impl_->stop(); }

}  // namespace sluice::admin
