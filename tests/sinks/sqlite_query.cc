#include "tests/sinks/sqlite_query.h"

#include <sqlite3.h>
#include <sys/types.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <memory>

namespace sluice::testing {

namespace {

struct Close {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

std::unique_ptr<sqlite3, Close> connect(const std::string& path) {
  sqlite3* database = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  std::unique_ptr<sqlite3, Close> owned(database);
  REQUIRE(result == SQLITE_OK);
  sqlite3_busy_timeout(database, 5000);
  return owned;
}

std::string quoted(sqlite3_stmt* row, int column) {
  const char* text = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_NULL: return "NULL";
    case SQLITE_INTEGER:
    case SQLITE_FLOAT: return text;
    default: return "'" + std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(row, column))) + "'";
  }
}

ssize_t no_room(int, const void*, size_t) {
  errno = ENOSPC;
  return -1;
}
ssize_t no_room_at(int, const void*, size_t, off_t) {
  errno = ENOSPC;
  return -1;
}

void set_system_call(const char* name, sqlite3_syscall_ptr call) {
  sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
  vfs->xSetSystemCall(vfs, name, call);
}

}  // namespace

std::string query(const std::string& path, const std::string& sql) {
  const auto database = connect(path);
  sqlite3_stmt* prepared = nullptr;
  INFO(sql);
  REQUIRE(sqlite3_prepare_v2(database.get(), sql.c_str(), -1, &prepared, nullptr) == SQLITE_OK);
  const std::unique_ptr<sqlite3_stmt, Close> statement(prepared);
  std::string result;
  while (sqlite3_step(prepared) == SQLITE_ROW) {
    for (int column = 0; column < sqlite3_column_count(prepared); ++column) result += (column == 0 ? "" : ",") + quoted(prepared, column);
    result += '\n';
  }
  return result;
}

void execute(const std::string& path, const std::string& sql) {
  const auto database = connect(path);
  REQUIRE(sqlite3_exec(database.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
}

FullDisk::FullDisk() {
  set_system_call("write", reinterpret_cast<sqlite3_syscall_ptr>(no_room));
  set_system_call("pwrite", reinterpret_cast<sqlite3_syscall_ptr>(no_room_at));
  set_system_call("pwrite64", reinterpret_cast<sqlite3_syscall_ptr>(no_room_at));
}

FullDisk::~FullDisk() {
  for (const char* name : {"write", "pwrite", "pwrite64"}) set_system_call(name, nullptr);
}

}  // namespace sluice::testing
