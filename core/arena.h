#pragma once
// Bump allocator of one batch: everything that its records point to lives here and dies with it.
// Not thread-safe: filled by the one thread that builds the batch, read-only afterwards.

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace sluice {

class Arena {
 public:
  // Bytes of a chunk: one allocation serves about a thousand records of 200 bytes.  Larger requests get a chunk of their own.
  static constexpr std::size_t kChunkBytes = 256 * 1024;

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  Arena(Arena&&) = default;
  Arena& operator=(Arena&&) = default;

  // Uninitialised memory, valid until the arena dies.  `alignment` is a power of two <= 16.
  void* allocate(std::size_t bytes, std::size_t alignment) {
    const std::size_t start = (used_ + alignment - 1) & ~(alignment - 1);
    if (start + bytes > limit_) return allocate_slowly(bytes, alignment);
    used_ = start + bytes;
    return current_ + start;
  }

  // An array of trivially destructible elements, value-initialised.
  template <typename T>
  std::span<T> array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= 16);
    if (count == 0) return {};
    T* first = static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
    for (std::size_t i = 0; i < count; ++i) ::new (static_cast<void*>(first + i)) T();
    return {first, count};
  }

  // A copy of `text` that lives as long as the arena.
  std::string_view copy(std::string_view text);

  // Gives back the unused tail of the newest allocation: `kept` of its first bytes stay.  Only right after allocate().
  void shrink_last(void* allocation, std::size_t kept) {
    const auto* start = static_cast<std::byte*>(allocation);
    if (current_ != nullptr && start >= current_ && start + kept <= current_ + used_) {
      used_ = static_cast<std::size_t>(start - current_) + kept;
    }
  }

  // Bytes taken from the system, which is what queues account (not the bytes in use).
  std::size_t capacity() const { return capacity_; }

 private:
  void* allocate_slowly(std::size_t bytes, std::size_t alignment);

  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  std::byte* current_ = nullptr;
  std::size_t used_ = 0;
  std::size_t limit_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace sluice
