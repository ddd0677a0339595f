#include "expr/expression.h"

#include <algorithm>
#include <utility>

#include "expr/compile.h"
#include "expr/evaluator.h"
#include "expr/fast_filter.h"
#include "expr/scratch.h"
#include "expr/special_values.h"
#include "expr/text.h"

namespace sluice::expr {

struct Program::Compiled {
  std::unique_ptr<Code> code;
  Evaluator evaluator;
  FastFilter fast_filter;
  Scratch scratch;
  bool reads_row = false;  // this or before

  Compiled(std::unique_ptr<Code> lowered, Rules rules) : code(std::move(lowered)), evaluator(*code, rules), fast_filter(*code) {
    reads_row = std::any_of(code->fields.begin(), code->fields.end(), [](const FieldReference& field) { return field.root != Root::kKey; });
  }

  Error error() const { return {ErrorKind::kBadRecord, evaluator.failure().code, describe(evaluator.failure())}; }
};

namespace {

CompileOptions options_of(const Program::Options& options) {
  CompileOptions result;
  result.rules = options.rules;
  result.environment = options.environment;
  result.must_be_bool = options.must_be_bool;
  return result;
}

std::string compile_message(std::string_view source, const CompileError& error) {
  std::string message = error.message + " (in \"" + printable(source) + "\" at " + std::to_string(error.offset + 1) + ")";
  if (!error.suggestion.empty()) message += "; did you mean \"" + error.suggestion + "\"?";
  if (!error.hint.empty()) message += "; " + error.hint;
  return message;
}

bool is_private(const Value& value);

bool any_private(std::span<const Value> values) { return std::any_of(values.begin(), values.end(), is_private); }

// Types and optionals have no place in a record.
bool is_private(const Value& value) {
  if (value.type() == Value::Type::kList) return any_private(value.as_list());
  if (value.type() == Value::Type::kMap) {
    const auto entries = value.as_map();
    return std::any_of(entries.begin(), entries.end(), [](const MapEntry& entry) { return is_private(entry.value); });
  }
  return value.type() == Value::Type::kStruct && !is_plain_struct(value);
}

bool is_key_only_delete(const Record& record) {
  if (record.op != Op::kDelete || record.schema == nullptr) return false;
  const auto row = record.row();
  if (row.size() <= record.schema->key().size()) return true;
  return std::any_of(row.begin(), row.end(), [](const Value& value) { return value.is_unchanged(); });
}

}  // namespace

Program::Program(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
Program::~Program() = default;

Result<std::unique_ptr<Program>> Program::compile(std::string_view source, const Options& options) {
  CompileResult result = compile_source(source, options_of(options));
  if (!result.errors.empty()) {
    const CompileError& first = result.errors.front();
    return Error(ErrorKind::kInvalidConfig, first.code, compile_message(source, first));
  }
  return std::unique_ptr<Program>(new Program(std::make_unique<Compiled>(std::move(result.code), options.rules)));
}

std::vector<CompileError> Program::check(std::string_view source, const Options& options) {
  return compile_source(source, options_of(options)).errors;
}

Result<Value> Program::evaluate(const Batch& batch, const Record& record, Arena& arena) {
  Value value;
  if (!compiled_->evaluator.evaluate(batch, record, arena, value)) return compiled_->error();
  const bool is_compound = value.type() == Value::Type::kStruct || value.type() == Value::Type::kList || value.type() == Value::Type::kMap;
  if (is_compound && is_private(value)) {
    return Error(ErrorKind::kBadRecord, "no_record_value",
                 "the result is of type " + std::string(type_of(value)) + ", which a record cannot hold; an optional needs orValue()");
  }
  return value;
}

Result<bool> Program::test(const Batch& batch, const Record& record) {
  const FastFilter::Answer answer = compiled_->fast_filter.test(record);
  if (answer != FastFilter::Answer::kUnknown) return answer == FastFilter::Answer::kTrue;
  const Truth truth = compiled_->evaluator.test(batch, record, compiled_->scratch.arena());
  if (truth == Truth::kFailed) {
    Error error = compiled_->error();
    compiled_->scratch.reset();
    return error;
  }
  compiled_->scratch.reset();
  return truth == Truth::kTrue;
}

Program::Availability Program::availability(const Batch& batch, const Record& record) {
  RecordAccess& access = compiled_->evaluator.access();
  access.set(batch, record);
  std::size_t read = 0;
  std::size_t missing = 0;
  const bool key_only = is_key_only_delete(record);
  for (std::size_t i = 0; i < compiled_->code->fields.size(); ++i) {
    if (compiled_->code->fields[i].root != Root::kThis) continue;
    const Value* value = access.find(Root::kThis, static_cast<std::uint32_t>(i));
    ++read;
    missing += value == nullptr ? (key_only ? 1 : 0) : value->is_unchanged() ? 1 : 0;
  }
  if (missing == 0) return Availability::kAvailable;
  return missing == read || key_only ? Availability::kAllUnchanged : Availability::kMixed;
}

bool Program::lacks_fields(const Batch& batch, const Record& record) {
  if (!compiled_->reads_row || !is_key_only_delete(record)) return false;
  RecordAccess& access = compiled_->evaluator.access();
  access.strict_has = true;
  Value value;
  const bool answered = compiled_->evaluator.evaluate(batch, record, compiled_->scratch.arena(), value);
  access.strict_has = false;
  compiled_->scratch.reset();
  if (answered) return false;
  const std::string_view code = compiled_->evaluator.failure().code;
  return code == "value_unavailable" || (code == "no_such_field" && record.row().size() <= record.schema->key().size());
}

}  // namespace sluice::expr
