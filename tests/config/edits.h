#pragma once
// One slip of the hand in a good configuration, for the property that it is found where it was made.

#include <cstdint>
#include <optional>
#include <random>
#include <string>

namespace sluice::test {

struct Edit {
  enum class Kind : std::uint8_t {
    kMisspeltKey,  // two letters of a key exchanged, one doubled or one lost
    kOtherType,    // a value becomes a list, a mapping, a word or nothing
    kLineRemoved,
    kUnitRemoved,  // 5s -> 5
  };
  static constexpr int kKinds = 4;
  Kind kind{};
  std::string text;             // of the whole file, edited
  std::uint32_t line = 0;       // 1-based; of a removed line: of the one that took its place
  std::uint32_t block_end = 0;  // the line behind the block that the line begins, where YAML may notice that its head is gone
  std::string what;             // for messages
};

// nullopt: the text offers nothing for the kind that was drawn.
std::optional<Edit> random_edit(const std::string& text, std::mt19937& random);

}  // namespace sluice::test
