#pragma once
// Where a dead letter enters its pipeline again, and which lanes are behind that place (G20).

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "pipeline/definition.h"

namespace sluice::pipeline {

// The sinks, by index, that records of stage `stage` (a source, a step, a step of a source's or sink's chain, or a sink) come to, of the
// records of source `source`.  Empty: the pipeline has no such stage.
std::vector<std::size_t> lanes_behind(const Definition& definition, const std::string& stage);

// The names of all stages whose records come to sink `lane`: the reverse.
std::vector<std::string> stages_before(const Definition& definition, std::size_t lane);

struct ReplayRoute {
  enum class Entry : std::uint8_t {
    kOriginal,     // the original bytes are read again, then as kSourceChain
    kSourceChain,  // at step `chain_index` of the source's own chain
    kStep,         // at the step
    kAfter,        // behind the source or step of that name: nobody's `when` held there
    kLane,         // at the one lane
  };
  Entry entry = Entry::kLane;
  std::string name;             // kStep, kAfter
  std::size_t chain_index = 0;  // kSourceChain; kLane: step of the sink's chain
  bool skip_when = false;       // kLane: its `when` held already
  std::vector<std::size_t> lanes;

  bool operator==(const ReplayRoute&) const = default;
};

// What is known of a letter, in the words of dlq::StoredLetter.
struct LetterPlace {
  std::string_view source, stage, phase, component;
  bool from_start = false;
  std::vector<std::string> sinks;  // those that lack the record; empty: all behind the stage
};

// kFatal, nothing to be retried: `unknown_source`, `unknown_stage` (the file no longer has it), `unknown_sink` (none of those that lack the
// record is left).
Result<ReplayRoute> route_letter(const Definition& definition, const LetterPlace& place);

}  // namespace sluice::pipeline
