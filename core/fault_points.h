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
  // The errno with which `step` ("write", "fsync", "rename", ...) of `who` is to fail instead of being tried; 0: try it.
  // Lets a test fill the disk (ENOSPC) at a chosen place.
  virtual int failure(std::string_view /*who*/, std::string_view /*step*/) { return 0; }
};

}  // namespace sluice
