#include "expr/eval_command.h"

#include <algorithm>
#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <span>

#include "expr/compile.h"
#include "expr/evaluator.h"
#include "expr/notation_internal.h"
#include "expr/text.h"

namespace sluice::expr {

namespace {

using Json = nlohmann::ordered_json;

// Broken UTF-8 is replaced, so that dump() never throws.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// A batch of one record whose row is the object.
Result<std::shared_ptr<Batch>> batch_of(std::string_view this_json) {
  const Json object = this_json.empty() ? Json::object() : Json::parse(this_json, nullptr, false);
  if (!object.is_object()) return Error(ErrorKind::kInvalidConfig, "bad_value", "--this wants a JSON object");
  auto batch = std::make_shared<Batch>(std::make_shared<BatchOrigin>(BatchOrigin{"eval", nullptr}), 0);
  SchemaSpec spec;
  const std::span<Value> row = batch->arena().array<Value>(object.size());
  for (const auto& [name, value] : object.items()) {
    row[spec.fields.size()] = from_json(value, batch->arena());
    spec.fields.push_back(Field{name});
  }
  Record record;
  record.schema = batch->keep(std::make_shared<Schema>(1, std::move(spec)));
  record.after = row;
  record.partition = batch->partition("eval");
  batch->records().push_back(record);
  return batch;
}

struct Case {
  std::string expression;
  CompileOptions options;
  std::vector<Value> values;
};

Result<Case> read_case(const Json& json, Arena& arena, Rules rules) {
  Case result;
  result.expression = json.at("expr").get<std::string>();
  result.options.rules = rules;
  result.options.checked = false;
  result.options.records = false;
  result.options.container = json.value("container", "");
  const Json bindings = json.value("bindings", Json::object());
  for (const auto& [name, binding] : bindings.items()) {
    result.options.variables.push_back(name);
    result.values.push_back(SLUICE_TRY(from_notation(binding.contains("value") ? binding.at("value") : binding, arena)));
  }
  return result;
}

Json failed(std::string message) { return {{"error", std::move(message)}}; }

Json answer(const std::string& line, Rules rules) {
  Arena arena;
  const Result<Case> parsed = read_case(Json::parse(line), arena, rules);
  if (!parsed) return failed(parsed.error().message());
  const CompileResult compiled = compile_source(parsed->expression, parsed->options);
  if (!compiled.errors.empty()) return failed(compiled.errors.front().message);
  Evaluator evaluator(*compiled.code, rules);
  Value value;
  if (!evaluator.evaluate(parsed->values, arena, value)) return failed(describe(evaluator.failure()));
  return {{"value", to_notation(value)}};
}

}  // namespace

Result<std::string> eval_text(std::string_view expression, std::string_view this_json, Rules rules) {
  if (!is_valid_utf8(this_json)) return Error(ErrorKind::kInvalidConfig, "bad_value", "--this is not valid UTF-8");
  const std::shared_ptr<Batch> batch = SLUICE_TRY(batch_of(this_json));
  Program::Options options;
  options.rules = rules;
  const std::unique_ptr<Program> program = SLUICE_TRY(Program::compile(expression, options));
  const Value value = SLUICE_TRY(program->evaluate(*batch, batch->records().front(), batch->arena()));
  return dump(to_json(value));
}

void eval_cases(std::istream& in, std::ostream& out, Rules rules) {
  std::string line;
  while (std::getline(in, line)) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    Json result;
    try {
      result = answer(line, rules);
    } catch (const Json::exception& problem) {
      result = failed(std::string("not a case: ") + problem.what());
    }
    out << dump(result) << '\n';
  }
}

}  // namespace sluice::expr
