#include "storage/sqlite_database.h"

#include <sqlite3.h>

#include <thread>
#include <utility>

#include "storage/durable_file.h"

namespace sluice::storage {

namespace {

struct Mapping {
  int primary;
  ErrorKind kind;
  std::string_view code;
};

constexpr Mapping kMappings[] = {
    {SQLITE_FULL, ErrorKind::kTransient, "disk_full"},         {SQLITE_IOERR, ErrorKind::kTransient, "io_error"},
    {SQLITE_NOMEM, ErrorKind::kTransient, "io_error"},         {SQLITE_PROTOCOL, ErrorKind::kTransient, "io_error"},
    {SQLITE_SCHEMA, ErrorKind::kTransient, "database_busy"},   {SQLITE_BUSY, ErrorKind::kTransient, "database_busy"},
    {SQLITE_LOCKED, ErrorKind::kTransient, "database_busy"},   {SQLITE_CONSTRAINT, ErrorKind::kBadRecord, "constraint_violation"},
    {SQLITE_MISMATCH, ErrorKind::kBadRecord, "type_mismatch"}, {SQLITE_TOOBIG, ErrorKind::kBadRecord, "value_too_big"},
    {SQLITE_INTERRUPT, ErrorKind::kCancelled, "cancelled"},    {SQLITE_CORRUPT, ErrorKind::kFatal, "database_corrupt"},
    {SQLITE_NOTADB, ErrorKind::kFatal, "database_corrupt"},    {SQLITE_READONLY, ErrorKind::kFatal, "permission_denied"},
    {SQLITE_PERM, ErrorKind::kFatal, "permission_denied"},     {SQLITE_AUTH, ErrorKind::kFatal, "permission_denied"},
};

Error sqlite_error(sqlite3* database, int result, std::string_view doing) {
  std::string message(doing);
  message += ": ";
  message += database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(result);
  const int number = database != nullptr ? sqlite3_system_errno(database) : 0;
  if ((result & 0xff) == SQLITE_CANTOPEN) {
    const Error by_errno = errno_error(number, "open", "");
    return Error(by_errno.kind(), by_errno.code(), std::move(message));
  }
  if (result == SQLITE_READONLY_DBMOVED) return Error(ErrorKind::kTransient, "io_error", std::move(message));
  for (const Mapping& mapping : kMappings) {
    if (mapping.primary == (result & 0xff)) return Error(mapping.kind, mapping.code, std::move(message));
  }
  return Error(ErrorKind::kFatal, "sql_error", std::move(message));
}

}  // namespace

struct SqliteDatabase::Handle {
  sqlite3* database = nullptr;
  std::string path;
  std::chrono::milliseconds busy_wait{};
  std::chrono::steady_clock::time_point waiting_since{};
  std::stop_token stop;
  bool stopped = false;

  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { sqlite3_close_v2(database); }

  // SQLite calls it each time it meets a lock; `attempt` counts from 0 for each lock waited for.
  static int on_busy(void* self, int attempt) {
    auto& handle = *static_cast<Handle*>(self);
    const auto now = std::chrono::steady_clock::now();
    if (attempt == 0) handle.waiting_since = now;
    handle.stopped = handle.stop.stop_requested();
    if (handle.stopped || now - handle.waiting_since >= handle.busy_wait) return 0;
    // Short first, so that a quick neighbour costs little; then 10 ms, so that nobody spins.
    std::this_thread::sleep_for(std::chrono::milliseconds(attempt < 10 ? 1 : 10));
    return 1;
  }
};

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)), bind_failed_(other.bind_failed_) {}

SqliteStatement& SqliteStatement::operator=(SqliteStatement&& other) noexcept {
  if (this == &other) return *this;
  sqlite3_finalize(statement_);
  database_ = other.database_;
  statement_ = std::exchange(other.statement_, nullptr);
  bind_failed_ = other.bind_failed_;
  return *this;
}

SqliteStatement::~SqliteStatement() { sqlite3_finalize(statement_); }

void SqliteStatement::bind_null(int parameter) { bind_failed_ |= sqlite3_bind_null(statement_, parameter) != SQLITE_OK; }

void SqliteStatement::bind_int64(int parameter, std::int64_t value) {
  bind_failed_ |= sqlite3_bind_int64(statement_, parameter, value) != SQLITE_OK;
}

void SqliteStatement::bind_double(int parameter, double value) {
  bind_failed_ |= sqlite3_bind_double(statement_, parameter, value) != SQLITE_OK;
}

