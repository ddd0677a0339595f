#include "tests/admin/http_probe.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>

namespace sluice::test {

HttpProbe::HttpProbe(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval limit{10, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  // No assertion here: Catch2 is not thread-safe, and tests probe from many threads.  Without a connection nothing is received.
  static_cast<void>(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)));
}

HttpProbe::~HttpProbe() { ::close(fd_); }

bool HttpProbe::send(const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

std::string HttpProbe::receive() {
  std::string text;
  std::array<char, 4096> chunk{};
  for (ssize_t got = 0; (got = ::recv(fd_, chunk.data(), chunk.size(), 0)) > 0;) text.append(chunk.data(), static_cast<std::size_t>(got));
  return text;
}

std::string ask(std::uint16_t port, const std::string& request) {
  HttpProbe probe(port);
  probe.send(request);
  return probe.receive();
}

std::string get(std::uint16_t port, const std::string& path, const std::string& headers) {
  return ask(port, "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers + "\r\n");
}

int status_of(const std::string& response) { return response.starts_with("HTTP/1.1 ") ? std::stoi(response.substr(9, 3)) : 0; }

std::string body_of(const std::string& response) {
  const std::size_t end = response.find("\r\n\r\n");
  return end == std::string::npos ? std::string() : response.substr(end + 4);
}

}  // namespace sluice::test
