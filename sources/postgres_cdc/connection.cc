#include "sources/postgres_cdc/connection.h"

#include <libpq-fe.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "sources/postgres_cdc/postgres_errors.h"

namespace sluice::sources::postgres {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kConnectDeadline = 10s;
// How often a waiting call looks at its stop token.
constexpr int kPollMilliseconds = 50;
// Debian's and most others' bundle; libpq 15 knows no sslrootcert=system.
constexpr const char* kSystemCertificates = "/etc/ssl/certs/ca-certificates.crt";

using OptionList = std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)>;

struct ParsedUrl {
  OptionList options{nullptr, &PQconninfoFree};
  std::string error;

  std::string_view get(std::string_view keyword) const {
    for (const PQconninfoOption* option = options.get(); option != nullptr && option->keyword != nullptr; ++option) {
      if (keyword == option->keyword && option->val != nullptr) return option->val;
    }
    return {};
  }
};

ParsedUrl parse_url(const std::string& url) {
  ParsedUrl parsed;
  char* message = nullptr;
  parsed.options.reset(PQconninfoParse(url.c_str(), &message));
  if (message != nullptr) parsed.error = message;
  PQfreemem(message);
  return parsed;
}

bool is_loopback(std::string_view host) {
  return host.empty() || host[0] == '/' || host[0] == '@' || host == "localhost" || host == "::1" || host.starts_with("127.");
}

// `hosts` is a list with commas, as libpq takes it.
bool all_loopback(std::string_view hosts) {
  while (true) {
    const std::size_t comma = hosts.find(',');
    if (!is_loopback(hosts.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    hosts.remove_prefix(comma + 1);
  }
}

struct Parameters {
  std::vector<std::pair<std::string, std::string>> entries;

  PGconn* start() const {
    std::vector<const char*> keys;
    std::vector<const char*> values;
    for (const auto& [key, value] : entries) {
      keys.push_back(key.c_str());
      values.push_back(value.c_str());
    }
    keys.push_back(nullptr);
    values.push_back(nullptr);
    return PQconnectStartParams(keys.data(), values.data(), 1);
  }
};

void add_tls(const ParsedUrl& url, Parameters& parameters) {
  const std::string_view host = url.get("host").empty() ? url.get("hostaddr") : url.get("host");
  if (!url.get("sslmode").empty() || all_loopback(host)) return;
  parameters.entries.emplace_back("sslmode", "verify-full");
  if (url.get("sslrootcert").empty() && ::access(kSystemCertificates, R_OK) == 0)
    parameters.entries.emplace_back("sslrootcert", kSystemCertificates);
}

// Later entries win over what stands in the URL.
Parameters make_parameters(const std::string& text, const std::string& application_name, Connection::Mode mode) {
  const ParsedUrl url = parse_url(text);
  Parameters parameters;
  auto& entries = parameters.entries;
  entries.emplace_back("dbname", text);
  entries.emplace_back("application_name", application_name);
  entries.emplace_back("client_encoding", "UTF8");
  // Settings of the role or the database that would end or change what is ours; newer_settings() has those of newer servers.
  const std::string own =
      "-c datestyle=ISO -c timezone=UTC -c intervalstyle=iso_8601 -c bytea_output=hex -c extra_float_digits=1 -c statement_timeout=0 -c "
      "lock_timeout=0 -c idle_in_transaction_session_timeout=0";
  entries.emplace_back("options", url.get("options").empty() ? own : std::string(url.get("options")) + ' ' + own);
  if (mode == Connection::Mode::kReplication) entries.emplace_back("replication", "database");
  entries.emplace_back("keepalives_idle", "10");
  entries.emplace_back("keepalives_interval", "5");
  entries.emplace_back("keepalives_count", "4");
  entries.emplace_back("tcp_user_timeout", "30000");  // milliseconds
  add_tls(url, parameters);
  return parameters;
}

// True when `events` (or an error, which libpq then reports) happened within the next slice.
bool poll_slice(int socket, short events) {
  pollfd waiting{socket, events, 0};
  return ::poll(&waiting, 1, kPollMilliseconds) > 0;
}

// A server refuses a connection that names a setting it does not know, so these can only be set once its version is known.
std::string newer_settings(int version) {
  std::string list;
  if (version >= 140000) list += "set_config('idle_session_timeout', '0', false)";
  if (version >= 170000) list += ", set_config('transaction_timeout', '0', false)";
  return list;
}

Error cancelled(std::string_view doing) { return {ErrorKind::kCancelled, "cancelled", std::string(doing) + ": stop was requested"}; }

}  // namespace

int Rows::count() const { return PQntuples(result_.get()); }
bool Rows::is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
std::string_view Rows::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column), static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}
void Rows::destroy(pg_result* result) { PQclear(result); }

void Connection::destroy(pg_conn* connection) { PQfinish(connection); }

Status check_url(const std::string& url) {
  const ParsedUrl parsed = parse_url(url);
  if (parsed.options && (url.starts_with("postgresql://") || url.starts_with("postgres://"))) return {};
  // libpq's own message may quote the password.
  return Error(ErrorKind::kInvalidConfig, "bad_value", "`url` is not of the form postgresql://user:password@host:port/database");
}

