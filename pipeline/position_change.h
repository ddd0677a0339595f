#pragma once
// Positions of a pipeline that does not run are changed here: in its checkpoint and in every sink that keeps its own, so that both tell
// the same afterwards (G10, G11, G24).
//
//   write the wish to <state>/position_change -> clean up at the origins -> each sink -> the checkpoint -> remove the wish
//
// Each step may be done twice, so whatever interrupts them, the next start of the pipeline does them again before anything else.

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/position.h"
#include "core/result.h"
#include "pipeline/checkpoint_store.h"
#include "pipeline/definition.h"

namespace sluice::pipeline {

struct PositionChange {
  // By checkpoint key.  nullopt: forgotten, the source decides anew where that partition begins.
  std::map<std::string, std::optional<Position>, std::less<>> keys;
  // Forget every key, and remove what the sources made at their origins: the next start is a first start.
  bool everything = false;
};

// kFatal unknown_source (a key of no source of this pipeline), resume_needed (the source needs more than the two numbers to go on there).
Status check_position_change(const Definition& definition, const Environment& environment, const PositionChange& change);

// Blocks while sinks and origins answer; returns a line per thing removed there.  After an error the wish stands, and either a second
// call or the next start of the pipeline brings it to its end.
Result<std::vector<std::string>> change_positions(const Definition& definition, const Environment& environment,
                                                  const PositionChange& change, const std::stop_token& stop);

// Does what an interrupted change_positions() left.  Before the pipeline builds anything.
Status finish_position_change(const Definition& definition, const Environment& environment, const std::stop_token& stop);

// Asks every source to remove what it made at its origin; positions stay.
Result<std::vector<std::string>> clean_origins(const Definition& definition, const Environment& environment, const std::stop_token& stop);

// What the pipeline's checkpoint holds, sink by sink.
Result<StoredCheckpoints> stored_positions(const Environment& environment);

}  // namespace sluice::pipeline
