#include "core/config_types.h"

#include <algorithm>

namespace sluice {

bool valid_name(std::string_view name) {
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 100 && word(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return word(c) || c == '_' || c == '-'; });
}

std::string ConnectionUrl::redacted() const {
  const std::size_t scheme = text_.find("://");
  if (scheme == std::string::npos) return text_.empty() ? "" : "***";
  const std::size_t authority = scheme + 3;
  const std::size_t end = std::min(text_.find('/', authority), text_.find('?', authority));
  const std::size_t at = text_.rfind('@', end);
  std::string result = text_;
  // Parameters may carry a password too (password=..., sslpassword=...), so their values are left out altogether.
  const std::size_t query = result.find('?', authority);
  if (query != std::string::npos) result = result.substr(0, query) + "?***";
  const bool has_user = at != std::string::npos && at > authority;
  const std::size_t colon = text_.find(':', authority);
  if (has_user && colon < at) result.replace(colon + 1, at - colon - 1, "***");
  return result;
}

}  // namespace sluice
