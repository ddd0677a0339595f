#include "sources/postgres_cdc/slot_intent.h"

#include <unistd.h>

#include "storage/durable_file.h"

namespace sluice::sources::postgres {

namespace {

std::string content_of(const std::string& system_id, const std::string& slot) { return system_id + ' ' + slot + '\n'; }

}  // namespace

Result<bool> SlotIntent::holds(const std::string& system_id, const std::string& slot) const {
  if (path_.empty()) return false;
  const std::optional<std::string> content = SLUICE_TRY(storage::read_file(path_));
  return content == content_of(system_id, slot);
}

Status SlotIntent::write(const std::string& system_id, const std::string& slot, FaultPoints& faults) const {
  if (path_.empty()) return {};
  return storage::replace_file(path_, content_of(system_id, slot), faults, "postgres_cdc");
}

void SlotIntent::remove() const {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace sluice::sources::postgres
