#pragma once
// Where `sluice dlq` finds dead letters: in a data directory that no daemon holds, or with a running daemon.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "dlq/dead_letter_service.h"

namespace sluice::daemon {

// One thread.  The codes of its errors live as long as the desk.  Errors: those of dlq::DeadLetterService and, with a daemon, kTransient
// daemon_unreachable, kFatal unexpected_answer, and whatever the daemon refused with.
class LetterDesk {
 public:
  virtual ~LetterDesk() = default;
  // Names of those that can have letters, sorted.
  virtual Result<std::vector<std::string>> pipelines() = 0;
  virtual Result<std::vector<dlq::StoredLetter>> list(const std::string& pipeline, const dlq::LetterFilter& filter) = 0;
  virtual Result<std::vector<dlq::LetterTotal>> totals(const std::string& pipeline, const dlq::LetterFilter& filter,
                                                       dlq::LetterGroup by) = 0;
  // With its content; empty: there is no such letter.
  virtual Result<std::vector<dlq::StoredLetter>> show(const std::string& pipeline, std::int64_t id) = 0;
  virtual Result<dlq::DiscardResult> discard(const std::string& pipeline, const dlq::LetterFilter& filter) = 0;
};

std::unique_ptr<LetterDesk> make_offline_desk(std::string data_dir);

}  // namespace sluice::daemon
