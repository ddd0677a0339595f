#include "daemon/log_output.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <iterator>

#include "core/civil_time.h"
#include "core/clock.h"

namespace sluice::daemon {

namespace {

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarning: return "warning";
    case LogLevel::kError: return "error";
  }
  return "";
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

// JSON's escapes serve the text form as well.
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else {
          out += c;
        }
    }
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

// A message in the text form: only what could break the line is escaped.
void append_message(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      append_escaped(out, std::string_view(&c, 1));
    } else {
      out += c;
    }
  }
}

bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7f) return true;
  }
  return false;
}

class SpdlogLogger final : public Logger {
 public:
  SpdlogLogger(LogFormat format, LogLevel least) : format_(format), output_("sluice", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    output_.set_pattern("%v");
    output_.set_level(spdlog_level(least));
  }

  void log(LogLevel level, std::string_view message, Fields fields) override {
    if (!output_.should_log(spdlog_level(level))) return;
    const std::string line = log_line(format_, level, message, fields, SystemClock().utc_microseconds());
    output_.log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
  }

 private:
  const LogFormat format_;
  spdlog::logger output_;
};

}  // namespace

std::string log_line(LogFormat format, LogLevel level, std::string_view message, Logger::Fields fields, std::int64_t utc_microseconds) {
  std::array<char, kTimeTextBytes> buffer{};
  const std::string_view time(buffer.data(), static_cast<std::size_t>(write_timestamp(buffer.data(), utc_microseconds) - buffer.data()));
  std::string out;
  if (format == LogFormat::kText) {
    fmt::format_to(std::back_inserter(out), "{} {:<7} ", time, level_name(level));
    append_message(out, message);
    for (const auto& [key, value] : fields) {
      out += ' ';
      append_message(out, key);
      out += '=';
      if (needs_quotes(value)) {
        append_quoted(out, value);
      } else {
        out += value;
      }
    }
    return out;
  }
  fmt::format_to(std::back_inserter(out), "{{\"time\":\"{}\",\"level\":\"{}\",\"message\":", time, level_name(level));
  append_quoted(out, message);
  for (const auto& [key, value] : fields) {
    out += ',';
    append_quoted(out, key);
    out += ':';
    append_quoted(out, value);
  }
  return out + "}";
}

std::unique_ptr<Logger> make_logger(LogFormat format, LogLevel least) { return std::make_unique<SpdlogLogger>(format, least); }

}  // namespace sluice::daemon
