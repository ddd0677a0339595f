#include "sources/postgres_cdc/made_note.h"

#include <unistd.h>

#include <optional>
#include <utility>

#include "storage/durable_file.h"

namespace sluice::sources::postgres {

namespace {

std::string line_of(MadeNote::Kind kind, const std::string& system_id, const std::string& name) {
  return (kind == MadeNote::Kind::kSlot ? "slot " : "publication ") + system_id + ' ' + name + '\n';
}

}  // namespace

Result<std::string> MadeNote::content() const {
  if (path_.empty()) return std::string();
  std::optional<std::string> text = SLUICE_TRY(storage::read_file(path_));
  return std::move(text).value_or(std::string());
}

Result<bool> MadeNote::holds(Kind kind, const std::string& system_id, const std::string& name) const {
  const std::string text = SLUICE_TRY(content());
  return ('\n' + text).find('\n' + line_of(kind, system_id, name)) != std::string::npos;
}

Status MadeNote::add(Kind kind, const std::string& system_id, const std::string& name, FaultPoints& faults) const {
  if (path_.empty() || SLUICE_TRY(holds(kind, system_id, name))) return {};
  const std::string text = SLUICE_TRY(content()) + line_of(kind, system_id, name);
  return storage::replace_file(path_, text, faults, "postgres_cdc_made");
}

void MadeNote::remove() const {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace sluice::sources::postgres
