#include "tests/support/scripted_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

namespace sluice::testing {

namespace {

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool receive(int fd, std::string& input) {
  std::array<char, 65536> chunk{};
  const ssize_t got = ::recv(fd, chunk.data(), chunk.size(), 0);
  if (got <= 0) return false;
  input.append(chunk.data(), static_cast<std::size_t>(got));
  return true;
}

}  // namespace

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* plain = reinterpret_cast<sockaddr*>(&address);  // NOLINT: the socket API
  if (::bind(listener_, plain, size) != 0 || ::listen(listener_, 64) != 0 || ::getsockname(listener_, plain, &size) != 0) {
    throw std::runtime_error("scripted server");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { accept(); });
}

ScriptedServer::~ScriptedServer() {
  ended_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : sockets_) ::shutdown(fd, SHUT_RDWR);
  }
  threads_.clear();
  for (const int fd : sockets_) ::close(fd);
  ::close(listener_);
}

std::vector<ScriptedRequest> ScriptedServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void ScriptedServer::accept() {
  while (!ended_) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    ++connections_;
    const std::lock_guard lock(mutex_);
    sockets_.push_back(fd);
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

void ScriptedServer::serve(int fd) {
  std::string input;
  while (!ended_ && serve_one(fd, input)) {
  }
  ::shutdown(fd, SHUT_RDWR);
}

bool ScriptedServer::serve_one(int fd, std::string& input) {
  std::size_t end = 0;
  while ((end = input.find("\r\n\r\n")) == std::string::npos) {
    if (!receive(fd, input)) return false;
  }
  ScriptedRequest request;
  std::string head = input.substr(0, end + 2);
  input.erase(0, end + 4);
  const std::string line = head.substr(0, head.find("\r\n"));
  request.method = line.substr(0, line.find(' '));
  request.target = line.substr(request.method.size() + 1, line.rfind(' ') - request.method.size() - 1);
  for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
    const std::size_t next = head.find("\r\n", at);
    const std::size_t colon = head.find(':', at);
    std::string name = head.substr(at, colon - at);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    request.headers[name] = head.substr(colon + 2, next - colon - 2);
    at = next + 2;
  }
  const auto length = request.headers.find("content-length");
  const std::size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
  while (input.size() < size) {
    if (!receive(fd, input)) return false;
  }
  request.body = input.substr(0, size);
  input.erase(0, size);
  ScriptedAnswer answer;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    answer = script_(request);
  }
  return send_answer(fd, answer);
}

bool ScriptedServer::send_answer(int fd, const ScriptedAnswer& answer) {
  if (answer.hang_up) return false;
  if (answer.silent) {
    std::string ignored;
    while (receive(fd, ignored)) {
    }
    return false;
  }
  std::string text = answer.raw;
  if (text.empty()) {
    text = "HTTP/1.1 " + std::to_string(answer.status) + " Said\r\nContent-Length: " + std::to_string(answer.body.size()) + "\r\n";
    for (const auto& [name, value] : answer.headers) text.append(name).append(": ").append(value).append("\r\n");
    text += "\r\n" + answer.body;
  }
  for (std::size_t i = 0; answer.byte_by_byte && i < text.size(); ++i) {
    pollfd waiting{fd, 0, 0};
    if (!send_all(fd, std::string_view(text).substr(i, 1)) || ::poll(&waiting, 1, 5) > 0) return false;
  }
  return (answer.byte_by_byte || send_all(fd, text)) && answer.raw.empty();
}

}  // namespace sluice::testing
