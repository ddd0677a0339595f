// Paths to pipelines: which files of a directory count, and that names are unique in a daemon.
#include "daemon/load_pipelines.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "daemon/environment_variables.h"
#include "daemon/findings.h"
#include "tests/daemon/test_registry.h"

using namespace sluice;
namespace fs = std::filesystem;

namespace {

const std::string kEnds = "source: {feed: {path: a}}\nsink: {void: {}}\n";

class Folder {
 public:
  Folder() {
    std::string path = (fs::temp_directory_path() / "sluice-load-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name)) << text;
    return path(name);
  }
  std::string path(const std::string& name = {}) const { return name.empty() ? path_ : path_ + "/" + name; }

 private:
  std::string path_;
};

daemon::LoadedPipelines load(const std::vector<std::string>& paths) {
  static const Registry registry = test::test_registry();
  static const daemon::EnvironmentVariables variables;
  return daemon::load_pipelines(paths, {registry, variables});
}

std::string names(const daemon::LoadedPipelines& loaded) {
  std::string result;
  for (const auto& pipeline : loaded.pipelines) result += pipeline.name + " ";
  return result;
}

}  // namespace

TEST_CASE("load: a directory is its *.yaml and *.yml files, by name") {
  const Folder folder;
  for (const char* name : {"b.yaml", "a.yml", "c.yaml"}) folder.write(name, kEnds);
  // What editors, version control and Kubernetes leave beside them, and what is below.
  for (const char* name : {".hidden.yaml", "b.yaml~", ".b.yaml.swp", "#b.yaml#", "b.yaml.bak", "b.yaml.orig", "notes.txt", "yaml",
                           "below/d.yaml", "..data/e.yaml", "folder.yaml/f.yaml"})
    folder.write(name, "not: [a pipeline");
  fs::create_symlink(folder.write("..data/linked.yaml", kEnds), folder.path("linked.yaml"));
  const auto loaded = load({folder.path()});
  INFO(daemon::findings_text(daemon::sorted_findings(loaded.findings), loaded.texts));
  CHECK(loaded.findings.findings().empty());
  CHECK(names(loaded) == "a b c linked ");
}

TEST_CASE("load: an empty or missing directory is a finding") {
  const Folder folder;
  CHECK(load({folder.path()}).findings.findings().at(0).code == "unreadable_file");
  CHECK(load({folder.path("nowhere")}).findings.findings().at(0).code == "unreadable_file");
}

TEST_CASE("load: a file named twice is one pipeline") {
  const Folder folder;
  const std::string file = folder.write("a.yaml", kEnds);
  const auto loaded =
      load({folder.path(), file, folder.path("./a.yaml"), folder.path("../" + fs::path(folder.path()).filename().string() + "/a.yaml")});
  CHECK(loaded.findings.findings().empty());
  CHECK(names(loaded) == "a ");
}

TEST_CASE("load: two pipelines of one name are refused with both places") {
  const Folder folder;
  const std::string a = folder.write("a.yaml", "description: the first\nname: same\n" + kEnds);
  const std::string b = folder.write("b.yaml", "name: same\n" + kEnds);
  const auto loaded = load({folder.path()});
  REQUIRE(loaded.findings.findings().size() == 1);
  const Diagnostic& finding = loaded.findings.findings()[0];
  CHECK(finding.code == "conflict");
  CHECK(finding.place.file == b);
  CHECK(finding.place.line == 1);
  CHECK(finding.place.column == 7);
  CHECK(finding.message.find(a + ":2:7") != std::string::npos);
}
