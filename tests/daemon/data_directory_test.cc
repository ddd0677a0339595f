// G30: one daemon per data directory.
#include <sys/stat.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "../support/temporary_directory.h"
#include "daemon/data_directory.h"
#include "daemon/kill_fault_points.h"

using namespace sluice;
namespace fs = std::filesystem;

namespace {

unsigned mode(const fs::path& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777U;
}

// Dies (throws) at the named point.
class CrashAt final : public FaultPoints {
 public:
  explicit CrashAt(std::string point) : point_(std::move(point)) {}
  void reach(std::string_view point) override {
    seen.insert(std::string(point));
    if (point == point_) throw SimulatedCrash{point};
  }
  std::set<std::string> seen;

 private:
  std::string point_;
};

}  // namespace

TEST_CASE("a data directory is private, locked and keeps its instance (G30)") {
  const testing::TemporaryDirectory folder;
  const std::string path = folder / "a/b";
  FaultPoints faults;
  std::string instance;
  {
    auto first = daemon::DataDirectory::open(path, faults);
    REQUIRE(first);
    instance = first->instance();
    CHECK(instance.size() == 32);
    CHECK(mode(path) == 0700);
    CHECK(mode(path + "/instance") == 0600);
    CHECK(daemon::data_directory_in_use(path));
    auto second = daemon::DataDirectory::open(path, faults);
    REQUIRE_FALSE(second);
    CHECK(second.error().code() == "data_directory_in_use");
    CHECK(second.error().message().find(path) != std::string::npos);
    daemon::DataDirectory moved = std::move(first).value();
    CHECK(daemon::data_directory_in_use(path));
    auto of_pipeline = moved.pipeline_directory("orders");
    REQUIRE(of_pipeline);
    CHECK(mode(*of_pipeline) == 0700);
  }
  CHECK_FALSE(daemon::data_directory_in_use(path));
  fs::permissions(path, fs::perms::all);
  auto again = daemon::DataDirectory::open(path, faults);
  REQUIRE(again);
  CHECK(again->instance() == instance);
  CHECK(mode(path) == 0700);
}

TEST_CASE("a directory that was there before us keeps its mode, at later starts too; what we make in it is private") {
  const testing::TemporaryDirectory folder;
  const std::string path = folder.path();
  fs::create_directory(folder / "theirs");
  for (const std::string& shared : {folder.path(), folder / "theirs"}) REQUIRE(::chmod(shared.c_str(), 0755) == 0);
  FaultPoints faults;
  std::set<std::string> instances;
  for (int start = 0; start < 2; ++start) {
    auto opened = daemon::DataDirectory::open(path, faults);
    REQUIRE(opened);
    instances.insert(opened->instance());
    REQUIRE(opened->pipeline_directory("theirs"));
    const auto ours = opened->pipeline_directory("orders");
    REQUIRE(ours);
    CHECK(mode(*ours) == 0700);
    CHECK(mode(path) == 0755);
    CHECK(mode(path + "/theirs") == 0755);
    CHECK(mode(path + "/instance") == 0600);
  }
  CHECK(instances.size() == 1);
}

TEST_CASE("a data directory that cannot be used is refused with the reason") {
  const testing::TemporaryDirectory folder;
  FaultPoints faults;
  std::ofstream(folder / "file") << "x";
  auto at_file = daemon::DataDirectory::open(folder / "file", faults);
  REQUIRE_FALSE(at_file);
  CHECK(at_file.error().code() == "data_directory_unusable");
  fs::create_directory(folder / "garbled");
  std::ofstream(folder / "garbled/instance") << "not an id\n";
  auto garbled = daemon::DataDirectory::open(folder / "garbled", faults);
  REQUIRE_FALSE(garbled);
  CHECK(garbled.error().message().find("instance") != std::string::npos);
}

TEST_CASE("a crash while the instance is written leaves a directory that opens, with one instance from then on") {
  const testing::TemporaryDirectory all;
  CrashAt none("");
  REQUIRE(daemon::DataDirectory::open(all / "all", none));
  REQUIRE(none.seen.size() >= 4);
  for (const std::string& point : none.seen) {
    INFO(point);
    const testing::TemporaryDirectory folder;
    const std::string path = folder / "d";
    CrashAt crash(point);
    CHECK_THROWS_AS(static_cast<void>(daemon::DataDirectory::open(path, crash).has_value()), SimulatedCrash);
    FaultPoints faults;
    std::string first;
    {
      auto opened = daemon::DataDirectory::open(path, faults);
      REQUIRE(opened);
      first = opened->instance();
    }
    auto again = daemon::DataDirectory::open(path, faults);
    REQUIRE(again);
    CHECK(again->instance() == first);
  }
}

TEST_CASE("the data directory comes from systemd or stands beside us") {
  ::unsetenv("STATE_DIRECTORY");
  CHECK(daemon::default_data_directory() == "./sluice-data");
  ::setenv("STATE_DIRECTORY", "/var/lib/sluice:/var/lib/other", 1);
  CHECK(daemon::default_data_directory() == "/var/lib/sluice");
  ::unsetenv("STATE_DIRECTORY");
}

TEST_CASE("SLUICE_FAULT_TRACE notes each point once") {
  const std::string path = "/tmp/sluice-fault-trace-" + std::to_string(::getpid());
  {
    const auto faults = daemon::make_fault_points("", path);
    REQUIRE(faults);
    for (const char* point : {"a.before_x", "b.after_y", "a.before_x"}) (*faults)->reach(point);
  }
  std::ifstream file(path);
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == "a.before_x\nb.after_y\n");
  ::unlink(path.c_str());
  CHECK_FALSE(daemon::make_fault_points("", "/no/such/folder/trace"));
}

TEST_CASE("SLUICE_FAULT_POINT must say which passage") {
  CHECK(daemon::make_fault_points(""));
  CHECK(daemon::make_fault_points("file_sink.before_fsync:3"));
  for (const char* wrong : {"x", "x:", "x:0", ":1", "x:1y", "x:-1"}) {
    INFO(wrong);
    CHECK_FALSE(daemon::make_fault_points(wrong));
  }
}
