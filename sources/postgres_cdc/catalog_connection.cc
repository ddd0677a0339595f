#include "sources/postgres_cdc/catalog_connection.h"

#include <libpq-fe.h>
#include <sys/socket.h>

#include <pqxx/connection_base>
#include <pqxx/connectionpolicy>
#include <pqxx/except>
#include <pqxx/nontransaction>
#include <pqxx/result>
#include <pqxx/row>

#include "sources/postgres_cdc/postgres_errors.h"

namespace sluice::sources::postgres {

namespace {

// Hands libpqxx a connection that is made already: by connection.h, with its deadlines, stop requests, TLS rules and settings.
class ReadyMade final : public pqxx::connectionpolicy {
 public:
  explicit ReadyMade(PGconn* made) : connectionpolicy(std::string()), made_(made) {}
  handle do_startconnect(handle known) override { return known != nullptr ? known : std::exchange(made_, nullptr); }
  handle do_completeconnect(handle ready) override {
    if (ready == nullptr) throw pqxx::broken_connection("the connection is gone");
    return ready;
  }
  bool is_ready(handle connection) const noexcept override { return connection != nullptr; }

 private:
  PGconn* made_;
};

Error cancelled(std::string_view doing) { return {ErrorKind::kCancelled, "cancelled", std::string(doing) + ": stop was requested"}; }

CatalogRows copy_rows(const pqxx::result& answer) {
  CatalogRows rows;
  rows.reserve(answer.size());
  for (const auto& row : answer) {
    CatalogRow& copy = rows.emplace_back();
    for (const auto& field : row) {
      if (field.is_null()) {
        copy.emplace_back();
      } else {
        copy.emplace_back(std::string(field.c_str(), field.size()));
      }
    }
  }
  return rows;
}

}  // namespace

class CatalogConnection::Link final : public pqxx::connection_base {
 public:
  explicit Link(PGconn* made) : connection_base(policy_), policy_(made) { init(); }
  ~Link() { close(); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

 private:
  ReadyMade policy_;  // connection_base only keeps the reference until init()
};

CatalogConnection::CatalogConnection(std::unique_ptr<Link> link) : link_(std::move(link)) {}
CatalogConnection::~CatalogConnection() = default;

Result<std::unique_ptr<CatalogConnection>> CatalogConnection::open(const ConnectOptions& options, std::stop_token stop) {
  constexpr std::string_view kDoing = "read the server's catalogue";
  Connection made = SLUICE_TRY(Connection::connect(options, Connection::Mode::kSql, stop));
  SLUICE_TRY(made.query("SET statement_timeout = '15s'", kDoing, stop));
  if (PQsetnonblocking(made.get(), 0) != 0) return postgres_error({}, PQerrorMessage(made.get()), kDoing);
  try {
    return std::unique_ptr<CatalogConnection>(new CatalogConnection(std::make_unique<Link>(made.release())));
  } catch (const std::exception& error) {
    return postgres_error({}, error.what(), kDoing);
  }
}

Result<CatalogRows> CatalogConnection::query(const std::string& sql, std::string_view doing, std::stop_token stop) {
  if (stop.stop_requested()) return cancelled(doing);
  // libpqxx waits without end; a socket that is shut down ends the wait.
  const int socket = link_->sock();
  const std::stop_callback end_wait(stop, [socket] { ::shutdown(socket, SHUT_RDWR); });
  try {
    pqxx::nontransaction work(*link_);
    return copy_rows(work.exec(sql));
  } catch (const pqxx::broken_connection& error) {
    return stop.stop_requested() ? cancelled(doing) : postgres_error({}, error.what(), doing);
  } catch (const pqxx::sql_error& error) {
    return stop.stop_requested() ? cancelled(doing) : postgres_error(error.sqlstate(), error.what(), doing);
  } catch (const std::exception& error) {
    return stop.stop_requested() ? cancelled(doing) : postgres_error({}, error.what(), doing);
  }
}

}  // namespace sluice::sources::postgres
