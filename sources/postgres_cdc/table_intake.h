#pragma once
// Takes in tables that appear while the stream runs: publishes them where the publication is the pipeline's own, remembers that, and says
// once of each that cannot be read why not.
//
//   1. ALTER PUBLICATION ... ADD TABLE     the server sends what is written to the table from there on
//   2. the note of what was published      (publication_watch.h)
//   3. the caller plans the snapshot of the table, before another message of the stream is given out
//
// A crash between any two of them is the ordinary case at the next start: a table that is published and not read.
// The shard's thread; a connection of its own, for the moment.

#include <memory>
#include <set>
#include <stop_token>
#include <string>

#include "core/fault_points.h"
#include "core/logger.h"
#include "core/result.h"
#include "sources/postgres_cdc/session.h"

namespace sluice::sources::postgres {

class TableIntake {
 public:
  // All outlive it.
  TableIntake(const SessionSettings& settings, Logger& log, FaultPoints& faults) : settings_(settings), log_(log), faults_(faults) {}

  struct Outcome {
    bool published = false;  // a table, perhaps
    bool again = false;      // something was in the way: ask again later; what does not pass by itself is in the log
  };
  Outcome take_in(const std::string& system_id, std::stop_token stop);

 private:
  Status try_it(Outcome& outcome, const std::string& system_id, std::stop_token stop);
  void say(const std::string& table, const std::string& cause, const std::string& mend);
  const SessionSettings& settings_;
  Logger& log_;
  FaultPoints& faults_;
  std::set<std::string> said_;  // what was said of which table
};

}  // namespace sluice::sources::postgres
