#pragma once
// How the server is asked to send its changes: pgoutput's proto_version and options.
//
//   server  proto_version  streaming of running transactions
//   13      1              no
//   14      2              on
//   15      3              on   (3 adds two-phase commit, which is not asked for)
//   16-18   4              on   (`parallel` only adds LSN and time to an abort, for subscribers that apply it before its commit)
//
// Rows are counted the same way in all of them (streamed_transactions.h, T2), but a position inside a transaction stays with the
// protocol it was counted by (G3): a session that begins there uses the stored one, the next session may use another.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/lsn.h"

namespace sluice::sources::postgres {

enum class MessageMode : std::uint8_t { kIgnore, kEmit };

struct StreamOptions {
  std::uint32_t protocol = 1;
  bool streaming = false;
  // Logical messages are sent and counted.  Never with streaming: a message of a subtransaction that is rolled back would come under
  // the xid of the whole transaction and could not be left out (docs/decisions/0035).
  bool messages = false;
};

// What the caller wants besides what the server can.
struct StreamWish {
  MessageMode messages = MessageMode::kIgnore;
  bool streaming = true;  // false: the last session could not hold what was streamed
};

// `inside`: what a position inside a transaction was counted by; null when the position is between transactions.
//   kFatal  server_too_old        messages are wanted of PostgreSQL 13
//           slot_options_changed  the transaction was counted in a way that is no longer to be had
Result<StreamOptions> choose_stream_options(int server_version, const ResumePoint* inside, const StreamWish& wish);

// START_REPLICATION ...
std::string start_command(const Connection& connection, std::string_view slot, Lsn from, const StreamOptions& options,
                          std::string_view publication);

}  // namespace sluice::sources::postgres
