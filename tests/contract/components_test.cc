// What holds for every component: each test runs over the whole registry.
#include <unistd.h>
#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <set>

#include "../support/temporary_directory.h"
#include "core/registry.h"
#include "daemon/yaml_loader.h"
#include "expr/expression.h"

namespace sluice {
void register_all_components(Registry& registry);  // generated
}

using namespace sluice;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kMarker = "m4rk3r-of-a-s3cr3t";

const Registry& registry() {
  static const Registry kRegistry = [] {
    Registry filled;
    register_all_components(filled);
    return filled;
  }();
  return kRegistry;
}

// Variables of the examples are all set.
class AnyVariable final : public Variables {
 public:
  std::optional<std::string> find(std::string_view) const override { return "postgresql://user@localhost:1/shop"; }
  Result<std::string> read_file(std::string_view) const override { return std::string("content"); }
};

std::string title(const Component& component) {
  constexpr std::array<std::string_view, 3> kKinds = {"source", "transform", "sink"};
  return std::string(kKinds[static_cast<std::size_t>(component.kind)]) + " " + std::string(component.name);
}

// The example as a block below the name.
std::string as_yaml(std::string_view name, std::string_view example) {
  while (!example.empty() && example.back() == '\n') example.remove_suffix(1);
  while (example.starts_with('\n')) example.remove_prefix(1);
  std::string text = std::string(name) + ":\n";
  for (std::size_t begin = 0; begin < example.size();) {
    const std::size_t end = std::min(example.find('\n', begin), example.size());
    text += "  " + std::string(example.substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  return text;
}

struct Example {
  ConfigNode root;  // the mapping that holds the component's key
  ConfigNode& value() { return root.entries.at(0).second; }
};

Example example_of(const Component& component) {
  Diagnostics findings;
  const std::string text = as_yaml(component.name, component.example);
  INFO(text);
  auto root = daemon::load_yaml(text, "example.yaml", findings);
  for (const Diagnostic& finding : findings.findings()) UNSCOPED_INFO(finding.message);
  REQUIRE(root);
  REQUIRE(findings.findings().empty());
  REQUIRE(root->entries.size() == 1);
  return {std::move(*root)};
}

struct Bound {
  Component::Config config;
  Diagnostics findings;
};

Bound bind(const Component& component, const Example& example) {
  static const auto checker = expr::make_expression_checker();
  static const AnyVariable variables;
  Bound bound;
  BindContext context{bound.findings, variables, checker.get()};
  bound.config = component.bind(example.root.entries.at(0).second, &example.root, context);
  for (const Diagnostic& finding : bound.findings.findings()) UNSCOPED_INFO(finding.code << ": " << finding.message);
  return bound;
}

void check_docs(const std::vector<FieldDoc>& fields) {
  std::set<std::string> names;
  for (const FieldDoc& field : fields) {
    INFO("field " << field.name);
    CHECK(names.insert(field.name).second);
    CHECK_FALSE(field.doc.empty());
    CHECK_FALSE(field.type.empty());
    check_docs(field.nested);
  }
}

// All that a component may reach, in a folder of its own.
class Surroundings {
 public:
  Surroundings() : before_(fs::current_path()) {
    fs::create_directory(folder_ / "state");
    fs::current_path(folder_.path());
  }
  ~Surroundings() { fs::current_path(before_); }
  BuildContext context() {
    return {"p", "c", 0, 1, folder_ / "state", "0123456789abcdef0123456789abcdef", metrics_, schemas_, log_, clock_, faults_};
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::recursive_directory_iterator(folder_.path()), fs::recursive_directory_iterator()));
  }

 private:
  class NoMetrics final : public Metrics {
   public:
    Counter& counter(std::string_view, std::string_view, const Labels&) override { return counter_; }
    Gauge& gauge(std::string_view, std::string_view, const Labels&) override { return gauge_; }
    Histogram& histogram(std::string_view, std::string_view, std::span<const double>, const Labels&) override { return histogram_; }

   private:
    Counter counter_;
    Gauge gauge_;
    Histogram histogram_{std::array<double, 1>{1.0}};
  };
  class NoLog final : public Logger {
   public:
    void log(LogLevel, std::string_view, Fields) override {}
  };

  fs::path before_;
  testing::TemporaryDirectory folder_;
  NoMetrics metrics_;
  SchemaPool schemas_;
  NoLog log_;
  SystemClock clock_;
  FaultPoints faults_;
};

template <typename T>
void is_good(const Result<T>& result) {
  if (!result) UNSCOPED_INFO(result.error().message());
  CHECK(result.has_value());
}

std::stop_token stopped() {
  std::stop_source source;
  source.request_stop();
  return source.get_token();
}

// A closed port of this machine: open() has something to wait for, and no name server is asked.
template <typename F>
void within_two_seconds(F&& call) {
  const auto begin = std::chrono::steady_clock::now();
  call();
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
}

}  // namespace

TEST_CASE("names are valid and unique, and everything is documented") {
  REQUIRE_FALSE(registry().all().empty());
  std::set<std::string> seen;
  for (const Component& component : registry().all()) {
    INFO(title(component));
    CHECK(seen.insert(title(component)).second);
    CHECK(component.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos);
    CHECK_FALSE(component.summary.empty());
    check_docs(component.fields());
  }
}

