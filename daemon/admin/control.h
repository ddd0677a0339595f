#pragma once
// What the admin API may ask the daemon to change.  Implemented by the daemon over its supervisor; called from the HTTP threads, several at
// once.  Errors carry stable codes: unknown_pipeline (there is none of that name), and those that each method names.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/position.h"
#include "core/result.h"
#include "dlq/dead_letter_service.h"
#include "pipeline/checkpoint_store.h"

namespace sluice::admin {

// Returns once the wish is durable; the pipeline follows (its state tells).
class PipelineControl {
 public:
  virtual ~PipelineControl() = default;
  virtual Status pause(std::string_view pipeline) = 0;
  virtual Status resume(std::string_view pipeline) = 0;
  virtual Status restart(std::string_view pipeline) = 0;
  // Asks `source` (empty: the only one) to read these tables again.  not_running, unknown_source, unknown_table, not_supported.
  virtual Status request_snapshot(std::string_view pipeline, const std::string& source, std::span<const std::string> tables,
                                  std::stop_token stop) = 0;
};

// Changes of positions need a pipeline that does not run: else not_paused.  They block until they are done.
class PositionControl {
 public:
  virtual ~PositionControl() = default;
  virtual Result<pipeline::StoredCheckpoints> positions(std::string_view pipeline) = 0;  // of every sink, as stored
  // By checkpoint key; nullopt: forgotten, so that the source decides anew where to begin.  unknown_source, resume_needed.
  using NewPositions = std::map<std::string, std::optional<Position>, std::less<>>;
  virtual Status set_positions(std::string_view pipeline, const NewPositions& positions, std::stop_token stop) = 0;
  // Both return a line per thing that was removed at the origin.
  virtual Result<std::vector<std::string>> resync(std::string_view pipeline, std::stop_token stop) = 0;
  virtual Result<std::vector<std::string>> cleanup(std::string_view pipeline, std::stop_token stop) = 0;
};

class LetterControl {
 public:
  virtual ~LetterControl() = default;
  // What operators do with a pipeline's dead letters, whether it runs or not.
  virtual Result<std::shared_ptr<dlq::DeadLetterService>> letters(std::string_view pipeline) = 0;
};

struct TapWish {
  std::string place;  // the name of a source, step or sink; empty: every source
  bool before = false;
  std::string filter;  // an expression; empty: every record
  std::size_t limit = 10;
};

// Records as they pass, as lines of JSON.  One thread.
class TapSession {
 public:
  virtual ~TapSession() = default;
  enum class Next : std::uint8_t { kLine, kNothingYet, kEnd };
  virtual Next next(std::string& line, std::chrono::milliseconds patience) = 0;
};

class TapControl {
 public:
  virtual ~TapControl() = default;
  // not_running, unknown_step, the codes of expressions, too_many_taps.
  virtual Result<std::unique_ptr<TapSession>> tap(std::string_view pipeline, const TapWish& wish) = 0;
};

struct PlannedPipeline {
  std::string name;
  std::string action;                  // "start", "stop", "change" or "none"
  std::vector<std::string> positions;  // what happens to them, one sentence each
};

struct ReloadFinding {  // as `validate --json` has them
  std::string severity, file, path, code, message, hint;
  int line = 0, column = 0;
};

struct ReloadReport {
  bool applied = false;
  std::vector<PlannedPipeline> pipelines;
  std::vector<ReloadFinding> findings;  // with an error among them nothing was changed
  std::vector<std::string> problems;    // of the new pipelines that refused their configuration; the old ones run again (G28)
};

class ReloadControl {
 public:
  virtual ~ReloadControl() = default;
  enum class Mode : std::uint8_t { kPlan, kApply };
  // Reads the files again.  reload_running: another reload is under way.
  virtual Result<ReloadReport> reload(Mode mode, std::stop_token stop) = 0;
};

}  // namespace sluice::admin
