#include "daemon/environment_variables.h"

#include <fmt/format.h>

#include <stdlib.h>  // setenv

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

Status load_environment_file(const std::string& path) {
  const std::string text = SLUICE_TRY(read_whole_file(path, EnvironmentVariables::kFileLimit));
  std::size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    ++number;
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("export ")) line = trim(line.substr(7));
    const std::size_t equals = line.find('=');
    const bool good = equals != std::string_view::npos && equals != 0 && line.find('\0') == std::string_view::npos;
    if (!good) return Error(ErrorKind::kInvalidConfig, "bad_value", fmt::format("{}:{}: expected NAME=value", path, number));
    const std::string name(trim(line.substr(0, equals))), value(unquote(trim(line.substr(equals + 1))));
    if (::setenv(name.c_str(), value.c_str(), 0) != 0) return Error(ErrorKind::kFatal, "environment", fmt::format("cannot set {}", name));
  }
  return {};
}

std::optional<std::string> EnvironmentVariables::find(std::string_view name) const {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

Result<std::string> EnvironmentVariables::read_file(std::string_view path) const {
  std::string text = SLUICE_TRY(read_whole_file(std::string(path), kFileLimit));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace sluice::daemon
