#include "formats/debezium/decimal_bytes.h"

#include <algorithm>

namespace sluice::debezium {

namespace {

constexpr std::size_t kSmallDigits = 18;  // fit into 63 bits
constexpr std::size_t kChunkDigits = 9;

std::uint64_t to_number(std::string_view digits) {
  std::uint64_t number = 0;
  for (const char c : digits) number = number * 10 + static_cast<std::uint64_t>(c - '0');
  return number;
}

// Appends the low `count` bytes of `number`, the highest first.
void append_big_endian(std::uint64_t number, std::size_t count, std::string& out) {
  for (std::size_t i = count; i-- > 0;) out += static_cast<char>(number >> (8 * i) & 0xff);
}

void append_small(std::uint64_t magnitude, bool negative, std::string& out) {
  const auto value = static_cast<std::int64_t>(negative ? ~magnitude + 1 : magnitude);
  std::size_t count = 1;
  while (count < 8 && value >> (8 * count - 1) != (negative ? -1 : 0)) ++count;
  append_big_endian(static_cast<std::uint64_t>(value), count, out);
}

// Little-endian words of 32 bits.
void to_words(std::string_view digits, std::vector<std::uint32_t>& words) {
  words.clear();
  for (std::size_t i = 0; i < digits.size();) {
    const std::size_t size = i == 0 && digits.size() % kChunkDigits != 0 ? digits.size() % kChunkDigits : kChunkDigits;
    std::uint64_t carry = to_number(digits.substr(i, size));
    for (std::uint32_t& word : words) {
      carry += std::uint64_t{word} * 1'000'000'000U;  // right for the first, shorter chunk too: there is no word yet
      word = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) words.push_back(static_cast<std::uint32_t>(carry));
    i += size;
  }
}

void append_large(std::vector<std::uint32_t>& words, bool negative, std::string& out) {
  if (negative) {
    std::uint64_t carry = 1;
    for (std::uint32_t& word : words) {
      carry += static_cast<std::uint32_t>(~word);
      word = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
  }
  words.push_back(negative ? 0xffffffffU : 0U);  // room for the sign
  const std::size_t start = out.size();
  for (std::size_t i = words.size(); i-- > 0;) append_big_endian(words[i], 4, out);
  std::size_t needless = 0;
  const auto sign_of = [&](std::size_t at) { return (static_cast<unsigned char>(out[at]) & 0x80U) != 0; };
  const char filler = negative ? '\xff' : '\0';
  while (start + needless + 1 < out.size() && out[start + needless] == filler && sign_of(start + needless + 1) == negative) ++needless;
  out.erase(start, needless);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool DecimalDigits::parse(std::string_view text) {
  digits.clear();
  scale = 0;
  negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::string_view rest = point < text.size() ? text.substr(point + 1) : std::string_view();
  const bool good = !(whole.empty() && rest.empty()) && std::all_of(whole.begin(), whole.end(), is_digit) &&
                    std::all_of(rest.begin(), rest.end(), is_digit);
  if (!good) return false;
  digits.append(whole).append(rest);
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  scale = rest.size();
  return true;
}

bool DecimalDigits::rescale(std::size_t wanted) {
  if (wanted >= scale) {
    if (!digits.empty()) digits.append(wanted - scale, '0');
    scale = wanted;
    return true;
  }
  const std::size_t excess = scale - wanted;
  const std::size_t zeros = digits.empty() ? excess : digits.size() - 1 - std::min(digits.find_last_not_of('0'), digits.size() - 1);
  if (!digits.empty() && zeros < excess) return false;
  if (!digits.empty()) digits.resize(digits.size() - excess);
  scale = wanted;
  return true;
}

void DecimalDigits::round_to(std::size_t wanted) {
  if (rescale(wanted)) return;
  const std::size_t excess = scale - wanted;
  const bool up = digits.size() >= excess && digits[digits.size() - excess] >= '5';
  digits.resize(digits.size() > excess ? digits.size() - excess : 0);
  scale = wanted;
  if (!up) return;
  std::size_t i = digits.size();
  while (i > 0 && digits[i - 1] == '9') digits[--i] = '0';
  if (i > 0) {
    ++digits[i - 1];
  } else {
    digits.insert(digits.begin(), '1');
  }
}

void DecimalDigits::strip_zeros() {
  if (digits.empty()) {
    scale = 0;
    return;
  }
  while (scale > 0 && digits.back() == '0') {
    digits.pop_back();
    --scale;
  }
}

void DecimalDigits::append_bytes(std::string& out) {
  if (digits.size() <= kSmallDigits) return append_small(to_number(digits), negative && !digits.empty(), out);
  to_words(digits, words_);
  append_large(words_, negative, out);
}

void DecimalDigits::append_text(std::string& out) const {
  if (negative && !digits.empty()) out += '-';
  const std::size_t whole = digits.size() > scale ? digits.size() - scale : 0;
  out.append(whole == 0 ? "0" : std::string_view(digits).substr(0, whole));
  if (scale == 0) return;
  out += '.';
  out.append(scale - (digits.size() - whole), '0');
  out.append(digits, whole);
}

}  // namespace sluice::debezium
