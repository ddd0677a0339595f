#pragma once
// Turns the YAML library's complaint into one that says what the writer probably did.

#include <optional>
#include <string>
#include <utility>

#include "daemon/yaml_text.h"

namespace sluice::daemon {

// What the library said, and where it gave up.
struct YamlComplaint {
  int offset = -1;  // negative: unknown
  std::string message;
  std::optional<std::size_t> open_bracket;                        // of the innermost { or [ that was open then
  std::optional<std::pair<std::size_t, std::size_t>> long_quote;  // begin and end of the quoted text before, if it goes over lines
};

// Adds one finding, unless there is one of the same code for the same place.
void explain_syntax_error(const YamlText& text, const YamlComplaint& complaint, Diagnostics& findings);

// The same for a text that goes on after its first document has ended at `offset`: behind a --- or without one.
void explain_second_document(const YamlText& text, std::size_t offset, Diagnostics& findings);

}  // namespace sluice::daemon
