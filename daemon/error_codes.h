#pragma once
// What every stable code means: of findings, dead letters, log lines, `last_error` and the admin API.  One table, in parts;
// `sluice explain-error` and the reference show it, and a test compares it with the codes in the source.

#include <span>
#include <string_view>
#include <vector>

namespace sluice::daemon {

struct ErrorCode {
  std::string_view code;
  // Where it is met, separated by ", ": configuration (a finding of validate), start, record (a dead letter), waits (tried again by
  // itself), stops (the pipeline fails), settled, stop, log, doctor, api.
  std::string_view where;
  std::string_view meaning;
  std::string_view cause;   // the likely one
  std::string_view action;  // what to do
};

std::span<const ErrorCode> configuration_codes();
std::span<const ErrorCode> record_codes();
std::span<const ErrorCode> system_codes();
std::span<const ErrorCode> doctor_codes();
std::span<const ErrorCode> control_codes();

std::vector<const ErrorCode*> all_error_codes();          // by code
const ErrorCode* find_error_code(std::string_view code);  // null: there is none

}  // namespace sluice::daemon
