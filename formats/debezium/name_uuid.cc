#include "formats/debezium/name_uuid.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace sluice::debezium {

namespace {

using State = std::array<std::uint32_t, 4>;

std::uint32_t word_at(std::string_view block, std::size_t index) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < 4; ++i) word |= std::uint32_t{static_cast<unsigned char>(block[4 * index + i])} << (8 * i);
  return word;
}

// RFC 1321 section 3.4.
void digest_block(std::string_view block, State& state) {
  static constexpr std::array<int, 16> kShifts = {7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};
  auto [a, b, c, d] = state;
  for (unsigned i = 0; i < 64; ++i) {
    std::uint32_t mixed = 0;
    unsigned index = i;
    switch (i / 16) {
      case 0: mixed = (b & c) | (~b & d); break;
      case 1: mixed = (b & d) | (c & ~d), index = (5 * i + 1) % 16; break;
      case 2: mixed = b ^ c ^ d, index = (3 * i + 5) % 16; break;
      default: mixed = c ^ (b | ~d), index = 7 * i % 16;
    }
    const auto constant = static_cast<std::uint32_t>(std::floor(std::fabs(std::sin(i + 1.0)) * 4294967296.0));
    const std::uint32_t sum = a + mixed + constant + word_at(block, index);
    a = d;
    d = c;
    c = b;
    b += std::rotl(sum, kShifts[i / 16 * 4 + i % 4]);
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

}  // namespace

std::string name_uuid(std::string_view name) {
  std::string padded(name);
  padded += '\x80';
  while (padded.size() % 64 != 56) padded += '\0';
  for (std::size_t i = 0; i < 8; ++i) padded += static_cast<char>(std::uint64_t{name.size()} * 8 >> (8 * i) & 0xff);
  State state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  for (std::size_t at = 0; at < padded.size(); at += 64) digest_block(std::string_view(padded).substr(at, 64), state);

  std::array<unsigned char, 16> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(state[i / 4] >> (8 * (i % 4)) & 0xff);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x30);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 15];
  }
  return text;
}

}  // namespace sluice::debezium
