// `sluice eval`: the expression language on its own.
#include "expr/eval_command.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <istream>
#include <ostream>

#include "daemon/command_line.h"

namespace sluice::daemon {

int eval_command(const EvalOptions& options, Streams streams) {
  const expr::Rules rules = options.pipeline_rules ? expr::Rules::kPipeline : expr::Rules::kStrict;
  if (options.cases_file == "-") {
    expr::eval_cases(streams.in, streams.out, rules);
    return kOk;
  }
  if (!options.cases_file.empty()) {
    std::ifstream file(options.cases_file);
    if (!file) {
      streams.err << "cannot read \"" << options.cases_file << "\": " << std::strerror(errno) << "\n";
      return kInvalid;
    }
    expr::eval_cases(file, streams.out, rules);
    return kOk;
  }
  const auto value = expr::eval_text(options.expression, options.this_json, rules);
  if (value) {
    streams.out << *value << "\n";
    return kOk;
  }
  streams.err << "error[" << value.error().code() << "]: " << value.error().message() << "\n";
  return value.error().kind() == ErrorKind::kInvalidConfig ? kInvalid : kFailed;
}

}  // namespace sluice::daemon
