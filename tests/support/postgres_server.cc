#include "tests/support/postgres_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace sluice::test {

namespace {

using namespace std::chrono_literals;

// One of the project's shell scripts; gives what it prints, without the line's end.
struct Answer {
  int status = 0;
  std::string text;
};

Answer ask_script(const std::string& command) {
  Answer answer;
  FILE* pipe = ::popen((std::string(SLUICE_ROOT) + "/dev.d/" + command + " 2>&1 </dev/null").c_str(), "r");
  if (pipe == nullptr) return {-1, "popen"};
  char buffer[512];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) answer.text += buffer;
  answer.status = ::pclose(pipe);
  while (!answer.text.empty() && answer.text.back() == '\n') answer.text.pop_back();
  return answer;
}

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool good = ::bind(fd, generic, length) == 0 && ::getsockname(fd, generic, &length) == 0;
  ::close(fd);
  if (!good) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

// In the child: PostgreSQL refuses to run as root.
void become_unprivileged() {
  if (::geteuid() != 0) return;
  const passwd* nobody = ::getpwnam("nobody");
  if (nobody == nullptr || ::setgroups(0, nullptr) != 0 || ::setgid(nobody->pw_gid) != 0 || ::setuid(nobody->pw_uid) != 0) ::_exit(126);
}

pid_t spawn(const std::string& folder, const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  become_unprivileged();
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // after the change of user, which resets it
  const int log = ::open((folder + "/server.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(log, 1);
  ::dup2(log, 2);
  if (::chdir(folder.c_str()) == 0) ::execv(argv[0], argv.data());
  ::_exit(127);
}

}  // namespace

std::string postgres_unavailable(const std::string& version) {
  const Answer tree = ask_script("postgres_tree.sh " + version);
  return tree.status == 0 ? std::string() : tree.text;
}

PostgresSession::PostgresSession(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
  if (PQstatus(connection_) == CONNECTION_OK) return;
  const std::string message = PQerrorMessage(connection_);
  PQfinish(connection_);
  throw std::runtime_error(message);
}

PostgresSession::~PostgresSession() { PQfinish(connection_); }

PostgresRows PostgresSession::query(const std::string& sql) {
  PGresult* result = PQexec(connection_, sql.c_str());
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    const std::string message = std::string(PQresultErrorMessage(result)) + sql;
    PQclear(result);
    throw std::runtime_error(message);
  }
  PostgresRows rows(static_cast<std::size_t>(PQntuples(result)));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (int column = 0; column < PQnfields(result); ++column) {
      const int number = static_cast<int>(row);
      rows[row].emplace_back(PQgetisnull(result, number, column) != 0 ? "<null>" : PQgetvalue(result, number, column));
    }
  }
  PQclear(result);
  return rows;
}

PostgresServer::PostgresServer(const std::string& settings, const std::string& version) : port_(free_port()) {
  char folder[] = "/tmp/sluice-postgres-XXXXXX";
  if (::mkdtemp(folder) == nullptr) throw std::runtime_error("mkdtemp");
  folder_ = folder;
  data_ = folder_ + "/data";
  const Answer created = ask_script("postgres_create.sh " + folder_ + ' ' + std::to_string(port_) + ' ' + version);
  if (created.status != 0) throw std::runtime_error("no server in " + folder_ + ": " + created.text);
  programs_ = created.text + '/';
  std::ofstream(data_ + "/postgresql.conf", std::ios::app) << settings << '\n';
  start();
}

PostgresServer::~PostgresServer() {
  if (pid_ != 0) stop(Stop::kImmediate);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string PostgresServer::url(const std::string& database, const std::string& user, const std::string& password) const {
  return "postgresql://" + user + ':' + password + "@127.0.0.1:" + std::to_string(port_) + '/' + database;
}

std::string PostgresServer::create_database(const std::string& name) {
  PostgresSession(url()).query("CREATE DATABASE " + name);
  return url(name);
}

void PostgresServer::start() {
  pid_ = spawn(folder_, {programs_ + "postgres", "-D", data_});
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (PQping(url().c_str()) != PQPING_OK) {
    if (std::chrono::steady_clock::now() > deadline || ::kill(pid_, 0) != 0)
      throw std::runtime_error("the server does not start, see " + folder_ + "/server.log");
    std::this_thread::sleep_for(20ms);
  }
}

void PostgresServer::request_stop(Stop mode) { ::kill(pid_, mode == Stop::kFast ? SIGINT : SIGQUIT); }

bool PostgresServer::wait_stopped(int seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (::waitpid(pid_, nullptr, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(10ms);
  }
  pid_ = 0;
  return true;
}

void PostgresServer::stop(Stop mode) {
  request_stop(mode);
  if (!wait_stopped(30)) {
    ::kill(pid_, SIGQUIT);
    wait_stopped(10);
  }
}

}  // namespace sluice::test
