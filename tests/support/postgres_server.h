#pragma once
// A real PostgreSQL for tests: own data directory under /tmp, own port on 127.0.0.1, an unprivileged user when the test is root,
// stopped by its process id.  It dies with the test.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

struct pg_conn;

namespace sluice::test {

// Empty when a server of this version can be started here (it is fetched if need be), else why not.  `version` as in
// dev.d/postgres_tree.sh: "" is Debian's, else "13" .. "18" or "16-vector".
std::string postgres_unavailable(const std::string& version = "");

using PostgresRows = std::vector<std::vector<std::string>>;  // null is "<null>"

// One SQL connection; throws std::runtime_error with the server's message.  One thread.
class PostgresSession {
 public:
  explicit PostgresSession(const std::string& url);
  ~PostgresSession();
  PostgresSession(const PostgresSession&) = delete;
  PostgresSession& operator=(const PostgresSession&) = delete;

  PostgresRows query(const std::string& sql);
  std::string value(const std::string& sql) { return query(sql).at(0).at(0); }

 private:
  pg_conn* connection_;
};

class PostgresServer {
 public:
  // `settings`: lines for postgresql.conf.  Throws std::runtime_error.
  explicit PostgresServer(const std::string& settings = "", const std::string& version = "");
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  std::string url(const std::string& database = "postgres", const std::string& user = "postgres",
                  const std::string& password = "sluice") const;
  // A new database; gives its URL.
  std::string create_database(const std::string& name);
  const std::string& data_directory() const { return data_; }

  void start();
  enum class Stop { kFast, kImmediate };  // a shutdown that waits for walsenders, or a crash
  void stop(Stop mode);
  // False when it is still running after `seconds`.
  bool wait_stopped(int seconds);
  void request_stop(Stop mode);

 private:
  std::string folder_, data_, programs_;
  int port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace sluice::test
