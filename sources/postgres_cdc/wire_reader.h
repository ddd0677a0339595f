#pragma once
// A cursor over bytes from the server that never reads beyond their end.  A read that would sets failed() and gives zero or
// nothing; so does every read after it: a decoder reads a whole message and asks once.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace sluice::sources::postgres {

class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  bool failed() const { return failed_; }
  std::size_t left() const { return rest_.size(); }
  // True when the message was read to its last byte and no further.
  bool complete() const { return !failed_ && rest_.empty(); }

  // Big endian, as everything in the protocol.
  template <typename T>
  T integer() {
    const std::string_view raw = bytes(sizeof(T));
    std::make_unsigned_t<T> result = 0;
    for (const char c : raw)
      result = static_cast<std::make_unsigned_t<T>>((static_cast<std::uint64_t>(result) << 8U) | static_cast<unsigned char>(c));
    return static_cast<T>(result);
  }
  char byte() { return static_cast<char>(integer<std::uint8_t>()); }

  std::string_view bytes(std::size_t count) {
    if (count > rest_.size() || failed_) return fail();
    const std::string_view result = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return result;
  }

  // Text up to a zero byte, which is skipped.
  std::string_view text() {
    const std::size_t zero = rest_.find('\0');
    if (zero == std::string_view::npos || failed_) return fail();
    const std::string_view result = rest_.substr(0, zero);
    rest_.remove_prefix(zero + 1);
    return result;
  }

 private:
  std::string_view fail() {
    failed_ = true;
    rest_ = {};
    return {};
  }

  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace sluice::sources::postgres
