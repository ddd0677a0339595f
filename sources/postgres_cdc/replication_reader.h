#pragma once
// The thread that owns the replication connection once it streams (G9): it reads messages into a bounded buffer and tells the server
// how far it may forget its log, on time, whatever the pipeline does.
//
// The server's view (documentation, "Streaming Replication Protocol"):
//   server  'w' XLogData | 'k' keepalive(reply wanted?)        client  'r' status(written, flushed, applied)
//
// Rules that the tests cite:
//   R1  a status goes out at least every `status_interval`, also while the buffer is full and nothing is read;
//   R2  a keepalive that wants a reply gets it at once (at most one per 10 ms: a server that shuts down asks without pause);
//   R3  "flushed" is what acknowledge() was given last and nothing else (G8): never what was merely read;
//   R4  destruction without finish() tells the server nothing more.

#include <atomic>
#include <chrono>
#include <memory>
#include <stop_token>
#include <thread>

#include "core/result.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/lsn.h"
#include "sources/postgres_cdc/message_buffer.h"

namespace sluice::sources::postgres {

class ReplicationReader {
 public:
  struct Options {
    Lsn acknowledged = 0;                       // confirmed with the first status; 0 confirms nothing
    std::chrono::milliseconds status_interval;  // a quarter of wal_sender_timeout or less
    std::chrono::milliseconds silence_limit;    // without any message from the server, although asked: the connection is dead
    std::size_t buffer_bytes = 8 * 1024 * 1024;
  };

  // `connection` has just answered START_REPLICATION.  The thread starts at once.
  ReplicationReader(Connection connection, const Options& options);
  ~ReplicationReader();
  ReplicationReader(const ReplicationReader&) = delete;
  ReplicationReader& operator=(const ReplicationReader&) = delete;

  // The decoding side.  When its error() is set the thread has ended and the connection is gone.
  MessageBuffer& buffer() { return buffer_; }

  // Stores what may be confirmed.  Any thread; never goes back.
  void acknowledge(Lsn lsn);
  // The server wants to hear a newer confirmation soon: the next acknowledge() is sent at once instead of with the next status.
  void hurry() { hurried_.store(true, std::memory_order_relaxed); }

  // Asks the server how far it has come; the answer is a keepalive.
  void ask() {
    asked_.store(true, std::memory_order_relaxed);
    wake();
  }

  int backend_pid() const { return backend_pid_; }

  // Sends the last confirmation, ends the stream and the thread; at most 1 s.
  void finish();

 private:
  // What the thread remembers between its turns.
  struct Turn {
    Lsn received = 0;   // newest position that the server has sent
    Lsn confirmed = 0;  // in the last status
    bool reply_wanted = false;
    bool message_seen = false;  // the last drain() brought something
    std::chrono::steady_clock::time_point last_status, last_heard;
  };

  void run(std::stop_token stop);
  Status serve(std::stop_token stop, Turn& turn);
  Status drain(Turn& turn);
  void note(std::string_view message, Turn& turn);
  Status tell(Turn& turn);
  bool status_due(const Turn& turn) const;
  Status wait(Turn& turn);
  void end_stream(Turn& turn);
  Error stream_error() const;
  void wake() const;

  const Options options_;
  Connection connection_;
  const int backend_pid_;
  int wake_fd_;
  MessageBuffer buffer_;
  std::atomic<Lsn> acknowledged_;
  std::atomic<bool> hurried_{false};
  std::atomic<bool> asked_{false};
  std::atomic<bool> finishing_{false};
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace sluice::sources::postgres
