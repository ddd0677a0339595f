#pragma once
// What a daemon needs beside its pipelines: from `--settings FILE`, overridden by the command line.

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/config_fields.h"
#include "daemon/log_output.h"
#include "daemon/source_texts.h"

namespace sluice::daemon {

// A file's name, and where it was written, for findings about the file.
struct FileSetting {
  std::string path;  // empty: none
  ConfigNode node;
  bool empty() const { return path.empty(); }
};

struct LogSettings {
  LogFormat format = LogFormat::kText;
  LogLevel level = LogLevel::kInfo;
  static const ConfigFields<LogSettings>& fields();
};

// PEM files.  Read at start; load_settings() has checked that they can be read.
struct TlsSettings {
  FileSetting certificate, key;
  static const ConfigFields<TlsSettings>& fields();
};

// What one client of the admin API may take.
struct LimitSettings {
  unsigned connections = 64;  // at once
  ByteSize head{16ULL << 10U};
  ByteSize body{1ULL << 20U};
  std::chrono::milliseconds request_timeout{5000};  // for a whole request, and again for its answer
  static const ConfigFields<LimitSettings>& fields();
};

struct Settings {
  std::string data_dir;  // empty: default_data_directory()
  std::string listen = "127.0.0.1:7600";
  LogSettings log;
  FileSetting token_file;
  Secret token;  // what token_file holds, without the line break at its end; current() reads it again.  Empty: none
  std::optional<TlsSettings> tls;
  LimitSettings limits;
  std::chrono::milliseconds stall_after{60'000};  // without progress for so long a pipeline is unhealthy
  FileSetting env_file;                           // --env-file wins
  // Fields that components share with `use: NAME`; the nodes keep their places in the settings file.
  std::vector<std::pair<std::string, ConfigNode>> connections;
  static const ConfigFields<Settings>& fields();
};

// Reads a YAML file of these keys and the token; all that is wrong goes to `findings`, its text to `texts`.
Settings load_settings(const std::string& path, const Variables& variables, Diagnostics& findings, SourceTexts& texts);

// The keys of a settings file, for documentation and completion.
std::vector<FieldDoc> settings_fields();

}  // namespace sluice::daemon

namespace sluice {

template <>
struct ConfigType<daemon::FileSetting> {
  static bool bind(const ConfigNode& node, daemon::FileSetting& out, BindContext& context);
  static std::string type_name() { return "file"; }
  static std::string show(const daemon::FileSetting& value) { return value.path; }
};

}  // namespace sluice
