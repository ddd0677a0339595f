#pragma once
// The daemon's log: one line per event on standard error, as text or JSON.

#include <memory>
#include <string>
#include <string_view>

#include "core/config_binding.h"
#include "core/logger.h"

namespace sluice::daemon {

enum class LogFormat : std::uint8_t { kText, kJson };

// One line without its line break.  Control characters (line breaks above all) of message and values are escaped, so nobody can forge
// a line.  `utc_microseconds` since 1970.
//   text: 2026-01-31T10:00:00.000000Z info  pipeline started pipeline=orders path="a b"
//   json: {"time":"...","level":"info","message":"pipeline started","pipeline":"orders","path":"a b"}
std::string log_line(LogFormat format, LogLevel level, std::string_view message, Logger::Fields fields, std::int64_t utc_microseconds);

// Any thread.
std::unique_ptr<Logger> make_logger(LogFormat format, LogLevel least);

}  // namespace sluice::daemon

namespace sluice {

template <>
struct EnumNames<daemon::LogFormat> {
  static constexpr std::array kNames = {std::pair{std::string_view{"text"}, daemon::LogFormat::kText},
                                        std::pair{std::string_view{"json"}, daemon::LogFormat::kJson}};
};

template <>
struct EnumNames<LogLevel> {
  static constexpr std::array kNames = {
      std::pair{std::string_view{"info"}, LogLevel::kInfo}, std::pair{std::string_view{"debug"}, LogLevel::kDebug},
      std::pair{std::string_view{"warning"}, LogLevel::kWarning}, std::pair{std::string_view{"error"}, LogLevel::kError}};
};

}  // namespace sluice
