#pragma once
// Transactions that were writing to a table when it had just been published.
//
// The server decides by the catalogue of the moment in which a row was written whether it sends it.  What a transaction wrote to a table
// before the table was published is never sent, although it commits later.  So a snapshot finds all that the stream leaves out only when
// it is taken after these transactions have ended: then it sees what they wrote.  Whoever writes for the first time later is sent whole.
//
// They are found by their locks: a writer keeps ROW EXCLUSIVE to its end, and the lock on its own id too, also once it is prepared.
// One thread.

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/logger.h"
#include "core/result.h"
#include "sources/postgres_cdc/connection.h"

namespace sluice::sources::postgres {

class EarlierWriters {
 public:
  // Remembers who writes to `tables` (with their partitions) now, besides those it knows already.  kTransient of the connection: call
  // again, before anything else.
  Status note(const ConnectOptions& options, const std::vector<std::uint32_t>& tables, std::stop_token stop);
  // Whether all of them have ended; asks the server at most twice a second.
  Result<bool> gone(const ConnectOptions& options, Logger& log, std::stop_token stop);

 private:
  std::vector<std::string> transactions_;  // ids, as the server writes them
  std::unique_ptr<Connection> connection_;
  std::chrono::steady_clock::time_point asked_, since_;
  bool said_ = false;
};

}  // namespace sluice::sources::postgres
