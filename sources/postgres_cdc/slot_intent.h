#pragma once
// A note in the pipeline's folder that it is about to create its slot.
//
// A slot without a checkpoint stops the pipeline (G11): somebody may have lost the checkpoint.  But a process that dies between the
// creation of its slot and the first commit leaves just that behind.  The note, durable before the slot exists and removed once a
// checkpoint came back, tells the two apart: with it the slot is the source's own and nothing was ever confirmed on it.

#include <string>

#include "core/fault_points.h"
#include "core/result.h"

namespace sluice::sources::postgres {

class SlotIntent {
 public:
  // `folder` is the pipeline's, `component` the source's name in it.  `folder` empty: nothing is kept, holds() is false.
  SlotIntent(const std::string& folder, const std::string& component)
      : path_(folder.empty() ? "" : folder + '/' + component + ".slot_intent") {}

  // True when the note names this slot of this server.
  Result<bool> holds(const std::string& system_id, const std::string& slot) const;
  // Durable when it returns.  Errors of storage/durable_file.h.
  Status write(const std::string& system_id, const std::string& slot, FaultPoints& faults) const;
  // Best effort: a note that stays is harmless as long as there is a checkpoint, and is removed at the next start.
  void remove() const;

 private:
  std::string path_;
};

}  // namespace sluice::sources::postgres
