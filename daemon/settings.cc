#include "daemon/settings.h"

#include "daemon/yaml_loader.h"

namespace sluice::daemon {

const ConfigFields<Settings>& Settings::fields() {
  static const auto kFields = ConfigFields<Settings>{}
                                  .optional("data_dir", &Settings::data_dir,
                                            "Where positions and dead letters are kept; default $STATE_DIRECTORY, else ./sluice-data.")
                                  .optional("listen", &Settings::listen, "Address of the admin API, host:port; port 0 picks one.")
                                  .optional("log_format", &Settings::log_format, "How the log is written.")
                                  .optional("log_level", &Settings::log_level, "Least level that is logged.");
  return kFields;
}

Settings load_settings(const std::string& path, const Variables& variables, Diagnostics& findings, SourceTexts& texts) {
  Settings settings;
  auto text = read_whole_file(path, YamlLimits{}.bytes);
  if (!text) {
    findings.add({Diagnostic::Severity::kError, {path, 1, 1, 1, 1}, {}, "unreadable_file", text.error().message(), {}, {}});
    return settings;
  }
  const auto root = load_yaml(*text, path, findings);
  texts.add(path, std::move(text).value());
  BindContext context{findings, variables};
  if (root) Settings::fields().bind(*root, nullptr, settings, context);
  return settings;
}

}  // namespace sluice::daemon
