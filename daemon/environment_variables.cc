#include "daemon/environment_variables.h"

#include <stdlib.h>  // setenv

#include <cstdlib>

#include "daemon/environment_file.h"
#include "daemon/source_texts.h"

namespace sluice::daemon {

void load_environment_file(const std::string& path, Diagnostics& findings) {
  const auto text = read_whole_file(path, EnvironmentVariables::kFileLimit);
  const auto refuse = [&](std::string_view code, std::string message) {
    findings.add({Diagnostic::Severity::kError, {path, 1, 1, 1, 1}, {}, code, std::move(message), {}, {}});
  };
  if (!text) return refuse("unreadable_file", text.error().message());
  const std::size_t before = findings.findings().size();
  const auto variables = parse_environment_file(*text, path, findings);
  if (findings.has_errors_since(before)) return;
  for (const auto& [name, value] : variables) {
    if (::setenv(name.c_str(), value.c_str(), 0) != 0) refuse("bad_value", "cannot set " + name);
  }
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
