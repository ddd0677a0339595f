#pragma once
// What turning a configuration into values needs from outside; daemon/ implements it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/diagnostic.h"
#include "core/result.h"

namespace sluice {

// Where ${UPPER_CASE} and ${file:PATH} come from; daemon/ implements it over the environment and --env-file.
class Variables {
 public:
  virtual ~Variables() = default;
  virtual std::optional<std::string> find(std::string_view name) const = 0;
  virtual Result<std::string> read_file(std::string_view path) const = 0;
  // The same that outlives the loading of the configuration, for secrets that are read again; null: there is no such thing.
  virtual std::shared_ptr<const Variables> lasting() const { return nullptr; }
};

// Compiles what it can before the pipeline is built; daemon/ implements it over expr/.
class ExpressionChecker {
 public:
  virtual ~ExpressionChecker() = default;
  enum class Expected : std::uint8_t { kAny, kBool };
  // The expression is text[offset, offset + source.size()) of `node`.
  virtual void check(const ConfigNode& node, std::string_view source, std::size_t offset, Expected expected,
                     Diagnostics& findings) const = 0;
};

struct BindContext {
  Diagnostics& findings;
  const Variables& variables;
  const ExpressionChecker* expressions = nullptr;  // null: syntax is not checked here (unit tests)
  bool allow_unset = false;      // `validate --allow-unset`: an unset variable is a warning, and what it would give is not checked
  std::size_t unset_values = 0;  // how many such variables were met so far
};

}  // namespace sluice
