#include "net/http_server.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "net/http_connection.h"

namespace sluice::net {

namespace {

constexpr int kBacklog = 4096;                          // the kernel cuts it to net.core.somaxconn
constexpr std::chrono::milliseconds kLookEvery{100};    // at the deadlines
constexpr std::chrono::milliseconds kAcceptPause{100};  // when there are no descriptors left
constexpr std::uint64_t kListenerId = 0, kWakeId = 1, kFirstId = 2;

// Shells and systemd give 1,024 descriptors unless they are told otherwise; as many as the system lets us have are ours to take.
void make_room_for(std::size_t connections) {
  constexpr rlim_t kOthers = 1024;  // files, databases, brokers
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min(limit.rlim_max, static_cast<rlim_t>(connections) + kOthers);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

// Owns the thread and all that only it touches.
class HttpServer::Loop {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Loop(Options options, Handlers handlers, Descriptor listener)
      : options_(std::move(options)),
        handlers_(std::move(handlers)),
        port_(port_of(listener)),
        bytes_(std::make_shared<std::atomic<std::uint64_t>>(0)),
        listener_(std::move(listener)),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Loop() { stop(std::chrono::milliseconds(0)); }

  Status begin() {
    if (!epoll_ || !wake_) return Error(ErrorKind::kTransient, "listen_failed", std::string("no epoll: ") + std::strerror(errno));
    watch(listener_.get(), kListenerId, EPOLLIN, EPOLL_CTL_ADD);
    watch(wake_.get(), kWakeId, EPOLLIN, EPOLL_CTL_ADD);
    thread_ = std::thread([this] { run(); });
    return {};
  }

  std::uint16_t port() const { return port_; }

  void answer(std::vector<std::pair<Ticket, ServerAnswer>> answers) {
    {
      const std::lock_guard lock(mutex_);
      if (answers_.empty()) {
        answers_ = std::move(answers);
      } else {
        for (auto& entry : answers) answers_.push_back(std::move(entry));
      }
    }
    wake();
  }

  void stop(std::chrono::milliseconds farewell) {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      stop_at_ = std::chrono::steady_clock::now() + farewell;
    }
    wake();
    thread_.join();
  }

 private:
  void wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
  }

  void watch(int fd, std::uint64_t id, std::uint32_t events, int operation) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    ::epoll_ctl(epoll_.get(), operation, fd, &event);
  }

