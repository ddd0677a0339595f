#pragma once
// Turns the YAML library's complaint into one that says what the writer probably did.

#include <string>

#include "daemon/yaml_text.h"

namespace sluice::daemon {

// `offset`: where the library gave up (negative: unknown); `message`: its words.  Adds exactly one finding.
void explain_syntax_error(const YamlText& text, int offset, const std::string& message, Diagnostics& findings);

}  // namespace sluice::daemon
