#include "sources/postgres_cdc/snapshot/reading_sessions.h"

#include "sources/postgres_cdc/snapshot/anchor.h"

namespace sluice::sources::postgres {

Result<std::unique_ptr<Connection>> ReadingSessions::take(std::stop_token stop) {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto session = std::move(idle_.back());
      idle_.pop_back();
      return session;
    }
  }
  return snapshot_session(connect_, std::move(stop));
}

void ReadingSessions::give_back(std::unique_ptr<Connection> session) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(session));
}

void ReadingSessions::clear() {
  const std::lock_guard lock(mutex_);
  idle_.clear();
}

}  // namespace sluice::sources::postgres
