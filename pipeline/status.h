#pragma once
// What a pipeline says of itself: for the admin API, `status` and the metrics.  Plain values, copied under the pipeline's lock.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/position.h"
#include "core/result.h"

namespace sluice::pipeline {

// building -> starting -> running <-> backing_off -> draining -> stopped | failed
enum class State : std::uint8_t { kBuilding, kStarting, kRunning, kBackingOff, kDraining, kStopped, kFailed, kPaused };
std::string_view state_name(State state);

// The books of one lane (G12): in + created = filtered + deduplicated + dead_lettered + skipped + out + in_flight.
struct LaneBooks {
  std::string sink;
  std::uint64_t in = 0, created = 0, filtered = 0, deduplicated = 0, dead_lettered = 0, skipped = 0, out = 0;
  std::uint64_t in_flight = 0;  // counted on its own: in the shards, in the queue, written but not committed
};

struct LastError {
  ErrorKind kind;
  std::string code;
  std::string message;
  std::int64_t at = 0;  // microseconds since 1970 UTC
};

struct SinkStatus {
  std::string name, type, guarantee, reason;
  Checkpoint committed;
  std::size_t queue_bytes = 0;
};

struct SourceStatus {
  std::string name, type;
  Checkpoint acknowledged;
  std::optional<double> lag_seconds = {};  // 0: caught up with the origin; nullopt: this source does not know
};

struct PipelineStatus {
  std::string name;
  State state = State::kBuilding;
  std::int64_t since = 0;  // microseconds since 1970 UTC
  std::uint64_t restarts = 0;
  std::optional<LastError> last_error;
  std::int64_t last_progress = 0;  // when a batch was last read, committed, or found idle; microseconds since 1970 UTC
  std::vector<SourceStatus> sources;
  std::vector<SinkStatus> sinks;
};

}  // namespace sluice::pipeline
