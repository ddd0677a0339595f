#pragma once
// A note in the pipeline's folder of what it made at the server, so that it removes nothing else (`sluice cleanup`): a slot has no owner,
// and a publication of the name that we would give may be somebody's.
//
// An entry is durable before the thing exists; one without the thing is harmless.

#include <string>

#include "core/fault_points.h"
#include "core/result.h"

namespace sluice::sources::postgres {

class MadeNote {
 public:
  enum class Kind : std::uint8_t { kSlot, kPublication };

  // `folder` is the pipeline's, `component` the source's name in it.  `folder` empty: nothing is kept.
  MadeNote(const std::string& folder, const std::string& component) : path_(folder.empty() ? "" : folder + '/' + component + ".made") {}

  Result<bool> holds(Kind kind, const std::string& system_id, const std::string& name) const;
  // Durable when it returns; nothing when it is there.  Errors of storage/durable_file.h.
  Status add(Kind kind, const std::string& system_id, const std::string& name, FaultPoints& faults) const;
  // Best effort.
  void remove() const;

 private:
  Result<std::string> content() const;

  const std::string path_;
};

}  // namespace sluice::sources::postgres
