#pragma once
// A part of a store as a store of its own, to try a replay on.

#include <string>

#include "core/result.h"
#include "dlq/stored_letters.h"

namespace sluice::dlq {

// Makes `to` (no file yet) from the letters of `from` that the filter finds, with their ids, all of them waiting and to be replayed.
// `from` is only read, and may be in use; kFatal older_state when it would have to be migrated for that.
struct TrialRequest {
  LetterFilter filter = {};
  bool from_start = false;
};
Result<std::uint64_t> make_trial_store(const std::string& from, const std::string& to, const TrialRequest& request);

}  // namespace sluice::dlq
