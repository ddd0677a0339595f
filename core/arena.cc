#include "core/arena.h"

#include <cstring>

namespace sluice {

void* Arena::allocate_slowly(std::size_t bytes, std::size_t alignment) {
  // An oversize request gets its own chunk behind the current one, so that the current one's room is not lost.
  if (bytes > kChunkBytes / 4) {
    chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(bytes));
    capacity_ += bytes;
    return chunks_.back().get();
  }
  chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(kChunkBytes));
  capacity_ += kChunkBytes;
  current_ = chunks_.back().get();
  limit_ = kChunkBytes;
  used_ = 0;
  return allocate(bytes, alignment);
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  auto* target = static_cast<char*>(allocate(text.size(), 1));
  std::memcpy(target, text.data(), text.size());
  return {target, text.size()};
}

}  // namespace sluice
