#pragma once
// A connection to PostgreSQL, plain or for replication, with deadlines and stop requests on everything that waits.

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/config_types.h"
#include "core/result.h"

struct pg_conn;
struct pg_result;

namespace sluice::sources::postgres {

// Rows of one answer.  Views live as long as it.
class Rows {
 public:
  explicit Rows(pg_result* owned) : result_(owned, &destroy) {}

  int count() const;
  bool is_null(int row, int column) const;
  std::string_view text(int row, int column) const;  // empty for null
  pg_result* get() const { return result_.get(); }

 private:
  static void destroy(pg_result* result);
  std::unique_ptr<pg_result, void (*)(pg_result*)> result_;
};

// For every session that reads values.  The text of a reg* type (regclass, regtype, regproc ...) leaves out a schema that the path finds:
// under one path the snapshot and the stream say the same, and under this one, which finds no schema of a user, the whole name.  It is not
// set where we connect: a row filter of the user may name a type or operator as his own path finds it.
inline constexpr std::string_view kReadingSearchPath = "pg_catalog";

struct ConnectOptions {
  ConnectionUrl url;             // postgresql:// with the password; asked for anew by every connection
  std::string application_name;  // seen in pg_stat_activity
};

// kInvalidConfig when libpq does not understand the URL.
Status check_url(const std::string& url);

// One thread at a time.  Usable after a statement that the server refused; not after any other failure.
class Connection {
 public:
  // kReplication: a walsender bound to the database (`replication=database`); it also answers SQL.
  enum class Mode : std::uint8_t { kSql, kReplication };

  // Waits at most 10 s.  The session has UTF-8 and the one form of each type that column_codec.h reads.  A URL that says nothing of
  // sslmode means verify-full, except to a loopback address or a local socket.  A peer that is silent for 30 s is given up (TCP
  // keepalives and TCP_USER_TIMEOUT).
  static Result<Connection> connect(const ConnectOptions& options, Mode mode, std::stop_token stop);

  // One statement or replication command.  `doing` begins the message of an error.  When the deadline passes the statement is
  // cancelled: kTransient deadline_exceeded.
  Result<Rows> query(const std::string& command, std::string_view doing, std::stop_token stop,
                     std::chrono::milliseconds deadline = std::chrono::seconds(15));

  std::string literal(std::string_view text) const;     // quoted for SQL
  std::string identifier(std::string_view text) const;  // quoted for SQL
  int backend_pid() const;
  int server_version() const;  // 150020
  pg_conn* get() const { return connection_.get(); }
  pg_conn* release() { return connection_.release(); }  // for another owner; this object must not be used again

 private:
  explicit Connection(pg_conn* owned) : connection_(owned, &destroy) {}
  static void destroy(pg_conn* connection);

  Status wait_connected(std::stop_token stop);
  Status wait_readable(std::chrono::steady_clock::time_point deadline, std::string_view doing, std::stop_token stop);
  void cancel() const;

  std::unique_ptr<pg_conn, void (*)(pg_conn*)> connection_;
};

}  // namespace sluice::sources::postgres
