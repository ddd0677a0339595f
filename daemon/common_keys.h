#pragma once
// What the keys beside a component's own are, for documentation and editors.  Which of them are known depends on where the component
// stands (CONFIG.md rule 2).

#include <vector>

#include "core/value_shape.h"

namespace sluice::daemon {

enum class KeyPlace : std::uint8_t {
  kMainStep,     // of `transforms:`
  kOwnedStep,    // of the `transforms` of a source or sink
  kLoneSource,   // `source:`
  kNamedSource,  // of `sources:`
  kLoneSink,     // `sink:`
  kNamedSink,    // of `sinks:`
  kLetterCopy,   // `dead_letters: {copy_to: ...}`
};

std::vector<FieldDoc> common_keys(KeyPlace place);

}  // namespace sluice::daemon
