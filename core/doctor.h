#pragma once
// What `sluice doctor` says of the systems around a pipeline.  Each component may bring its checks (ComponentType::doctor).

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct DoctorFinding {
  enum class Severity : std::uint8_t {
    kError,    // the pipeline cannot run, or would lose something
    kWarning,  // it runs, and may be stopped or do harm later
    kNote,     // good to know; nothing to do
  };
  Severity severity = Severity::kNote;
  std::string_view code;  // stable; static storage
  std::string subject;    // what it is about: "public.orders", "slot sluice_orders"
  std::string message;
  std::string mend;  // the exact SQL or command; empty: none
};

struct DoctorContext {
  std::string pipeline, component;  // what the outside knows the pipeline by (BuildContext::known_as); the user's name
  std::stop_token stop;
};

}  // namespace sluice
