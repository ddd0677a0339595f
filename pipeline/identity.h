#pragma once
// Who a pipeline is to the world outside of its data directory, and what it reads: the file `<state directory>/identity`.
//
//   sluice-identity 1
//   known_as orders                 the name that sinks keep progress under and that a slot was made from; it outlives a renaming
//   sources 93d1c0aa17e5f2b4        what the sources are, whatever the pipeline is called; "-": not known
//   renaming_to shop                only while `sluice positions rename` is at work
//
// A renamed pipeline keeps its outside name, so nothing has to be changed in databases, topics and servers, and nothing can be half
// changed.

#include <optional>
#include <string>

#include "core/fault_points.h"
#include "core/result.h"

namespace sluice::pipeline {

struct Identity {
  std::string known_as;
  std::string sources;      // empty: not known
  std::string renaming_to;  // empty: nobody is

  bool operator==(const Identity&) const = default;
};

// nullopt: there is none yet.  kFatal identity_unreadable: damaged; identity_too_new: written by a newer version (G29).
Result<std::optional<Identity>> read_identity(const std::string& state_directory);
// Durable when it returns.  Errors of storage/durable_file.h.
Status write_identity(const std::string& state_directory, const Identity& identity, FaultPoints& faults);

// What a pipeline called `name` is to the outside, noted if it was not.  kFatal rename_unfinished when a renaming stopped half-way;
// kInvalidConfig name_taken when another pipeline beside it is known by this name outside.
Result<Identity> settle_identity(const std::string& state_directory, const std::string& name, const std::string& sources,
                                 FaultPoints& faults);

// The pipeline beside `state_directory` that is known as `name`; empty: none.
std::string other_known_as(const std::string& state_directory, const std::string& name);

}  // namespace sluice::pipeline
