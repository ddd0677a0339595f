#include "daemon/environment_variables.h"

#include <fmt/format.h>

#include <cstdlib>

#include "daemon/source_texts.h"

namespace sluice::daemon {

namespace {

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string_view unquote(std::string_view value) {
  const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front();
  return quoted ? value.substr(1, value.size() - 2) : value;
}

}  // namespace

Result<EnvironmentVariables> EnvironmentVariables::with_file(const std::string& path) {
  const std::string text = SLUICE_TRY(read_whole_file(path, kFileLimit));
  EnvironmentVariables result;
  std::size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    ++number;
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("export ")) line = trim(line.substr(7));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return Error(ErrorKind::kInvalidConfig, "bad_value", fmt::format("{}:{}: expected NAME=value", path, number));
    }
    result.from_file_.insert_or_assign(std::string(trim(line.substr(0, equals))), std::string(unquote(trim(line.substr(equals + 1)))));
  }
  return result;
}

std::optional<std::string> EnvironmentVariables::find(std::string_view name) const {
  if (const char* value = std::getenv(std::string(name).c_str())) return value;
  const auto found = from_file_.find(name);
  if (found == from_file_.end()) return std::nullopt;
  return found->second;
}

Result<std::string> EnvironmentVariables::read_file(std::string_view path) const {
  std::string text = SLUICE_TRY(read_whole_file(std::string(path), kFileLimit));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace sluice::daemon
