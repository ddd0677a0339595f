#pragma once
// SQLite's C API as values and handles that close themselves.  The library's header stays out of here.
//
// Errors, by SQLite's result code (https://www.sqlite.org/rescode.html):
//   kTransient `disk_full`   SQLITE_FULL
//   kTransient `io_error`    SQLITE_IOERR, NOMEM, PROTOCOL, the file was moved away; CANTOPEN by its errno
//   kTransient `database_busy`  SQLITE_BUSY, LOCKED beyond the wait
//   kBadRecord `constraint_violation`, `value_too_big`, `type_mismatch`   the statement was undone, the transaction goes on
//   kFatal `database_corrupt`, `permission_denied`, `sql_error`; kCancelled `cancelled` when the wait for a lock met the stop
// One thread at a time per database and its statements.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::storage {

// A prepared statement.  Parameters and columns as in SQLite: parameters from 1, columns from 0.  Must not outlive its database.
class SqliteStatement {
 public:
  // SqliteDatabase::prepare() makes them; takes over `statement`.
  SqliteStatement(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&& other) noexcept;
  ~SqliteStatement();

  void bind_null(int parameter);
  void bind_int64(int parameter, std::int64_t value);
  void bind_double(int parameter, double value);
  // Text and blob are borrowed until the next reset() or run().  Longer than 2 GiB makes the next step() fail as value_too_big.
  void bind_text(int parameter, std::string_view borrowed);
  void bind_blob(int parameter, std::string_view borrowed);

  // True: a row stands ready.  False: done.  After false or an error call reset().
  Result<bool> step();
  // Makes it ready for the next execution; parameters keep their values.
  void reset();
  // Executes to the end, ignoring rows, and resets.
  Status run();

  bool column_is_null(int column) const;
  std::int64_t column_int64(int column) const;
  // Valid until the next step() or reset().  Also reads blobs.
  std::string_view column_text(int column) const;

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_;
  bool bind_failed_ = false;
};

class SqliteDatabase {
 public:
  enum class Access : std::uint8_t { kReadOnly, kReadWriteCreate };
  struct Options {
    Access access = Access::kReadWriteCreate;
    std::chrono::milliseconds busy_wait{5000};  // how long a statement waits for another connection's lock
    unsigned permissions = 0644;                // of a file that is created, narrowed by the umask
  };

  // A writable database is set to write-ahead log and synchronous=FULL: what COMMIT has answered survives a power failure.
  static Result<SqliteDatabase> open(const std::string& path, const Options& options);

  SqliteDatabase(SqliteDatabase&&) noexcept;
  SqliteDatabase& operator=(SqliteDatabase&&) noexcept;
  ~SqliteDatabase();  // rolls back what is open

  Result<SqliteStatement> prepare(std::string_view sql);
  // One or several statements without parameters, their rows ignored.
  Status execute(const std::string& sql);
  // The first column of the first row as an integer; nullopt: no row.
  Result<std::optional<std::int64_t>> query_int64(std::string_view sql);

  // BEGIN IMMEDIATE: takes the write lock, waiting for it until the busy wait is over or `stop`.
  Status begin(std::stop_token stop);
  // An I/O error of COMMIT is kCommitUnknown: the frames may be on disk all the same.
  Status commit();
  void rollback();  // nothing to do is fine
  bool in_transaction() const;

  std::int64_t changes() const;  // rows of the newest insert, update or delete
  // True when the path no longer names the open file: what is written now would be lost.
  bool has_moved() const;

 private:
  struct Handle;  // the connection and what its busy handler needs
  explicit SqliteDatabase(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

// "name" with every quote doubled.  The caller has made sure that there is no NUL in it.
std::string quote_identifier(std::string_view name);

}  // namespace sluice::storage
