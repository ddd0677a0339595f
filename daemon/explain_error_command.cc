// `sluice explain-error [CODE] [--json]`
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "core/diagnostic.h"
#include "daemon/error_codes.h"
#include "daemon/guide_commands.h"

namespace sluice::daemon {

namespace {

// One sentence for each place that a code is met at.
std::string_view consequence(std::string_view where) {
  if (where == "configuration") return "A finding of validate: nothing starts until it is mended.";
  if (where == "start") return "The daemon does not start.";
  if (where == "record") return "The record becomes a dead letter (or what on_error says), the pipeline goes on.";
  if (where == "waits") return "The pipeline backs off and tries again by itself; nothing is lost.";
  if (where == "stops") return "The pipeline fails and stays so until it is mended; the others go on, nothing is lost.";
  if (where == "settled") return "The pipeline finds out by itself.";
  if (where == "doctor") return "A finding of sluice doctor.";
  if (where == "api") return "An answer of the admin API.";
  if (where == "log") return "A line of the log; nothing stops because of it alone.";
  return "Not a failure.";
}

std::string text_of(const ErrorCode& code) {
  std::string out = fmt::format("{}\n  {}\n\n", code.code, code.meaning);
  for (std::string_view rest = code.where; !rest.empty();) {
    const std::size_t end = std::min(rest.find(", "), rest.size());
    out += fmt::format("  {}\n", consequence(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return out + fmt::format("\nlikely cause\n  {}\n\nwhat to do\n  {}\n", code.cause, code.action);
}

nlohmann::ordered_json json_of(const ErrorCode& code) {
  return {{"code", code.code}, {"where", code.where}, {"meaning", code.meaning}, {"cause", code.cause}, {"action", code.action}};
}

int print_json(const std::vector<const ErrorCode*>& codes, std::ostream& out) {
  auto list = nlohmann::ordered_json::array();
  for (const ErrorCode* code : codes) list.push_back(json_of(*code));
  out << nlohmann::ordered_json{{"version", 1}, {"codes", std::move(list)}}.dump(2) << "\n";
  return kOk;
}

}  // namespace

std::vector<const ErrorCode*> all_error_codes() {
  std::vector<const ErrorCode*> result;
  for (const auto& part : {configuration_codes(), record_codes(), system_codes(), doctor_codes(), control_codes()}) {
    for (const ErrorCode& code : part) result.push_back(&code);
  }
  std::sort(result.begin(), result.end(), [](const ErrorCode* a, const ErrorCode* b) { return a->code < b->code; });
  return result;
}

const ErrorCode* find_error_code(std::string_view code) {
  for (const ErrorCode* candidate : all_error_codes()) {
    if (candidate->code == code) return candidate;
  }
  return nullptr;
}

int explain_error_command(const ExplainErrorOptions& options, Streams streams) {
  const auto all = all_error_codes();
  if (options.code.empty()) {
    if (options.json) return print_json(all, streams.out);
    for (const ErrorCode* code : all) streams.out << fmt::format("{:<30} {}\n", code->code, code->meaning);
    return kOk;
  }
  const ErrorCode* code = find_error_code(options.code);
  if (code == nullptr) {
    std::vector<std::string_view> names;
    for (const ErrorCode* known : all) names.push_back(known->code);
    const std::string meant = nearest(options.code, names);
    streams.err << fmt::format("there is no code \"{}\"{}\n", options.code, meant.empty() ? "" : "; did you mean \"" + meant + "\"?");
    return kUsage;
  }
  if (options.json) return print_json({code}, streams.out);
  streams.out << text_of(*code);
  return kOk;
}

}  // namespace sluice::daemon
