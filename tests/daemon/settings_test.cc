// The settings file, and connections that components share (CONFIG.md rules 16 and 17: wrong settings are located like any file).
#include "daemon/settings.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "daemon/findings.h"
#include "daemon/load_pipelines.h"
#include "tests/daemon/test_registry.h"

using namespace sluice;

namespace {

class NoVariables final : public Variables {
 public:
  std::optional<std::string> find(std::string_view name) const override {
    if (name == "HOST") return "db.example";
    return std::nullopt;
  }
  Result<std::string> read_file(std::string_view path) const override {
    return Error(ErrorKind::kInvalidConfig, "unreadable_file", "cannot read \"" + std::string(path) + "\"");
  }
};

class Folder {
 public:
  Folder() {
    std::string path = (std::filesystem::temp_directory_path() / "sluice-settings-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

 private:
  std::string path_;
};

std::string listed(const Diagnostics& findings) {
  std::string result;
  for (const Diagnostic& d : daemon::sorted_findings(findings)) {
    const std::string file = std::filesystem::path(d.place.file).filename();
    result += (result.empty() ? "" : "\n") + file + ":" + std::to_string(d.place.line) + ":" + std::to_string(d.place.column) + " " +
              std::string(d.code);
    if (!d.suggestion.empty()) result += " " + d.suggestion;
  }
  return result;
}

struct Loaded {
  daemon::Settings settings;
  Diagnostics findings;
  daemon::SourceTexts texts;
};

Loaded load(const Folder& folder, const std::string& text) {
  Loaded result;
  const NoVariables variables;
  result.settings = daemon::load_settings(folder.write("settings.yaml", text), variables, result.findings, result.texts);
  return result;
}

// The findings of a pipeline next to settings; "" when all is good.
daemon::LoadedPipelines with_settings(const daemon::Settings& settings, const std::string& pipeline) {
  static const Registry registry = test::test_registry();
  static const NoVariables variables;
  return daemon::load_pipeline_text(pipeline, "orders.yaml", {registry, variables, nullptr, false, &settings});
}

std::string shown(const daemon::LoadedPipelines& loaded) {
  std::string result;
  const daemon::SinkConfig& sink = loaded.pipelines.at(0).sinks.at(0);
  for (const auto& [name, value] : sink.component->show(sink.config)) result += name + "=" + value + ";";
  return result;
}

const std::string kSource = "source: {feed: {path: a}}\n";

}  // namespace

TEST_CASE("settings: every key has its value") {
  const Folder folder;
  const std::string token = folder.write("token", "0123456789abcdef0123456789abcdef\n");
  const std::string pem = folder.write("me.pem", "x");
  const Loaded loaded =
      load(folder, "data_dir: /var/lib/sluice\nlisten: 127.0.0.1:0\nlog: {format: json, level: warning}\ntoken_file: " + token +
                       "\ntls: {certificate: " + pem + ", key: " + pem +
                       "}\nlimits: {connections: 5, head: 8KiB, body: 2MiB, request_timeout: 2s}\nstall_after: 2m\n"
                       "env_file: some.env\nconnections: {shop: {url: \"postgresql://${HOST}/shop\"}}\n");
  INFO(listed(loaded.findings));
  REQUIRE(loaded.findings.findings().empty());
  const daemon::Settings& settings = loaded.settings;
  CHECK(settings.data_dir == "/var/lib/sluice");
  CHECK(settings.listen == "127.0.0.1:0");
  CHECK(settings.log.format == daemon::LogFormat::kJson);
  CHECK(settings.log.level == LogLevel::kWarning);
  CHECK(settings.token.reveal() == "0123456789abcdef0123456789abcdef");
  CHECK(settings.tls->key.path == pem);
  CHECK(settings.limits.connections == 5);
  CHECK(settings.limits.head.bytes == 8192);
  CHECK(settings.limits.body.bytes == 2097152);
  CHECK(settings.limits.request_timeout == std::chrono::seconds(2));
  CHECK(settings.stall_after == std::chrono::minutes(2));
  CHECK(settings.env_file.path == "some.env");
  CHECK(settings.connections.at(0).first == "shop");
}

TEST_CASE("settings: an empty file is the defaults") {
  const Folder folder;
  const Loaded loaded = load(folder, "# nothing\n");
  CHECK(listed(loaded.findings).empty());
  CHECK(loaded.settings.listen == "127.0.0.1:7600");
  CHECK(loaded.settings.token.empty());
  CHECK(!loaded.settings.tls);
}

TEST_CASE("settings: the token is read again, and its loss can be told") {
  const Folder folder;
  const std::string path = folder.write("token", "0123456789abcdef\n");
  const Loaded loaded = load(folder, "token_file: " + path + "\n");
  REQUIRE(loaded.settings.token.reveal() == "0123456789abcdef");
  folder.write("token", "fedcba9876543210\n");
  CHECK(loaded.settings.token.current().value() == "fedcba9876543210");
  std::filesystem::remove(path);
  CHECK(loaded.settings.token.current().error().code() == "secret_unreadable");
}

TEST_CASE("settings: each mistake is located, all at once") {
  const Folder folder;
  const Loaded loaded = load(folder,
                             "lisen: 127.0.0.1:1\n"
                             "log: {format: jsn, level: info}\n"
                             "limits: {connections: 0}\n"
                             "tls: {certificate: a.pem}\n"
                             "stall_after: 60\n");
  CHECK(listed(loaded.findings) ==
        "settings.yaml:1:1 unknown_key listen\n"
        "settings.yaml:2:15 bad_value json\n"
        "settings.yaml:3:23 out_of_range\n"
        "settings.yaml:4:6 missing_key\n"
        "settings.yaml:5:14 bad_value");
}

TEST_CASE("settings: files that cannot be used are located") {
  const Folder folder;
  const std::string brief = folder.write("brief", "abc\n");
  CHECK(listed(load(folder, "token_file: /nowhere/token\n").findings) == "settings.yaml:1:13 unreadable_file");
  CHECK(listed(load(folder, "token_file: " + brief + "\n").findings) == "settings.yaml:1:13 bad_value");
  CHECK(listed(load(folder, "tls: {certificate: /nowhere/a, key: /nowhere/b}\n").findings) ==
        "settings.yaml:1:20 unreadable_file\nsettings.yaml:1:37 unreadable_file");
  CHECK(listed(load(folder, "listen: ${NOWHERE}\n").findings) == "settings.yaml:1:9 unset_variable");
  CHECK(listed(load(folder, "connections: [a]\n").findings) == "settings.yaml:1:14 wrong_type");
  CHECK(listed(load(folder, "connections: {shop: [a]}\n").findings) == "settings.yaml:1:21 wrong_type");
}

TEST_CASE("connections: a component takes the fields it does not set itself") {
  const Folder folder;
  const Loaded loaded = load(folder, "connections:\n  shop:\n    path: shared\n    url: postgresql://me:pw@${HOST}/shop\n");
  REQUIRE(listed(loaded.findings).empty());
  const auto all = with_settings(loaded.settings, kSource + "sink: {store: {use: shop}}\n");
  CHECK(listed(all.findings).empty());
  CHECK(shown(all).find("path=shared;") != std::string::npos);
  CHECK(shown(all).find("url=postgresql://me:***@db.example/shop;") != std::string::npos);
  const auto own = with_settings(loaded.settings, kSource + "sinks: {a: {store: {use: shop, path: mine}}}\n");
  CHECK(listed(own.findings).empty());
  CHECK(shown(own).find("path=mine;") != std::string::npos);
  const auto null = with_settings(loaded.settings, kSource + "sink: {store: {use: shop, path: null}}\n");
  CHECK(shown(null).find("path=shared;") != std::string::npos);
}

TEST_CASE("connections: another connection is another configuration") {
  const Folder folder;
  const std::string pipeline = kSource + "sink: {store: {use: shop}}\n";
  const Loaded one = load(folder, "connections: {shop: {path: a}}\n"), other = load(folder, "connections: {shop: {path: b}}\n");
  CHECK(with_settings(one.settings, pipeline).pipelines.at(0).hash != with_settings(other.settings, pipeline).pipelines.at(0).hash);
}

TEST_CASE("connections: what is wrong is found where it was written") {
  const Folder folder;
  const Loaded loaded = load(folder, "connections:\n  shop:\n    path: a\n    ulr: x\n  bad:\n    path: [a]\n");
  CHECK(listed(with_settings(loaded.settings, kSource + "sink: {store: {use: shpo}}\n").findings) ==
        "orders.yaml:2:15 missing_key\norders.yaml:2:21 unknown_reference shop");
  CHECK(listed(with_settings(loaded.settings, kSource + "sink: {store: {use: shop}}\n").findings) == "settings.yaml:4:5 unknown_key url");
  CHECK(listed(with_settings(loaded.settings, kSource + "sink: {store: {use: bad}}\n").findings) == "settings.yaml:6:11 wrong_type");
  CHECK(listed(with_settings(daemon::Settings{}, kSource + "sink: {store: {path: a, use: shop}}\n").findings) ==
        "orders.yaml:2:30 unknown_reference");
}
