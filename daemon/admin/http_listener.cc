// The only file that sees the server side of cpp-httplib.
#include "daemon/admin/http_listener.h"

#include <httplib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <thread>

#include "daemon/admin/http_lobby.h"

namespace sluice::admin {

namespace {

// What every answer carries besides its own headers.
const httplib::Headers& fixed_headers() {
  static const httplib::Headers kHeaders = {{"Cache-Control", "no-store"},
                                            {"X-Content-Type-Options", "nosniff"},
                                            {"X-Frame-Options", "DENY"},
                                            {"Referrer-Policy", "no-referrer"}};
  return kHeaders;
}

// A connection as the library sees it: the head from memory, the answer under deadlines.  After mute() what it writes is thrown away.
class LibraryStream final : public httplib::Stream {
 public:
  explicit LibraryStream(HttpConnection& connection) : connection_(connection) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* target, std::size_t size) override { return static_cast<ssize_t>(connection_.take_head(target, size)); }
  ssize_t write(const char* source, std::size_t size) override {
    return muted_ || connection_.write({source, size}) ? static_cast<ssize_t>(size) : -1;
  }
  using httplib::Stream::write;
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  // The library refuses descriptors beyond FD_SETSIZE for its own select(), which we do not use.
  socket_t socket() const override { return 0; }

  void mute() { muted_ = true; }

 private:
  HttpConnection& connection_;
  bool muted_ = false;
};

class Outlet final : public HttpStream {
 public:
  explicit Outlet(HttpConnection& connection) : connection_(connection) {}
  bool send(std::string_view bytes) override {
    connection_.restart_write_deadline();
    return connection_.write(bytes);
  }
  bool open() override { return connection_.peer_is_there(); }

 private:
  HttpConnection& connection_;
};

std::size_t body_size(const httplib::Request& request) {
  const std::string text = request.get_header_value("Content-Length");  // check_head() has seen that it is a number within bounds
  std::size_t size = 0;
  std::from_chars(text.data(), text.data() + text.size(), size);
  return size;
}

// The library's request parser and response writer without its sockets, threads and routes.  One worker's.
class Engine final : public httplib::Server {
 public:
  Engine(const HttpListener::Handler& handler, std::stop_token token) : handler_(handler), stop_(std::move(token)) {
    set_default_headers(fixed_headers());
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

  void serve(HttpConnection& connection) {
    LibraryStream stream(connection);
    connection_ = &connection;
    stream_ = &stream;
    bool closed = false;
    process_request(stream, true, closed, nullptr);
  }

 private:
  static void fill(httplib::Response& response, HttpResponse answer) {
    response.status = answer.status;
    response.set_content(std::move(answer.body), answer.content_type);
    for (auto& [name, value] : answer.headers) response.set_header(name, value);
  }

  HttpRequest plain(const httplib::Request& request) const {
    HttpRequest result;
    result.method = request.method;
    result.path = request.path;
    result.query.assign(request.params.begin(), request.params.end());
    result.host = request.get_header_value("Host");
    result.origin = request.get_header_value("Origin");
    result.authorization = request.get_header_value("Authorization");
    result.content_type = request.get_header_value("Content-Type");
    result.peer = connection_->peer();
    result.body = [connection = connection_, size = body_size(request)] { return connection->read_body(size); };
    result.stop = stop_;
    return result;
  }

  void answer(const httplib::Request& request, httplib::Response& response) const {
    HttpResponse answer = handler_(plain(request));
    if (answer.stream && request.method != "HEAD") {
      send_stream(answer);
      stream_->mute();
      return;
    }
    fill(response, std::move(answer));
  }

  // The library's own streams end at once where it does not own the listening socket.  Without a length the end of the connection is the
  // end of the answer (RFC 9112 section 6.3).
  void send_stream(const HttpResponse& answer) const {
    std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " " + std::string(status_title(answer.status)) +
                       "\r\nConnection: close\r\nContent-Type: " + answer.content_type + "\r\n";
    for (const auto& [name, value] : fixed_headers()) head.append(name).append(": ").append(value).append("\r\n");
    if (!connection_->write(head + "\r\n")) return;
    Outlet outlet(*connection_);
    answer.stream(outlet);
  }

  const HttpListener::Handler& handler_;
  const std::stop_token stop_;
  HttpConnection* connection_ = nullptr;  // the one being served
  LibraryStream* stream_ = nullptr;
};

void refuse(HttpConnection& connection, const Refusal& refusal) {
  const HttpResponse answer = error_response(refusal.status, refusal.code, refusal.message);
  connection.write("HTTP/1.1 " + std::to_string(refusal.status) + " " + std::string(status_title(refusal.status)) +
                   "\r\nConnection: close\r\nContent-Type: " + answer.content_type +
                   "\r\nContent-Length: " + std::to_string(answer.body.size()) + "\r\n\r\n" + answer.body);
}

Result<std::unique_ptr<TransportFactory>> make_transports(const HttpListener::Options& options) {
  if (options.certificate_file.empty() && options.key_file.empty()) return plain_transport();
  return tls_transport(options.certificate_file, options.key_file);
}

}  // namespace

class HttpListener::Impl {
 public:
  Impl(const Options& options, Handler handler, Descriptor listener, Descriptor stop_event, std::unique_ptr<TransportFactory> transports)
      : handler_(std::move(handler)),
        transports_(std::move(transports)),
        stop_event_(std::move(stop_event)),
        port_(port_of(listener.get())),
        lobby_(std::make_unique<HttpLobby>(HttpLobby::Options{options.limits, options.connections, options.connections},
                                           std::move(listener), stop_event_.get(), *transports_)) {
    for (unsigned i = 0; i < options.threads; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Impl() { stop(); }

  std::uint16_t port() const { return port_; }

  void stop() {
    stop_.request_stop();
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(stop_event_.get(), &one, sizeof(one));  // cannot fail: the counter is far from full
    threads_.clear();
    lobby_.reset();
  }

 private:
  void work() {
    Engine engine(handler_, stop_.get_token());
    while (const auto connection = lobby_->next()) {
      if (connection->refusal()) {
        refuse(*connection, *connection->refusal());
      } else {
        engine.serve(*connection);
      }
      connection->say_farewell();
    }
  }

  const Handler handler_;
  const std::unique_ptr<TransportFactory> transports_;
  const Descriptor stop_event_;
  const std::uint16_t port_;
  std::stop_source stop_;
  std::unique_ptr<HttpLobby> lobby_;
  std::vector<std::jthread> threads_;
};

HttpListener::HttpListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpListener::~HttpListener() = default;

Result<std::unique_ptr<HttpListener>> HttpListener::start(const Options& options, Handler handler) {
  auto transports = SLUICE_TRY(make_transports(options));
  Descriptor listener = SLUICE_TRY(open_listener(options.address));
  Descriptor stop_event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_event.open()) return Error(ErrorKind::kFatal, "listen_failed", std::string("eventfd: ") + std::strerror(errno));
  return std::unique_ptr<HttpListener>(new HttpListener(
      std::make_unique<Impl>(options, std::move(handler), std::move(listener), std::move(stop_event), std::move(transports))));
}

std::uint16_t HttpListener::port() const { return impl_->port(); }
void HttpListener::stop() { impl_->stop(); }

}  // namespace sluice::admin