TEST_CASE("every example loads and binds without a finding") {
  for (const Component& component : registry().all()) {
    INFO(title(component));
    const Bound bound = bind(component, example_of(component));
    CHECK(bound.findings.findings().empty());
    REQUIRE(bound.config.has_value());
    if (component.kind != ComponentKind::kTransform) CHECK_FALSE(component.guarantee(bound.config).reason.empty());
  }
}

TEST_CASE("a slip in a key is named, and the key is suggested") {
  std::size_t tried = 0;
  for (const Component& component : registry().all()) {
    Example example = example_of(component);
    const auto fields = component.fields();
    for (std::size_t i = 0; i < example.value().entries.size(); ++i) {
      const std::string key = example.value().entries[i].first.text;
      const bool ours =
          std::any_of(fields.begin(), fields.end(), [&](const FieldDoc& field) { return field.name == key && !field.beside; });
      if (!ours || key.size() < 4) continue;
      Example wrong = example;
      wrong.value().entries[i].first.text = key.substr(0, key.size() - 2) + key.back() + key[key.size() - 2];
      if (wrong.value().entries[i].first.text == key) wrong.value().entries[i].first.text = key.substr(1);
      INFO(title(component) << " " << wrong.value().entries[i].first.text);
      const Bound bound = bind(component, wrong);
      CHECK_FALSE(bound.config.has_value());
      const auto& findings = bound.findings.findings();
      CHECK(std::any_of(findings.begin(), findings.end(),
                        [&](const Diagnostic& d) { return d.code == "unknown_key" && d.suggestion == key; }));
      ++tried;
    }
  }
  CHECK(tried > 0);
}

TEST_CASE("secrets are not shown and not in findings") {
  for (const Component& component : registry().all()) {
    for (const FieldDoc& field : component.fields()) {
      const bool url = field.type == "URL";
      if (!url && field.type != "secret") continue;
      INFO(title(component) << "." << field.name);
      Example example = example_of(component);
      REQUIRE(example.value().is_mapping());
      ConfigNode secret;
      secret.kind = ConfigNode::Kind::kScalar;
      secret.style = ConfigNode::Style::kSingleQuoted;
      secret.text =
          url ? "postgresql://user:" + std::string(kMarker) + "@localhost/db?password=" + std::string(kMarker) : std::string(kMarker);
      ConfigNode key = secret;
      key.text = field.name;
      std::erase_if(example.value().entries, [&](const ConfigNode::Entry& entry) { return entry.first.text == field.name; });
      example.value().entries.emplace_back(key, secret);
      const Bound bound = bind(component, example);
      for (const Diagnostic& finding : bound.findings.findings()) CHECK(finding.message.find(kMarker) == std::string::npos);
      REQUIRE(bound.config.has_value());
      for (const auto& [name, text] : component.show(bound.config)) CHECK(text.find(kMarker) == std::string::npos);
    }
  }
}

TEST_CASE("building touches nothing, and close without open is harmless, twice") {
  for (const Component& component : registry().all()) {
    INFO(title(component));
    Surroundings surroundings;
    const Bound bound = bind(component, example_of(component));
    REQUIRE(bound.config.has_value());
    const std::size_t files = surroundings.files();
    if (component.kind == ComponentKind::kSource) {
      auto source = component.build_source(bound.config, surroundings.context());
      is_good(source);
      for (int i = 0; i < 2 && source; ++i) is_good((*source)->close());
    } else if (component.build_router) {
      is_good(component.build_router(bound.config, surroundings.context()));
    } else if (component.kind == ComponentKind::kTransform) {
      auto transform = component.build_transform(bound.config, surroundings.context());
      is_good(transform);
      for (int i = 0; i < 2 && transform; ++i) is_good((*transform)->close());
    } else {
      auto sink = component.build_sink(bound.config, surroundings.context());
      is_good(sink);
      for (int i = 0; i < 2 && sink; ++i) is_good((*sink)->close(Sink::Closing::kAbandon));
    }
    CHECK(surroundings.files() == files);
  }
}

TEST_CASE("open after a stop was requested comes back at once") {
  for (const Component& component : registry().all()) {
    INFO(title(component));
    Surroundings surroundings;
    const Bound bound = bind(component, example_of(component));
    REQUIRE(bound.config.has_value());
    if (component.kind == ComponentKind::kSource) {
      auto source = component.build_source(bound.config, surroundings.context());
      REQUIRE(source);
      within_two_seconds([&] { static_cast<void>((*source)->open({}, stopped()).has_value()); });
      within_two_seconds([&] { is_good((*source)->close()); });
    } else if (component.kind == ComponentKind::kSink) {
      auto sink = component.build_sink(bound.config, surroundings.context());
      REQUIRE(sink);
      within_two_seconds([&] { static_cast<void>((*sink)->open(stopped()).has_value()); });
      within_two_seconds([&] { is_good((*sink)->close(Sink::Closing::kAbandon)); });
    }
  }
}
