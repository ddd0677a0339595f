#pragma once
// The inner loops of the JSON codec: looking at 16 bytes of text at a time.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sluice {

inline std::uint64_t load_word(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// Bit 7 of each byte of `word` that is '"', '\' or below 0x20; exact up to and including the lowest such byte.
inline std::uint64_t special_bytes(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
  constexpr std::uint64_t kHighs = 0x8080808080808080ULL;
  const std::uint64_t quote = word ^ (kOnes * '"');
  const std::uint64_t backslash = word ^ (kOnes * '\\');
  const std::uint64_t below = (word - kOnes * 0x20) & ~word;
  return (((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash) | below) & kHighs;
}

// The first byte of [p, end) that cannot stand for itself inside a JSON string: '"', '\' or a control character below 0x20; `end` if
// there is none.  Up to 15 bytes behind `end` are read, and ignored.
inline const char* find_special(const char* p, const char* end) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1f);
  for (; p < end; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i is_control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes);
    const __m128i special = _mm_or_si128(is_control, _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
    if (mask != 0) {
      p += std::countr_zero(mask);
      break;
    }
  }
#else
  static_assert(std::endian::native == std::endian::little);
  for (; p < end; p += 8) {
    const std::uint64_t special = special_bytes(load_word(p));
    if (special != 0) {
      p += std::countr_zero(special) / 8;
      break;
    }
  }
#endif
  return p < end ? p : end;
}

}  // namespace sluice
