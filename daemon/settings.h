#pragma once
// What a daemon needs beside its pipelines: from `--settings FILE`, overridden by the command line.

#include <optional>
#include <string>

#include "core/config_fields.h"
#include "daemon/log_output.h"
#include "daemon/source_texts.h"

namespace sluice::daemon {

struct Settings {
  std::string data_dir;  // empty: default_data_directory()
  std::string listen = "127.0.0.1:7600";
  LogFormat log_format = LogFormat::kText;
  LogLevel log_level = LogLevel::kInfo;
  static const ConfigFields<Settings>& fields();
};

// Reads a YAML file of these keys; all that is wrong goes to `findings`, its text to `texts`.
Settings load_settings(const std::string& path, const Variables& variables, Diagnostics& findings, SourceTexts& texts);

}  // namespace sluice::daemon
