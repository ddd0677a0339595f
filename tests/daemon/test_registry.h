#pragma once
// Components that do nothing, so that configuration can be tested without the real ones.

#include "core/registry.h"

namespace sluice::test {

// sources: feed {path, count?}; steps: pick <condition> (+ images beside), put {name: expression}, sample {share},
// split [outputs];
// sinks: store {path, secret?, url?}, void.
Registry test_registry();

}  // namespace sluice::test