  void run() {
    std::array<epoll_event, 256> events{};
    while (true) {
      const int ready = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), static_cast<int>(kLookEvery.count()));
      now_ = std::chrono::steady_clock::now();
      for (int i = 0; i < ready; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.u64 == kListenerId) {
          accept_all();
        } else if (event.data.u64 == kWakeId) {
          std::uint64_t count = 0;
          [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &count, sizeof(count));
        } else {
          on_event(event.data.u64, event.events);
        }
      }
      give_answers();
      if (now_ - looked_ >= kLookEvery) look_at_deadlines();
      if (is_over()) return;
    }
  }

  bool is_over() {
    const std::lock_guard lock(mutex_);
    if (!stop_at_) return false;
    listener_.reset();
    std::erase_if(connections_, [](const auto& entry) { return entry.second.connection.is_idle(); });
    return now_ >= *stop_at_ || connections_.empty();
  }

  void accept_all() {
    if (now_ < accept_again_ || !listener_) return;
    while (connections_.size() < options_.max_connections) {
      Descriptor fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!fd) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause_accepting();
        return;
      }
      auto channel = options_.tls ? Channel::server(std::move(fd), *options_.tls) : Result<Channel>(Channel::plain(std::move(fd)));
      if (!channel) continue;
      const std::uint64_t id = next_id_++;
      const auto [entry, added] = connections_.try_emplace(id, HttpConnection(id, std::move(channel).value(), options_, now_));
      watch(entry->second.connection.fd(), id, 0, EPOLL_CTL_ADD);
      drive(id);
    }
    pause_accepting();
  }

  // The listener stays readable meanwhile, and epoll would tell so again and again.
  void pause_accepting() {
    accept_again_ = now_ + kAcceptPause;
    watch(listener_.get(), kListenerId, 0, EPOLL_CTL_MOD);
  }

  void on_event(std::uint64_t id, std::uint32_t events) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    if ((events & (EPOLLERR | EPOLLHUP)) != 0 && found->second.connection.phase() == HttpConnection::Phase::kWaiting) {
      connections_.erase(found);  // nobody will read the answer
      return;
    }
    drive(id);
  }

  // Moves a connection on until it waits for something.
  void drive(std::uint64_t id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    HttpConnection& connection = found->second.connection;
    for (auto event = connection.advance(now_); event != HttpConnection::Event::kNothing; event = connection.advance(now_)) {
      if (event == HttpConnection::Event::kRequest) {
        handlers_.handle(connection.take_request(now_));
        continue;
      }
      connection.claim_from(ByteClaim(bytes_));
      auto refusal = handlers_.admit(connection.head());
      if (refusal) {
        connection.refuse(*std::move(refusal), now_);
      } else {
        connection.admit(now_, bytes_->load(std::memory_order_relaxed));
      }
    }
    settle(found);
  }

  struct Entry {
    explicit Entry(HttpConnection&& moved) : connection(std::move(moved)) {}
    HttpConnection connection;
    std::uint32_t interest = 0;
  };
  using Connections = std::unordered_map<std::uint64_t, Entry>;

  void settle(Connections::iterator found) {
    Entry& entry = found->second;
    if (const auto status = entry.connection.take_sent_status(); status && handlers_.answered) handlers_.answered(*status);
    if (entry.connection.phase() == HttpConnection::Phase::kGone) {
      connections_.erase(found);
      return;
    }
    if (const std::uint32_t wanted = entry.connection.interest(); wanted != entry.interest) {
      entry.interest = wanted;
      watch(entry.connection.fd(), found->first, wanted, EPOLL_CTL_MOD);
    }
  }

  void give_answers() {
    std::vector<std::pair<Ticket, ServerAnswer>> answers;
    {
      const std::lock_guard lock(mutex_);
      answers.swap(answers_);
    }
    for (const auto& [ticket, answer] : answers) {
      const auto found = connections_.find(ticket.connection);
      if (found == connections_.end() || !found->second.connection.waits_for(ticket.request)) continue;
      found->second.connection.answer(answer, now_);
      drive(ticket.connection);
    }
  }

  void look_at_deadlines() {
    looked_ = now_;
    if (listener_ && now_ >= accept_again_) watch(listener_.get(), kListenerId, EPOLLIN, EPOLL_CTL_MOD);
    std::vector<std::uint64_t> late, overdue;
    for (const auto& [id, entry] : connections_) {
      if (entry.connection.is_late(now_)) late.push_back(id);
      if (entry.connection.is_overdue(now_)) overdue.push_back(id);
    }
    for (const std::uint64_t id : late) {
      connections_.at(id).connection.answer(options_.late, now_);
      drive(id);
    }
    for (const std::uint64_t id : overdue) {
      HttpConnection& connection = connections_.at(id).connection;
      if (connection.is_inside_request()) {
        connection.give_up({408, "request_timeout", "the request did not come to its end in time"}, now_);
        drive(id);
      } else {
        connections_.erase(id);
      }
    }
  }

  const Options options_;
  const Handlers handlers_;
  const std::uint16_t port_;
  const ByteClaim::Counter bytes_;
  Descriptor listener_, epoll_, wake_;
  Connections connections_;
  std::uint64_t next_id_ = kFirstId;
  Time now_{}, looked_{}, accept_again_{};

  std::mutex mutex_;
  std::vector<std::pair<Ticket, ServerAnswer>> answers_;
  std::optional<Time> stop_at_;
  std::thread thread_;
};

HttpServer::HttpServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
HttpServer::~HttpServer() = default;
std::uint16_t HttpServer::port() const { return loop_->port(); }
void HttpServer::answer(std::vector<std::pair<Ticket, ServerAnswer>> answers) { loop_->answer(std::move(answers)); }
void HttpServer::stop(std::chrono::milliseconds farewell) { loop_->stop(farewell); }

Result<std::unique_ptr<HttpServer>> HttpServer::start(Options options, Handlers handlers) {
  make_room_for(options.max_connections);
  Descriptor listener = SLUICE_TRY(listen_on(options.address, kBacklog));
  auto loop = std::make_unique<Loop>(std::move(options), std::move(handlers), std::move(listener));
  SLUICE_TRY(loop->begin());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(loop)));
}

}  // namespace sluice::net
