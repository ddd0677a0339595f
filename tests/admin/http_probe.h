#pragma once
// A raw client for tests: sends exactly the given bytes, gives back what came until the server closed.

#include <cstdint>
#include <string>

namespace sluice::test {

class HttpProbe {
 public:
  explicit HttpProbe(std::uint16_t port);
  ~HttpProbe();
  HttpProbe(const HttpProbe&) = delete;
  HttpProbe& operator=(const HttpProbe&) = delete;

  // False when the server has gone.
  bool send(const std::string& bytes);
  // All until the end; gives up after 10 s.
  std::string receive();

 private:
  int fd_ = -1;
};

// One whole exchange.
std::string ask(std::uint16_t port, const std::string& request);
// "GET <path>" with a Host of this machine and further header lines, each ending with \r\n.
std::string get(std::uint16_t port, const std::string& path, const std::string& headers = {});

int status_of(const std::string& response);  // 0: no response
std::string body_of(const std::string& response);

}  // namespace sluice::test
