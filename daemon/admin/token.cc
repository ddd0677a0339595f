#include "daemon/admin/token.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/admin/descriptor.h"

namespace sluice::admin {

namespace {

constexpr std::size_t kLeast = 16;   // characters; what can be guessed is no token
constexpr std::size_t kMost = 4096;  // bytes of the file

Error unusable(const std::string& path, const std::string& why) {
  return {ErrorKind::kInvalidConfig, "token_file_unusable", "the token file \"" + path + "\" " + why};
}

}  // namespace

Result<Secret> read_token_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.open()) return unusable(path, std::string("cannot be read: ") + std::strerror(errno));
  struct stat found {};
  if (::fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode)) return unusable(path, "is no regular file");
  if ((found.st_mode & 077U) != 0) return unusable(path, "may be read or written by others: chmod 600 it");
  if (found.st_uid != ::geteuid() && found.st_uid != 0) return unusable(path, "belongs to another user");
  std::array<char, kMost + 1> bytes{};
  const ssize_t got = ::read(file.get(), bytes.data(), bytes.size());
  if (got < 0) return unusable(path, std::string("cannot be read: ") + std::strerror(errno));
  if (static_cast<std::size_t>(got) > kMost) return unusable(path, "is longer than 4096 bytes");
  std::string_view text(bytes.data(), static_cast<std::size_t>(got));
  text = text.substr(0, text.find_first_of("\r\n"));
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!printable) return unusable(path, "must hold one word of printable ASCII characters");
  if (text.size() < kLeast) return unusable(path, "holds fewer than 16 characters; try: openssl rand -hex 32");
  return Secret(std::string(text));
}

bool equal_in_constant_time(std::string_view given, std::string_view wanted) {
  unsigned difference = given.size() == wanted.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(wanted.empty() ? 0 : wanted[i % wanted.size()]);
  }
  return difference == 0;
}

}  // namespace sluice::admin