Result<Connection> Connection::connect(const ConnectOptions& options, Mode mode, std::stop_token stop) {
  const std::string url = SLUICE_TRY(options.url.current());
  SLUICE_TRY(check_url(url));
  Connection connection(make_parameters(url, options.application_name, mode).start());
  if (!connection.get()) return Error(ErrorKind::kTransient, "connection_lost", "connect to PostgreSQL: out of memory");
  // Notices are for people at a prompt; libpq would write them to our standard error.
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  // Verbose messages carry the SQLSTATE, which libpq does not give for a failed connection otherwise.
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
  SLUICE_TRY(connection.wait_connected(stop));
  PQsetErrorVerbosity(connection.get(), PQERRORS_DEFAULT);
  if (PQsetnonblocking(connection.get(), 1) != 0) return postgres_error({}, PQerrorMessage(connection.get()), "connect to PostgreSQL");
  const std::string settings = newer_settings(connection.server_version());
  if (!settings.empty()) SLUICE_TRY(connection.query("SELECT " + settings, "connect to PostgreSQL", stop));
  return connection;
}

Status Connection::wait_connected(std::stop_token stop) {
  constexpr std::string_view kDoing = "connect to PostgreSQL";
  const auto deadline = Clock::now() + kConnectDeadline;
  PostgresPollingStatusType state = PQstatus(get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) {
      const std::string_view message = PQerrorMessage(get());
      return postgres_error(state_in_message(message), message, kDoing);
    }
    if (stop.stop_requested()) return cancelled(kDoing);
    if (Clock::now() >= deadline) return Error(ErrorKind::kTransient, "connection_lost", std::string(kDoing) + ": no answer within 10 s");
    if (poll_slice(PQsocket(get()), state == PGRES_POLLING_READING ? POLLIN : POLLOUT)) state = PQconnectPoll(get());
  }
  return {};
}

void Connection::cancel() const {
  const std::unique_ptr<PGcancel, void (*)(PGcancel*)> handle(PQgetCancel(get()), [](PGcancel* owned) { PQfreeCancel(owned); });
  char message[256];
  if (handle) PQcancel(handle.get(), message, sizeof message);
}

Status Connection::wait_readable(Clock::time_point deadline, std::string_view doing, std::stop_token stop) {
  while (true) {
    const int pending = PQflush(get());
    if (pending < 0) return postgres_error({}, PQerrorMessage(get()), doing);
    if (poll_slice(PQsocket(get()), static_cast<short>(pending > 0 ? POLLIN | POLLOUT : POLLIN))) {
      if (PQconsumeInput(get()) == 0) return postgres_error({}, PQerrorMessage(get()), doing);
      return {};
    }
    if (stop.stop_requested()) return cancel(), cancelled(doing);
    if (Clock::now() >= deadline) {
      cancel();
      return Error(ErrorKind::kTransient, "deadline_exceeded",
                   std::string(doing) + ": no answer in time (is another session holding a lock or a long transaction open?)");
    }
  }
}

Result<Rows> Connection::query(const std::string& command, std::string_view doing, std::stop_token stop,
                               std::chrono::milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  if (PQsendQuery(get(), command.c_str()) == 0) return postgres_error({}, PQerrorMessage(get()), doing);
  Rows last(nullptr);
  std::optional<Error> refused;  // what follows it is read all the same, so that the next statement can be sent
  while (true) {
    while (PQisBusy(get()) != 0) {
      if (Status readable = wait_readable(end, doing, stop); !readable) return refused.value_or(readable.error());
    }
    Rows rows(PQgetResult(get()));
    if (rows.get() == nullptr) break;
    const ExecStatusType status = PQresultStatus(rows.get());
    if (status == PGRES_COPY_BOTH) return rows;
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
      const char* state = PQresultErrorField(rows.get(), PG_DIAG_SQLSTATE);
      if (!refused) refused = postgres_error(state == nullptr ? "" : state, PQresultErrorMessage(rows.get()), doing);
      continue;
    }
    last = std::move(rows);
  }
  if (refused) return *std::move(refused);
  if (last.get() == nullptr) return postgres_error({}, PQerrorMessage(get()), doing);
  return last;
}

std::string Connection::literal(std::string_view text) const {
  const std::unique_ptr<char, void (*)(void*)> quoted(PQescapeLiteral(get(), text.data(), text.size()), &PQfreemem);
  return quoted ? quoted.get() : "''";
}

std::string Connection::identifier(std::string_view text) const {
  const std::unique_ptr<char, void (*)(void*)> quoted(PQescapeIdentifier(get(), text.data(), text.size()), &PQfreemem);
  return quoted ? quoted.get() : "\"\"";
}

int Connection::backend_pid() const { return PQbackendPID(get()); }
int Connection::server_version() const { return PQserverVersion(get()); }

}  // namespace sluice::sources::postgres
