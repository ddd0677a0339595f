#pragma once
// `sluice schema`: JSON Schema (draft 2020-12) of the files that users write, for editors: what may stand where, with defaults, hover
// texts and examples.  Made from the field lists that also do the binding, so that it cannot say anything else.
//
// It accepts everything that `validate` accepts, except that a value of null is refused where a key is required.  It is weaker than
// `validate` where more than a shape is at stake: names, references, expressions, rules between fields.

#include <string>

#include "core/registry.h"

namespace sluice::daemon {

std::string pipeline_schema(const Registry& registry);
std::string settings_schema();

}  // namespace sluice::daemon
