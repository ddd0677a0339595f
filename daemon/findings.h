#pragma once
// Findings for people and for programs (CONFIG.md rule 17, COMPONENTS.md `validate --json`).

#include <string>

#include "core/diagnostic.h"
#include "daemon/source_texts.h"

namespace sluice::daemon {

// By file, line and column; the same finding is given once, and what only follows from what YAML made of a place is left out.
std::vector<Diagnostic> sorted_findings(const Diagnostics& findings);

//   orders.yaml:12:7: error[unknown_key]: unknown key "pathss"
//     at sink.file.pathss
//      12 |   pathss: out/
//         |   ^~~~~~
//     did you mean "paths"?
//     hint: ...
// A password in a URL of the excerpt is shown as ***.
std::string findings_text(const std::vector<Diagnostic>& findings, const SourceTexts& texts);

std::string findings_json(const std::vector<Diagnostic>& findings);

}  // namespace sluice::daemon
