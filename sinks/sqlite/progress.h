#pragma once
// The table _sluice_progress: how far each sink has come, in the same transaction as its rows (G23).
//
//   pipeline, sink, partition    partition is the checkpoint key "<source>/<partition>"
//   major, minor                 TEXT: decimal digits of an unsigned 64-bit number, which an INTEGER of SQLite cannot hold
//   resume BLOB, retired 0 | 1
//   instance                     the installation that writes here; another one is refused (G30)
// Owned by the sink; its thread only.

#include <span>
#include <string>

#include "core/position.h"
#include "core/result.h"
#include "storage/sqlite_database.h"

namespace sluice::sinks {

class SqliteProgress {
 public:
  SqliteProgress(std::string pipeline, std::string sink, std::string instance)
      : pipeline_(std::move(pipeline)), sink_(std::move(sink)), instance_(std::move(instance)) {}

  // Makes the table where it is missing.  Inside a transaction.
  static Status create(storage::SqliteDatabase& database);
  // kFatal other_instance when a row of ours was written by another installation.
  Status check_instance(storage::SqliteDatabase& database) const;
  Result<Checkpoint> load(storage::SqliteDatabase& database) const;
  // Writes those positions of `after` that differ from `before` and deletes those that are gone.
  Status store(storage::SqliteDatabase& database, const Checkpoint& before, const Checkpoint& after) const;

 private:
  std::string pipeline_, sink_, instance_;
};

}  // namespace sluice::sinks
