// CONFIG.md rules 9, 11 and 16: variables, field paths, units; and "did you mean".
#include <catch2/catch.hpp>
#include <memory>
#include <optional>

#include "core/config_fields.h"

using namespace sluice;

namespace {

class OneVariable final : public Variables {
 public:
  std::optional<std::string> find(std::string_view name) const override {
    if (name == "TEN") return "10";
    return std::nullopt;
  }
  Result<std::string> read_file(std::string_view) const override { return Error(ErrorKind::kInvalidConfig, "unreadable_file", "no"); }
};

ConfigNode scalar(std::string text) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kScalar;
  node.place = {"f.yaml", 1, 5, 1, 5};
  node.text = std::move(text);
  return node;
}

template <typename T>
struct Bound {
  bool good;
  T value;
  Diagnostics findings;
  std::string code() const { return findings.findings().empty() ? "" : std::string(findings.findings()[0].code); }
};

template <typename T>
Bound<T> bind(const std::string& text, bool allow_unset = false) {
  static const OneVariable variables;
  Bound<T> bound{};
  BindContext context{bound.findings, variables, nullptr, allow_unset};
  bound.good = ConfigType<T>::bind(scalar(text), bound.value, context);
  return bound;
}

}  // namespace

TEST_CASE("durations carry units") {
  using std::chrono::milliseconds;
  CHECK(bind<milliseconds>("500ms").value == milliseconds(500));
  CHECK(bind<milliseconds>("1.5s").value == milliseconds(1500));
  CHECK(bind<milliseconds>("5 m").value == milliseconds(300'000));
  CHECK(bind<milliseconds>("7d").value == milliseconds(604'800'000));
  for (const char* wrong : {"30", "30sec", "-1s", "s", "", "nan s", "inf s", "1e400s", "0x10s"}) {
    INFO(wrong);
    CHECK(bind<milliseconds>(wrong).code() == "bad_value");
  }
  CHECK(bind<milliseconds>("1e300d").code() == "out_of_range");
}

TEST_CASE("sizes, rates and shares carry units") {
  CHECK(bind<ByteSize>("64MiB").value.bytes == 64ULL << 20U);
  CHECK(bind<ByteSize>("10GB").value.bytes == 10'000'000'000ULL);
  CHECK(bind<ByteSize>("512B").value.bytes == 512);
  CHECK(bind<ByteSize>("0").value.bytes == 0);
  CHECK(bind<ByteSize>("512").code() == "bad_value");
  CHECK(bind<ByteSize>("1.5KiB").value.bytes == 1536);
  CHECK(bind<ByteSize>("1.5B").code() == "bad_value");
  CHECK(bind<ByteSize>("1mb").code() == "bad_value");
  CHECK(bind<ByteSize>("1e30TiB").code() == "out_of_range");
  CHECK(bind<Rate>("1000/s").value.per_second == 1000);
  CHECK(bind<Rate>("30/m").value.per_second == 0.5);
  CHECK(bind<Rate>("0/s").code() == "out_of_range");
  CHECK(bind<Rate>("1000").code() == "bad_value");
  CHECK(bind<Share>("5%").value.fraction == Approx(0.05));
  CHECK(bind<Share>("101%").code() == "out_of_range");
  CHECK(bind<Share>("0.05").code() == "bad_value");
}

TEST_CASE("integers are checked against their type, and nothing is rounded") {
  CHECK(bind<std::uint8_t>("255").value == 255);
  CHECK(bind<std::uint8_t>("256").code() == "out_of_range");
  CHECK(bind<std::uint8_t>("-1").code() == "out_of_range");
  CHECK(bind<std::int64_t>("9223372036854775807").value == 9223372036854775807LL);
  CHECK(bind<std::int64_t>("9223372036854775808").code() == "out_of_range");
  for (const char* wrong : {"1.0", "1x", "", "0x10", "+1", " 1"}) {
    INFO(wrong);
    CHECK(bind<int>(wrong).code() == "wrong_type");
  }
  CHECK(bind<bool>("yes").code() == "wrong_type");
  CHECK(bind<bool>("true").value);
}

TEST_CASE("a variable is typed by its field (CONFIG.md rule 9)") {
  CHECK(bind<int>("${TEN}").value == 10);
  CHECK(bind<std::chrono::milliseconds>("${TEN}s").value == std::chrono::seconds(10));
  CHECK(bind<int>("${NONE:-7}").value == 7);
  CHECK(bind<int>("${NONE}").code() == "unset_variable");
  CHECK(bind<std::string>("a ${ b").code() == "bad_value");
  CHECK(bind<std::string>("$${x} $x ${TEN}").value == "${x} $x 10");
}

TEST_CASE("what an unset variable would give is not checked with --allow-unset") {
  const auto number = bind<int>("${NONE}", true);
  CHECK(number.good);
  CHECK(number.value == 0);
  CHECK_FALSE(number.findings.has_errors());
  CHECK(number.code() == "unset_variable");
  CHECK(bind<ByteSize>("${NONE}", true).good);
  CHECK(bind<ConnectionUrl>("${NONE}", true).good);
  CHECK(bind<FieldPath>("${NONE}", true).good);
  CHECK_FALSE(bind<int>("x${TEN}", true).good);
}

TEST_CASE("secrets are shown as ***") {
  CHECK(ConfigType<Secret>::show(bind<Secret>("s3cret").value) == "***");
  CHECK(ConfigType<ConnectionUrl>::show(bind<ConnectionUrl>("postgresql://u:p@ss:w@h:5432/d?password=x").value) ==
        "postgresql://u:***@h:5432/d?***");
  CHECK(ConfigType<ConnectionUrl>::show(bind<ConnectionUrl>("postgresql://u@h/d").value) == "postgresql://u@h/d");
  CHECK(bind<ConnectionUrl>("u:p@h/d").findings.findings().at(0).message.find("u:p") == std::string::npos);
}

TEST_CASE("field paths (CONFIG.md rule 11)") {
  const auto path = bind<FieldPath>("a.`b.c`[].d");
  REQUIRE(path.good);
  REQUIRE(path.value.steps.size() == 3);
  CHECK(path.value.steps[1].name == "b.c");
  CHECK(path.value.steps[1].every_item);
  for (const char* wrong : {"", ".a", "a.", "a..b", "a[", "a[]b", "`a", "a[0]"}) {
    INFO(wrong);
    CHECK(bind<FieldPath>(wrong).code() == "bad_value");
  }
}

TEST_CASE("templates keep expressions and place them") {
  static const OneVariable variables;
  Diagnostics findings;
  BindContext context{findings, variables};
  TemplateText text;
  REQUIRE(ConfigType<TemplateText>::bind(scalar("x/${TEN}/${this.m[\"}\"]}$${y}"), text, context));
  REQUIRE(text.parts.size() == 3);
  CHECK(text.parts[0].text == "x/10/");
  CHECK(text.parts[1].is_expression);
  CHECK(text.parts[1].text == "this.m[\"}\"]");
  CHECK(text.parts[1].offset == 11);
  CHECK(text.parts[2].text == "${y}");
  CHECK_FALSE(text.is_constant());
}

TEST_CASE("the nearest name is suggested, a far one is not") {
  CHECK(nearest("pahts", {"paths", "path", "format"}) == "paths");
  CHECK(nearest("datset", {"dataset", "seed"}) == "dataset");
  CHECK(nearest("xyz", {"abc", "path"}).empty());
  CHECK(nearest("", {"a", "b"}).size() <= 1);
  CHECK(nearest(std::string(100, 'a'), {"a"}).empty());
}

TEST_CASE("a place inside a scalar stays on its line") {
  ConfigNode node = scalar("one\ntwo three");
  node.runs = {{0, 2, 3}, {4, 3, 3}};
  const Place place = node.place_in_text(8, 5);
  CHECK(place.line == 3);
  CHECK(place.column == 7);
  CHECK(place.end_column == 12);
  const Place across = node.place_in_text(1, 6);
  CHECK(across.line == 2);
  CHECK(across.end_line == 2);
  CHECK(node.place_in_text(1000, 5).column == 12);
}

namespace {

// A secret's file whose content a test changes.
class RotatingFile final : public Variables {
 public:
  explicit RotatingFile(std::shared_ptr<std::optional<std::string>> content) : content_(std::move(content)) {}
  std::optional<std::string> find(std::string_view) const override { return "shop"; }
  Result<std::string> read_file(std::string_view) const override {
    if (*content_) return **content_;
    return Error(ErrorKind::kInvalidConfig, "unreadable_file", "/run/secrets/db: no such file");
  }
  std::shared_ptr<const Variables> lasting() const override { return std::make_shared<RotatingFile>(content_); }

 private:
  std::shared_ptr<std::optional<std::string>> content_;
};

}  // namespace

TEST_CASE("a secret that stands in a file is read again for every connection") {
  const auto content = std::make_shared<std::optional<std::string>>("old");
  ConnectionUrl url;
  Secret secret;
  {
    const RotatingFile variables(content);  // does not outlive the loading
    Diagnostics findings;
    BindContext context{findings, variables};
    REQUIRE(ConfigType<ConnectionUrl>::bind(scalar("postgresql://${USER}:${file:/run/secrets/db}@host/db"), url, context));
    REQUIRE(ConfigType<Secret>::bind(scalar("${file:/run/secrets/db}"), secret, context));
  }
  CHECK(url.current().value() == "postgresql://shop:old@host/db");
  *content = "new";
  CHECK(url.current().value() == "postgresql://shop:new@host/db");
  CHECK(secret.current().value() == "new");
  CHECK(secret.reveal() == "old");
  content->reset();  // in the middle of a rotation
  REQUIRE_FALSE(secret.current());
  CHECK(secret.current().error().kind() == ErrorKind::kTransient);
  CHECK(secret.current().error().code() == "secret_unreadable");
  CHECK(ConnectionUrl("postgresql://a/b").current().value() == "postgresql://a/b");
}
