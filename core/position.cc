#include "core/position.h"

namespace sluice {

Checkpoint minimum(const Checkpoint& a, const Checkpoint& b) {
  Checkpoint result;
  for (const auto& [key, position] : a) {
    const auto other = b.find(key);
    if (other == b.end()) continue;
    const bool a_is_behind = position.done <= other->second.done;
    Position lower = a_is_behind ? position : other->second;
    lower.retired = position.retired && other->second.retired;
    result.emplace(key, std::move(lower));
  }
  return result;
}

void advance(Checkpoint& into, const Checkpoint& from) {
  for (const auto& [key, position] : from) {
    auto [slot, inserted] = into.try_emplace(key, position);
    if (inserted) continue;
    const bool retired = slot->second.retired || position.retired;
    if (slot->second.done < position.done) slot->second = position;
    slot->second.retired = retired;
  }
}

bool covers(const Checkpoint& have, const Checkpoint& wanted) {
  for (const auto& [key, position] : wanted) {
    const auto found = have.find(key);
    if (found == have.end() || found->second.done < position.done) return false;
    if (position.retired && !found->second.retired) return false;
  }
  return true;
}

std::string checkpoint_key(std::string_view source, std::string_view partition) {
  std::string key(source);
  key += '/';
  key += partition;
  return key;
}

}  // namespace sluice
