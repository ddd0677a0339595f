#pragma once
// Which images of a change record a step works on (CONFIG.md rule 12).

#include <array>
#include <cstdint>
#include <utility>

#include "core/config_binding.h"

namespace sluice::transforms {

enum class Images : std::uint8_t {
  kBoth,   // after, before and key alike, so that nothing hidden in one shows in the other
  kAfter,  // after alone; the columns of the key are treated everywhere all the same, or a delete would not find its row
};

inline constexpr std::string_view kImagesDoc =
    "`both`: the step works on the row before a change as well as on the row after it; `after`: on the latter alone (key columns always in "
    "both).";

}  // namespace sluice::transforms

template <>
struct sluice::EnumNames<sluice::transforms::Images> {
  static constexpr std::array kNames = {std::pair{std::string_view{"both"}, sluice::transforms::Images::kBoth},
                                        std::pair{std::string_view{"after"}, sluice::transforms::Images::kAfter}};
};
