#pragma once
// Where ${NAME} and ${file:PATH} of the configuration come from: the process's environment, and a file of NAME=value lines.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/config_binding.h"

namespace sluice::daemon {

class EnvironmentVariables final : public Variables {
 public:
  static constexpr std::size_t kFileLimit = std::size_t{1} << 20U;  // bytes of a ${file:PATH}

  std::optional<std::string> find(std::string_view name) const override;
  // One line break at the end is taken off: editors and `echo` add it, secrets do not have it.
  Result<std::string> read_file(std::string_view path) const override;
  std::shared_ptr<const Variables> lasting() const override { return std::make_shared<EnvironmentVariables>(); }
};

// Puts the lines of `path` (environment_file.h) into the process's environment, where expressions find them too; what is set already
// stays.  Nothing is set when a line is wrong; each is a finding with its place.  Call before there is a second thread.
void load_environment_file(const std::string& path, Diagnostics& findings);

}  // namespace sluice::daemon
