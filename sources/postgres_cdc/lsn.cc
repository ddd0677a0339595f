#include "sources/postgres_cdc/lsn.h"

#include <cstdio>

#include "sources/postgres_cdc/position_words.h"

namespace sluice::sources::postgres {

namespace {

constexpr std::string_view kMessages = "+messages";

}  // namespace

std::string lsn_text(Lsn lsn) {
  char text[32];
  std::snprintf(text, sizeof text, "%X/%X", static_cast<unsigned>(lsn >> 32U), static_cast<unsigned>(lsn));
  return text;
}

std::optional<Lsn> parse_lsn(std::string_view text) {
  const std::size_t slash = text.find('/');
  std::uint32_t high = 0;
  std::uint32_t low = 0;
  if (slash == std::string_view::npos || !parse_number(text.substr(0, slash), high, 16) || !parse_number(text.substr(slash + 1), low, 16)) {
    return std::nullopt;
  }
  return (static_cast<Lsn>(high) << 32U) | low;
}

std::string ResumePoint::encode() const {
  return "pg1 " + lsn_text(lsn) + ' ' + std::to_string(timeline) + ' ' + std::to_string(protocol) + std::string(messages ? kMessages : "") +
         ' ' + publication;
}

std::optional<ResumePoint> ResumePoint::decode(std::string_view text) {
  if (next_word(text) != "pg1") return std::nullopt;
  ResumePoint point;
  const std::optional<Lsn> lsn = parse_lsn(next_word(text));
  if (!lsn || !parse_number(next_word(text), point.timeline)) return std::nullopt;
  std::string_view protocol = next_word(text);
  point.messages = protocol.ends_with(kMessages);
  if (point.messages) protocol.remove_suffix(kMessages.size());
  if (!parse_number(protocol, point.protocol)) return std::nullopt;
  point.lsn = *lsn;
  point.publication = text;
  return point;
}

}  // namespace sluice::sources::postgres
