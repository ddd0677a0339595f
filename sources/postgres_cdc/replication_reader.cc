#include "sources/postgres_cdc/replication_reader.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "sources/postgres_cdc/postgres_errors.h"
#include "sources/postgres_cdc/wire_reader.h"

namespace sluice::sources::postgres {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::string_view kDoing = "read changes from PostgreSQL";
// A server that shuts down asks for the next status as soon as it has one.
constexpr auto kReplyPause = 10ms;
// While somebody waits for a confirmation (R2) it is looked for this often.
constexpr auto kHurryPause = 20ms;
// Read coalescing: the server sends every row with a send() of its own, so a fast reader wakes up once per row.  When less than
// this was waiting, a short sleep lets more come: a fifth to a half of the client's CPU at the same or a better wall time.  The
// sleep is the shortest there is, about 60 us with the kernel's timer slack: with 250 us the walsender, which is what limits the
// rate, takes a tenth more CPU, because the socket is then drained in step with it and each of its sends goes out on its own
// (docs/decisions/0037).
// SO_RCVBUF is left alone: setting it ends the kernel's own tuning, which reaches further (up to twice the wall time, measured).
constexpr int kCoalesceBytes = 8 * 1024;
constexpr long kCoalesceNanoseconds = 1'000;

std::int64_t server_clock_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count() - kServerEpoch;
}

template <typename T>
void put(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> static_cast<unsigned>(shift));
}

std::string status_message(Lsn received, Lsn flushed, bool ask) {
  std::string message = "r";
  put(message, received);
  put(message, flushed);
  put(message, flushed);
  put(message, server_clock_now());
  put(message, static_cast<std::uint8_t>(ask ? 1 : 0));
  return message;
}

}  // namespace

ReplicationReader::ReplicationReader(Connection connection, const Options& options)
    : options_(options),
      connection_(std::move(connection)),
      backend_pid_(connection_.backend_pid()),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      buffer_(options.buffer_bytes),
      acknowledged_(options.acknowledged) {
  buffer_.on_room([this] { wake(); });
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

ReplicationReader::~ReplicationReader() {
  thread_.request_stop();
  wake();
  if (thread_.joinable()) thread_.join();
  ::close(wake_fd_);
}

void ReplicationReader::acknowledge(Lsn lsn) {
  Lsn known = acknowledged_.load(std::memory_order_relaxed);
  while (known < lsn && !acknowledged_.compare_exchange_weak(known, lsn, std::memory_order_relaxed)) {
  }
}

void ReplicationReader::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);  // fails only when it is set already
}

void ReplicationReader::finish() {
  finishing_.store(true);
  thread_.request_stop();
  wake();
  if (thread_.joinable()) thread_.join();
}

void ReplicationReader::run(std::stop_token stop) {
  Turn turn;
  turn.received = options_.acknowledged;
  turn.last_heard = Clock::now();
  const Status served = serve(stop, turn);
  if (!served) {
    buffer_.fail(served.error());
  } else if (finishing_) {
    end_stream(turn);
  }
}

Status ReplicationReader::serve(std::stop_token stop, Turn& turn) {
  SLUICE_TRY(tell(turn));
  while (!stop.stop_requested()) {
    SLUICE_TRY(drain(turn));
    if (status_due(turn)) SLUICE_TRY(tell(turn));
    SLUICE_TRY(wait(turn));
  }
  return {};
}

Status ReplicationReader::drain(Turn& turn) {
  turn.message_seen = false;
  // The limit is looked at now and then only: it takes a lock.
  for (std::uint32_t taken = 0; taken % 64 != 0 || !buffer_.full(); ++taken) {
    char* message = nullptr;
    const int size = PQgetCopyData(connection_.get(), &message, 1);
    if (size == 0) break;
    if (size < 0) return stream_error();
    const std::string_view bytes(message, static_cast<std::size_t>(size));
    turn.message_seen = true;
    note(bytes, turn);
    buffer_.append(bytes);
    PQfreemem(message);
  }
  if (turn.message_seen) turn.last_heard = Clock::now();
  return {};
}

// Looks at the header only; what is malformed is the decoder's to say.
void ReplicationReader::note(std::string_view message, Turn& turn) {
  WireReader in(message);
  const char type = in.byte();
  if (type == 'w') in.integer<Lsn>();
  if (type != 'w' && type != 'k') return;
  turn.received = std::max(turn.received, in.integer<Lsn>());
  if (type != 'k') return;
  in.integer<std::int64_t>();
  turn.reply_wanted = turn.reply_wanted || in.byte() != 0;
}

