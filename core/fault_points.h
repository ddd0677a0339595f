#pragma once
// Named places before and after every durable step, where a test may let the process die.
//
// In production reach() does nothing.  In-process tests pass an implementation that throws SimulatedCrash: everything unwinds and
// the harness starts again from what is on disk, so destructors must not make anything durable.  The daemon's own
// implementation kills itself with SIGKILL at the n-th passage of the point named in SLUICE_FAULT_POINT="name:n" (tests/crash/).

#include <string_view>

namespace sluice {

struct SimulatedCrash {
  std::string_view point;
};

class FaultPoints {
 public:
  virtual ~FaultPoints() = default;
  // `point` is "<who>.<before|after>_<step>", for example "file_sink.before_manifest_rename".
  virtual void reach(std::string_view) {}
};

}  // namespace sluice