void SqliteStatement::bind_text(int parameter, std::string_view borrowed) {
  const char* text = borrowed.data() != nullptr ? borrowed.data() : "";  // a null pointer would bind NULL
  bind_failed_ |= sqlite3_bind_text64(statement_, parameter, text, borrowed.size(), SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK;
}

void SqliteStatement::bind_blob(int parameter, std::string_view borrowed) {
  const char* bytes = borrowed.data() != nullptr ? borrowed.data() : "";
  bind_failed_ |= sqlite3_bind_blob64(statement_, parameter, bytes, borrowed.size(), SQLITE_STATIC) != SQLITE_OK;
}

Result<bool> SqliteStatement::step() {
  if (bind_failed_) {
    bind_failed_ = false;
    return Error(ErrorKind::kBadRecord, "value_too_big", std::string("bind a value: ") + sqlite3_errmsg(database_));
  }
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return sqlite_error(database_, sqlite3_extended_errcode(database_), "execute");
}

void SqliteStatement::reset() { sqlite3_reset(statement_); }

Status SqliteStatement::run() {
  Result<bool> row = step();
  while (row && *row) row = step();
  reset();
  if (!row) return std::move(row).error();
  return {};
}

bool SqliteStatement::column_is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::int64_t SqliteStatement::column_int64(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view SqliteStatement::column_text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);  // of text: its UTF-8, without a conversion
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

SqliteDatabase::SqliteDatabase(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
SqliteDatabase::SqliteDatabase(SqliteDatabase&&) noexcept = default;
SqliteDatabase& SqliteDatabase::operator=(SqliteDatabase&&) noexcept = default;
SqliteDatabase::~SqliteDatabase() = default;

Result<SqliteDatabase> SqliteDatabase::open(const std::string& path, const Options& options) {
  const bool writes = options.access == Access::kReadWriteCreate;
  if (writes) {
    // SQLite would create the file with its own permissions; the file beside it (-wal, -shm) take over those of the database.
    FaultPoints none;
    SLUICE_TRY(FileHandle::open(path, FileHandle::Mode::kAppend, {none, "sqlite_database"}, options.permissions));
  }
  auto handle = std::make_unique<Handle>();
  handle->path = path;
  handle->busy_wait = options.busy_wait;
  const int flags = (writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int result = sqlite3_open_v2(path.c_str(), &handle->database, flags, nullptr);
  if (result != SQLITE_OK) return sqlite_error(handle->database, result, "open \"" + path + "\"");
  sqlite3_busy_handler(handle->database, &Handle::on_busy, handle.get());
  SqliteDatabase database(std::move(handle));
  if (writes) SLUICE_TRY(database.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"));
  return database;
}

Result<SqliteStatement> SqliteDatabase::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result =
      sqlite3_prepare_v3(handle_->database, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) return sqlite_error(handle_->database, result, "prepare \"" + std::string(sql) + "\"");
  return SqliteStatement(handle_->database, statement);
}

Status SqliteDatabase::execute(const std::string& sql) {
  const int result = sqlite3_exec(handle_->database, sql.c_str(), nullptr, nullptr, nullptr);
  if (result == SQLITE_OK) return {};
  return sqlite_error(handle_->database, sqlite3_extended_errcode(handle_->database),
                      "execute \"" + sql + "\" in \"" + handle_->path + "\"");
}

Result<std::optional<std::int64_t>> SqliteDatabase::query_int64(std::string_view sql) {
  SqliteStatement statement = SLUICE_TRY(prepare(sql));
  const bool row = SLUICE_TRY(statement.step());
  if (!row) return std::optional<std::int64_t>();
  return std::optional<std::int64_t>(statement.column_int64(0));
}

Status SqliteDatabase::begin(std::stop_token stop) {
  handle_->stop = std::move(stop);
  handle_->stopped = false;
  Status begun = execute("BEGIN IMMEDIATE");
  handle_->stop = {};
  if (begun || !handle_->stopped) return begun;
  return Error(ErrorKind::kCancelled, "cancelled", "stopped while waiting for the lock of \"" + handle_->path + "\"");
}

Status SqliteDatabase::commit() {
  Status done = execute("COMMIT");
  if (done || done.error().code() != "io_error") return done;
  return Error(ErrorKind::kCommitUnknown, "commit_unknown", done.error().message());
}

void SqliteDatabase::rollback() {
  if (in_transaction()) sqlite3_exec(handle_->database, "ROLLBACK", nullptr, nullptr, nullptr);
}

bool SqliteDatabase::in_transaction() const { return sqlite3_get_autocommit(handle_->database) == 0; }

std::int64_t SqliteDatabase::changes() const { return sqlite3_changes64(handle_->database); }

bool SqliteDatabase::has_moved() const {
  int moved = 0;
  sqlite3_file_control(handle_->database, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

std::string quote_identifier(std::string_view name) {
  std::string result = "\"";
  for (const char c : name) {
    if (c == '"') result += '"';
    result += c;
  }
  result += '"';
  return result;
}

}  // namespace sluice::storage
