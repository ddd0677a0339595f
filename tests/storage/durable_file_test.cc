#include "storage/durable_file.h"
#include "../support/temporary_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <string>

#include "storage/sqlite_database.h"

using namespace sluice;
using namespace sluice::storage;

namespace {

// Crashes at the n-th point, or fails one step.
class Faults final : public FaultPoints {
 public:
  void reach(std::string_view) override {
    if (++reached == crash_at) throw SimulatedCrash{"crash"};
  }
  int failure(std::string_view, std::string_view step) override { return step == failing ? ENOSPC : 0; }
  unsigned reached = 0, crash_at = 0;
  std::string failing;
};

std::string content(const std::string& path) {
  auto read = read_file(path);
  REQUIRE(read);
  return read->value_or("(none)");
}

}  // namespace

TEST_CASE("replace_file: a crash at any point leaves the old content or the new one") {
  for (unsigned crash_at = 1; crash_at <= 9; ++crash_at) {
    const testing::TemporaryDirectory folder;
    Faults faults;
    REQUIRE(replace_file(folder / "x", "old", faults, "test"));
    CHECK(faults.reached == 8);
    faults.reached = 0;
    faults.crash_at = crash_at;
    bool crashed = false;
    try {
      const Status replaced = replace_file(folder / "x", "new content", faults, "test");
      CHECK(replaced);
    } catch (const SimulatedCrash&) {
      crashed = true;
    }
    CHECK(crashed == (crash_at <= 8));
    const std::string found = content(folder / "x");
    CHECK(found == (crash_at <= 5 ? "old" : "new content"));  // points 1-5 come before the rename
    Faults calm;
    REQUIRE(replace_file(folder / "x", "third", calm, "test"));  // over what the crash left behind
    CHECK(content(folder / "x") == "third");
  }
}

TEST_CASE("replace_file: a full disk is transient disk_full and keeps the old content") {
  for (const std::string step : {"open", "write", "fsync", "rename"}) {
    const testing::TemporaryDirectory folder;
    Faults faults;
    REQUIRE(replace_file(folder / "x", "old", faults, "test"));
    faults.failing = step;
    const Status failed = replace_file(folder / "x", "new", faults, "test");
    REQUIRE(!failed);
    CHECK(failed.error().kind() == ErrorKind::kTransient);
    CHECK(failed.error().code() == "disk_full");
    CHECK(failed.error().message().find(folder / "x") != std::string::npos);
    CHECK(content(folder / "x") == "old");
  }
}

TEST_CASE("errno_error: what the runner must do") {
  CHECK(errno_error(EIO, "write", "x").kind() == ErrorKind::kTransient);
  CHECK(errno_error(EROFS, "write", "x").code() == "io_error");
  CHECK(errno_error(EDQUOT, "write", "x").code() == "disk_full");
  CHECK(errno_error(EACCES, "open", "x").kind() == ErrorKind::kFatal);
  CHECK(errno_error(EACCES, "open", "x").code() == "permission_denied");
  CHECK(errno_error(ENOTDIR, "open", "x").code() == "path_unusable");
  CHECK(errno_error(ENOSPC, "write", "/a/b").message() == "write \"/a/b\": No space left on device");
}

TEST_CASE("FileHandle: modes, truncation, and no symbolic links") {
  const testing::TemporaryDirectory folder;
  Faults faults;
  const FaultScope scope{faults, "test"};
  using Mode = FileHandle::Mode;
  auto missing = FileHandle::open(folder / "x", Mode::kReadWrite, scope);
  REQUIRE(missing);
  CHECK(!missing->has_value());
  {
    auto made = FileHandle::open(folder / "x", Mode::kCreate, scope);
    REQUIRE(made);
    REQUIRE((*made)->write_all("0123456789"));
    REQUIRE((*made)->truncate(4));
    REQUIRE((*made)->write_all("ab"));  // at the end, not where it was
    REQUIRE((*made)->sync());
  }
  CHECK(content(folder / "x") == "0123ab");
  struct stat found {};
  REQUIRE(::stat((folder / "x").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  CHECK(!FileHandle::open(folder / "x", Mode::kCreate, scope));
  std::filesystem::create_symlink(folder / "x", folder / "link");
  const auto link = FileHandle::open(folder / "link", Mode::kReadWrite, scope);
  REQUIRE(!link);
  CHECK(link.error().code() == "path_unusable");
}

TEST_CASE("make_directories: all levels, and what stands in the way") {
  const testing::TemporaryDirectory folder;
  REQUIRE(make_directories(folder / "a/b//c/"));
  REQUIRE(make_directories(folder / "a/b/c"));
  CHECK(std::filesystem::is_directory(folder / "a/b/c"));
  Faults faults;
  REQUIRE(replace_file(folder / "file", "x", faults, "test"));
  const Status blocked = make_directories(folder / "file/x");
  REQUIRE(!blocked);
  CHECK(blocked.error().code() == "path_unusable");
  CHECK(parent_directory("a/b") == "a");
  CHECK(parent_directory("/a") == "/");
  CHECK(parent_directory("a") == ".");
}

TEST_CASE("SqliteDatabase: kinds of errors") {
  const testing::TemporaryDirectory folder;
  auto opened = SqliteDatabase::open(folder / "x.db", {});
  REQUIRE(opened);
  SqliteDatabase database = std::move(opened).value();
  REQUIRE(database.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL); INSERT INTO t VALUES (1, 'x')"));
  CHECK(database.execute("INSERT INTO t VALUES (1, 'y')").error().kind() == ErrorKind::kBadRecord);
  CHECK(database.execute("INSERT INTO t VALUES ('text', 'y')").error().code() == "type_mismatch");
  CHECK(database.execute("nonsense").error().kind() == ErrorKind::kFatal);
  CHECK(*database.query_int64("PRAGMA synchronous").value() == 2);  // FULL
  auto missing = SqliteDatabase::open(folder / "no/such/x.db", {});
  REQUIRE(!missing);
  CHECK(missing.error().kind() == ErrorKind::kFatal);
  Faults faults;
  REQUIRE(replace_file(folder / "text.db", std::string(4096, 'x'), faults, "test"));
  auto garbled = SqliteDatabase::open(folder / "text.db", {});
  REQUIRE(!garbled);
  CHECK(garbled.error().code() == "database_corrupt");
  CHECK(!database.has_moved());
  std::filesystem::rename(folder / "x.db", folder / "y.db");
  CHECK(database.has_moved());
  CHECK(quote_identifier("a\"b") == "\"a\"\"b\"");
}

TEST_CASE("SqliteDatabase: a lock that stays is transient") {
  const testing::TemporaryDirectory folder;
  auto first = SqliteDatabase::open(folder / "x.db", {});
  SqliteDatabase::Options impatient;
  impatient.busy_wait = std::chrono::milliseconds(5);
  auto second = SqliteDatabase::open(folder / "x.db", impatient);
  REQUIRE(first);
  REQUIRE(second);
  REQUIRE(first->begin({}));
  const Status busy = second->begin({});
  REQUIRE(!busy);
  CHECK(busy.error().kind() == ErrorKind::kTransient);
  CHECK(busy.error().code() == "database_busy");
  first->rollback();
  CHECK(second->begin({}));
}
