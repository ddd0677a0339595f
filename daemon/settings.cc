#include "daemon/settings.h"

#include <unistd.h>

#include "daemon/pipeline_keys.h"
#include "daemon/yaml_loader.h"

namespace sluice::daemon {

namespace {

constexpr std::size_t kTokenLimit = 4096;  // bytes of a token file
constexpr std::size_t kLeastToken = 16;    // bytes: 128 bits as 32 hexadecimal digits are usual, half of it is the least that is no guess

const ConfigNode& value_or_whole(const ConfigNode& node, std::string_view key) {
  const ConfigNode* value = node.find(key);
  return value == nullptr ? node : *value;
}

Result<std::string> read_token(const std::string& path) {
  std::string text = SLUICE_TRY(read_whole_file(path, kTokenLimit));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

Result<std::string> read_token_again(const std::string& path) {
  auto text = read_token(path);
  if (!text) return Error(ErrorKind::kTransient, "secret_unreadable", text.error().message());
  return text;
}

void load_token(Settings& settings, Diagnostics& findings) {
  const FileSetting& file = settings.token_file;
  if (file.empty()) return;
  auto text = read_token(file.path);
  if (!text) {
    findings.error(file.node, "unreadable_file", text.error().message());
  } else if (text->size() < kLeastToken) {
    findings.error(file.node, "bad_value", "the token in \"" + file.path + "\" has fewer than 16 bytes",
                   "make one: openssl rand -hex 32 > " + file.path);
  } else {
    settings.token = Secret(std::move(text).value(), [path = file.path] { return read_token_again(path); });
  }
}

void check_readable(const FileSetting& file, Diagnostics& findings) {
  if (::access(file.path.c_str(), R_OK) == 0) return;
  findings.error(file.node, "unreadable_file", "cannot read \"" + file.path + "\"");
}

}  // namespace

const ConfigFields<LogSettings>& LogSettings::fields() {
  static const auto kFields = ConfigFields<LogSettings>{}
                                  .optional("format", &LogSettings::format, "How the log is written.")
                                  .optional("level", &LogSettings::level, "Least level that is logged.");
  return kFields;
}

const ConfigFields<TlsSettings>& TlsSettings::fields() {
  static const auto kFields = ConfigFields<TlsSettings>{}
                                  .required("certificate", &TlsSettings::certificate, "PEM file of the certificate and its chain.")
                                  .required("key", &TlsSettings::key, "PEM file of the private key.");
  return kFields;
}

const ConfigFields<LimitSettings>& LimitSettings::fields() {
  static const auto kFields =
      ConfigFields<LimitSettings>{}
          .optional("connections", &LimitSettings::connections, "Connections at once; more wait.")
          .optional("head", &LimitSettings::head, "Request line and headers of a request.")
          .optional("body", &LimitSettings::body, "Body of a request.")
          .optional("request_timeout", &LimitSettings::request_timeout, "For a whole request, and again for its answer.")
          .check([](const LimitSettings& limits, const ConfigNode& node, BindContext& context) {
            const auto refuse = [&](std::string_view key, std::string message) {
              context.findings.error(value_or_whole(node, key), "out_of_range", std::move(message));
            };
            if (limits.connections < 1 || limits.connections > 10'000) refuse("connections", "connections must be between 1 and 10000");
            if (limits.head.bytes < 1024 || limits.head.bytes > (1U << 20U)) refuse("head", "head must be between 1KiB and 1MiB");
            if (limits.body.bytes < 1024 || limits.body.bytes > (1U << 30U)) refuse("body", "body must be between 1KiB and 1GiB");
            if (limits.request_timeout.count() < 100) refuse("request_timeout", "request_timeout must be at least 100ms");
          });
  return kFields;
}

const ConfigFields<Settings>& Settings::fields() {
  static const auto kFields =
      ConfigFields<Settings>{}
          .optional("data_dir", &Settings::data_dir,
                    "Where positions and dead letters are kept; default $STATE_DIRECTORY, else ./sluice-data.")
          .optional("listen", &Settings::listen, "Address of the admin API, host:port; port 0 picks one.")
          .optional("log", &Settings::log, "The daemon's log, on standard error.")
          .optional("token_file", &Settings::token_file,
                    "File that holds the token of the admin API. With it every request must carry the token; without it only this "
                    "machine may ask.")
          .optional("tls", &Settings::tls, "The admin API speaks HTTPS with this certificate.")
          .optional("limits", &Settings::limits, "What a client of the admin API may take.")
          .optional("stall_after", &Settings::stall_after, "A pipeline with work that has not moved for so long is unhealthy.")
          .optional("env_file", &Settings::env_file,
                    "File of NAME=value lines for ${NAME} and env.NAME; the process's environment wins. --env-file replaces it.")
          .optional("connections", &Settings::connections,
                    "Fields that sources and sinks share: name -> fields. A component takes them with use: NAME; what it says itself "
                    "wins.")
          .check([](const Settings& settings, const ConfigNode& node, BindContext& context) {
            if (settings.stall_after.count() <= 0)
              context.findings.error(value_or_whole(node, "stall_after"), "out_of_range", "stall_after must be above 0");
            for (const auto& [name, fields] : settings.connections) {
              if (!fields.is_mapping()) wrong_type(fields, "a mapping of fields", context);
            }
          });
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
  if (!root || !Settings::fields().bind(*root, nullptr, settings, context)) return settings;
  load_token(settings, findings);
  if (settings.tls) check_readable(settings.tls->certificate, findings);
  if (settings.tls) check_readable(settings.tls->key, findings);
  return settings;
}

std::vector<FieldDoc> settings_fields() { return Settings::fields().docs(); }

}  // namespace sluice::daemon

namespace sluice {

bool ConfigType<daemon::FileSetting>::bind(const ConfigNode& node, daemon::FileSetting& out, BindContext& context) {
  auto text = expand_text(node, context);
  if (!text) return false;
  if (text->empty()) return context.findings.error(node, "bad_value", "the name of a file is empty"), false;
  out.path = std::move(*text);
  out.node = node;
  return true;
}

}  // namespace sluice
