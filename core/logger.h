#pragma once
// What an operator acts on.  Per-record information is a metric, never a log line.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

// Any thread.  Never pass a secret's revealed text.
class Logger {
 public:
  using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;
  virtual ~Logger() = default;
  virtual void log(LogLevel level, std::string_view message, Fields fields = {}) = 0;
  void info(std::string_view message, Fields fields = {}) { log(LogLevel::kInfo, message, fields); }
  void warning(std::string_view message, Fields fields = {}) { log(LogLevel::kWarning, message, fields); }
  void error(std::string_view message, Fields fields = {}) { log(LogLevel::kError, message, fields); }
};

}  // namespace sluice