bool ReplicationReader::status_due(const Turn& turn) const {
  const auto age = Clock::now() - turn.last_status;
  if (age >= options_.status_interval) return true;          // R1
  if (turn.reply_wanted && age >= kReplyPause) return true;  // R2
  if (asked_.load(std::memory_order_relaxed)) return true;
  return hurried_.load(std::memory_order_relaxed) && acknowledged_.load(std::memory_order_relaxed) > turn.confirmed;  // G8
}

Status ReplicationReader::tell(Turn& turn) {
  const Lsn flushed = acknowledged_.load(std::memory_order_relaxed);  // R3
  // Nothing heard for a while: ask for an answer, so that a dead connection shows.
  const bool silent = Clock::now() - turn.last_heard >= 2 * options_.status_interval;
  const bool ask = asked_.exchange(false, std::memory_order_relaxed) || silent;
  const std::string message = status_message(std::max(turn.received, flushed), flushed, ask);
  if (PQputCopyData(connection_.get(), message.data(), static_cast<int>(message.size())) < 0 || PQflush(connection_.get()) < 0)
    return stream_error();
  if (flushed > turn.confirmed) hurried_.store(false, std::memory_order_relaxed);
  turn.confirmed = flushed;
  turn.reply_wanted = false;
  turn.last_status = Clock::now();
  return {};
}

// Until the socket has something, room came, or a status is due.
Status ReplicationReader::wait(Turn& turn) {
  const bool full = buffer_.full();
  const int socket = PQsocket(connection_.get());
  const int pending = PQflush(connection_.get());
  if (pending < 0) return stream_error();
  int waiting = 0;
  const bool more_waits = turn.message_seen && ::ioctl(socket, FIONREAD, &waiting) == 0 && waiting >= kCoalesceBytes;
  // Handed over before the thread may sleep; until then each hand-over wakes the other side for more.
  if (full || !more_waits) buffer_.publish();
  if (!full && turn.message_seen && !more_waits) {
    const timespec nap{0, kCoalesceNanoseconds};
    ::nanosleep(&nap, nullptr);
  }
  auto next = std::chrono::duration_cast<std::chrono::milliseconds>(turn.last_status + options_.status_interval - Clock::now()) + 1ms;
  if (turn.reply_wanted) next = std::min(next, std::chrono::milliseconds(kReplyPause));
  if (hurried_.load(std::memory_order_relaxed)) next = std::min(next, std::chrono::milliseconds(kHurryPause));
  const auto events = static_cast<short>((full ? 0 : POLLIN) | (pending > 0 ? POLLOUT : 0));
  // A full buffer must not spin on a socket that hung up: it is left out until there is room or something to send.
  std::array<pollfd, 2> polled{pollfd{events == 0 ? -1 : socket, events, 0}, pollfd{wake_fd_, POLLIN, 0}};
  ::poll(polled.data(), polled.size(), static_cast<int>(std::clamp<std::int64_t>(next.count(), 0, 60'000)));
  if ((polled[1].revents & POLLIN) != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(wake_fd_, &count, sizeof count);
  }
  if (full) {
    turn.last_heard = Clock::now();  // the server was not listened to
    return {};
  }
  if (polled[0].revents != 0 && PQconsumeInput(connection_.get()) == 0) return stream_error();
  if (Clock::now() - turn.last_heard > options_.silence_limit) {
    return Error(ErrorKind::kTransient, "connection_lost",
                 std::string(kDoing) + ": the server has been silent for " + std::to_string(options_.silence_limit.count()) + " ms");
  }
  return {};
}

void ReplicationReader::end_stream(Turn& turn) {
  if (!tell(turn) || PQputCopyEnd(connection_.get(), nullptr) < 0) return;
  const auto deadline = Clock::now() + 1s;
  // What still comes is not wanted; the server's answer to the end means that it has read the status before it.
  while (Clock::now() < deadline) {
    char* message = nullptr;
    const int size = PQgetCopyData(connection_.get(), &message, 1);
    PQfreemem(message);
    if (size < 0) return;
    if (size > 0) continue;
    if (PQflush(connection_.get()) < 0) return;
    pollfd polled{PQsocket(connection_.get()), POLLIN, 0};
    ::poll(&polled, 1, 20);
    if (polled.revents != 0 && PQconsumeInput(connection_.get()) == 0) return;
  }
}

Error ReplicationReader::stream_error() const {
  // The reason stands in the result that ends the copy; without one the connection itself is gone.
  const Rows rows(PQgetResult(connection_.get()));
  const char* state = rows.get() == nullptr ? nullptr : PQresultErrorField(rows.get(), PG_DIAG_SQLSTATE);
  if (state != nullptr) return postgres_error(state, PQresultErrorMessage(rows.get()), kDoing);
  return postgres_error({}, PQerrorMessage(connection_.get()), kDoing);
}

}  // namespace sluice::sources::postgres
