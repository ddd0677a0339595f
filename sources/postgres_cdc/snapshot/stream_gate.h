#pragma once
// Finds the place in the stream that a database snapshot stands for (G15): the messages before it are those of transactions that the
// snapshot sees, none of those after it is.
//
//                 invisible transaction                 the log has passed the horizon
//   [passing] ----------------------------> [looking] ----------------------------------> [standing]
//       |                                       |                                              ^
//       |                                       | a visible transaction, or too much: [open]   |
//       '------------------- the log has passed the horizon -----------------------------------'
//
// Commit records stand in the log in the order in which they were written, but transactions become visible in the order in which their
// sessions are done, a moment later.  So a snapshot that is taken in between may see a transaction and not the one before it in the log:
// such a snapshot stands for no place, and another is taken.  The horizon is the end of the log just after the snapshot was taken: what
// commits later is not in it.
//
// No I/O; one thread.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sources/postgres_cdc/lsn.h"

namespace sluice::sources::postgres {

// pg_current_snapshot() (documentation, "Transaction ID and Snapshot Information Functions").
struct VisibleTransactions {
  std::uint64_t xmin = 0, xmax = 0;
  std::vector<std::uint64_t> running;  // ascending

  static std::optional<VisibleTransactions> parse(std::string_view text);  // "10:20:10,14,15"
  // `xid`: as the stream has it, without its epoch; of a transaction not far from the snapshot.
  bool sees(std::uint32_t xid) const;
};

class StreamGate {
 public:
  enum class State : std::uint8_t { kOpen, kPassing, kLooking, kStanding };

  // A snapshot was taken: its place is looked for from here on.  False: what was given out already is not all in it.
  bool look_for(VisibleTransactions visible, Lsn horizon);
  // The snapshot is not used, or no longer: everything passes.
  void open() { state_ = State::kOpen; }
  State state() const { return state_; }

  // The message to be given out next: the first kept one if there is any, else one that just came.  False: the place is before it, or
  // may be; it is kept.
  bool admit(std::string_view copy_data);
  // A message that is given out while no snapshot is wanted: so that one which is wanted later knows what went before it.
  void pass(std::string_view copy_data);
  // While kLooking: every message that comes.
  void look(std::string_view copy_data);

  // Messages that are kept come before those that arrive.
  std::optional<std::string_view> front() const { return kept_.empty() ? std::nullopt : std::optional<std::string_view>(kept_.front()); }
  void pop_front();
  // A new session: what was kept comes again.
  void forget();

 private:
  // What a message says of the order of the log.
  struct Mark {
    enum class Kind : std::uint8_t { kOther, kTransaction, kEnd, kQuiet } kind = Kind::kOther;
    Lsn lsn = 0;  // of the commit; of the log's end
    std::uint32_t xid = 0;
    bool begins = false;  // its rows and its end follow
  };
  static Mark read(std::string_view copy_data);
  void judge_ahead(const Mark& mark);
  void note_passed(const Mark& mark);

  State state_ = State::kOpen;
  VisibleTransactions visible_;
  Lsn horizon_ = 0;
  bool inside_ = false;                // a transaction is being given out
  bool inside_ahead_ = false;          // the same of the messages that were looked at
  std::vector<std::uint32_t> passed_;  // transactions given out and not known to be in every later snapshot
  std::deque<std::string> kept_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace sluice::sources::postgres
