#pragma once
// Sessions that read tables, kept from one table to the next: a database with thousands of small ones would else be read by thousands of
// connections.  Any thread.

#include <memory>
#include <mutex>
#include <stop_token>
#include <utility>
#include <vector>

#include "core/result.h"
#include "sources/postgres_cdc/connection.h"

namespace sluice::sources::postgres {

class ReadingSessions {
 public:
  explicit ReadingSessions(ConnectOptions connect) : connect_(std::move(connect)) {}

  // One that is idle, or a new one (snapshot_session()).
  Result<std::unique_ptr<Connection>> take(std::stop_token stop);
  // One that is outside of a transaction.  What failed is not given back.
  void give_back(std::unique_ptr<Connection> session);
  // Closes those that are idle.
  void clear();

 private:
  const ConnectOptions connect_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace sluice::sources::postgres
