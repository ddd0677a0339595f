// COMPONENTS.md "Command line": exit codes and what goes to which stream.
#include <unistd.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "../support/temporary_directory.h"
#include "daemon/command_line.h"
#include "tests/daemon/test_registry.h"

using namespace sluice;
namespace fs = std::filesystem;

namespace {

struct Outcome {
  int code;
  std::string out, err;
};

class Terminal {
 public:
  std::string write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  std::string path(const std::string& name) const { return folder_ / name; }

  Outcome run(std::vector<std::string> arguments, const std::string& input = "") const {
    arguments.insert(arguments.begin(), "sluice");
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    std::istringstream in(input);
    std::ostringstream out, err;
    const Registry registry = test::test_registry();
    const int code = daemon::command_line(static_cast<int>(argv.size()), argv.data(), registry, {in, out, err});
    return {code, out.str(), err.str()};
  }

 private:
  testing::TemporaryDirectory folder_;
};

const std::string kGood = "source: {feed: {path: a}}\nsink: {void: {}}\n";

}  // namespace

TEST_CASE("usage errors give 64, help gives 0") {
  const Terminal terminal;
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{},
                                                {"nonsense"},
                                                {"run"},
                                                {"validate"},
                                                {"run", "--no-such"},
                                                {"dlq"},
                                                {"eval"},
                                                {"run", "x", "--log-format", "xml"}}) {
    const Outcome outcome = terminal.run(wrong);
    CHECK(outcome.code == 64);
    CHECK_FALSE(outcome.err.empty());
    CHECK(outcome.out.empty());
  }
  CHECK(terminal.run({"--help"}).code == 0);
  CHECK(terminal.run({"run", "--help"}).out.find("--until-done") != std::string::npos);
}

TEST_CASE("validate: 0 with warnings, 2 with errors, all files at once") {
  const Terminal terminal;
  const std::string good = terminal.write("p/good.yaml", kGood);
  CHECK(terminal.run({"validate", good}).out == good + ": pipeline good is valid\n");
  const Outcome warned = terminal.run({"validate", terminal.write("w.yaml", kGood + "unmatched: drop\n")});
  CHECK(warned.code == 0);
  CHECK(warned.err.find("warning[conflict]") != std::string::npos);
  terminal.write("p/bad.yaml", "source: {fed: {}}\n");
  terminal.write("p/.hidden.yaml", "{");
  terminal.write("p/notes.txt", "{");
  const Outcome all = terminal.run({"validate", terminal.path("p")});
  CHECK(all.code == 2);
  CHECK(all.err.find("p/bad.yaml:1:10: error[unknown_component]") != std::string::npos);
  CHECK(all.err.find("2 errors\n") != std::string::npos);
  const Outcome json = terminal.run({"validate", terminal.path("p"), "--json"});
  CHECK(json.code == 2);
  CHECK(json.out.starts_with("{\"version\":1,\"findings\":[{\"severity\":\"error\""));
  CHECK(json.err.empty());
  CHECK(terminal.run({"validate", good, "--json"}).out == "{\"version\":1,\"findings\":[]}\n");
}

TEST_CASE("validate: files that cannot be read, names that meet") {
  const Terminal terminal;
  CHECK(terminal.run({"validate", terminal.path("none.yaml")}).err.find("error[unreadable_file]") != std::string::npos);
  CHECK(terminal.run({"validate", terminal.path("none.yaml")}).code == 2);
  fs::create_directories(terminal.path("empty"));
  CHECK(terminal.run({"validate", terminal.path("empty")}).code == 2);
  const Outcome twins = terminal.run({"validate", terminal.write("a/x.yaml", kGood), terminal.write("b/x.yaml", kGood)});
  CHECK(twins.code == 2);
  CHECK(twins.err.find("two pipelines are called \"x\"") != std::string::npos);
  const std::string once = terminal.path("a/x.yaml");
  CHECK(terminal.run({"validate", once, once}).code == 0);
}

TEST_CASE("variables come from --env-file, and the process's environment wins") {
  const Terminal terminal;
  const std::string file = terminal.write("v.yaml", "source: {feed: {path: \"${SLUICE_TEST_V}\"}}\nsink: {void: {}}\n");
  CHECK(terminal.run({"validate", file}).code == 2);
  CHECK(terminal.run({"validate", file, "--allow-unset"}).code == 0);
  const std::string wrong = terminal.write("wrong", "A=1\nnonsense\n");
  CHECK(terminal.run({"validate", file, "--env-file", wrong}).err.find(wrong + ":2:1: error[bad_value]: expected NAME=value") !=
        std::string::npos);
  ::setenv("SLUICE_TEST_SET", "process", 1);
  const std::string environment = terminal.write("env", "# note\n\nexport SLUICE_TEST_V='a b'\nSLUICE_TEST_SET=file\n");
  CHECK(terminal.run({"validate", file, "--env-file", environment}).code == 0);
  CHECK(std::string(::getenv("SLUICE_TEST_V")) == "a b");
  CHECK(std::string(::getenv("SLUICE_TEST_SET")) == "process");
  ::unsetenv("SLUICE_TEST_V");
  ::unsetenv("SLUICE_TEST_SET");
}

TEST_CASE("components and version describe the binary") {
  const Terminal terminal;
  CHECK(terminal.run({"components"}).out.find("sources\n  feed             Feeds.\n") != std::string::npos);
  const Outcome one = terminal.run({"components", "store"});
  CHECK(one.out.find("  path: text, required\n      Where.\n") != std::string::npos);
  CHECK(one.out.find("example\n  store: {path: x}\n") != std::string::npos);
  CHECK(terminal.run({"components", "pick"}).out.find("beside the component's key") != std::string::npos);
  CHECK(terminal.run({"components", "pipeline"}).out.find("shutdown_timeout: duration, default 30s") != std::string::npos);
  const Outcome unknown = terminal.run({"components", "stor"});
  CHECK(unknown.code == 64);
  CHECK(unknown.err == "there is no component \"stor\"; did you mean \"store\"?\n");
  CHECK(terminal.run({"version"}).out.starts_with("sluice 0."));
}
