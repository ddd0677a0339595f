#include "daemon/type_flow.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "expr/known_records.h"

namespace sluice::daemon {

namespace {

// Names of `meta` that only some sources have; the others come from the record or its schema.
constexpr std::array<std::string_view, 7> kSourcesOwn = {"topic", "file", "lsn", "gtid", "tx", "xid", "headers"};

std::vector<std::string_view> absent_meta(const PipelineConfig& pipeline) {
  std::vector<std::string_view> absent(kSourcesOwn.begin(), kSourcesOwn.end());
  for (const SourceConfig& source : pipeline.sources) {
    if (source.component == nullptr) return {};
    std::erase_if(absent, [&](std::string_view name) {
      return std::find(source.component->meta.begin(), source.component->meta.end(), name) != source.component->meta.end();
    });
  }
  return absent;
}

class TypeFlow {
 public:
  TypeFlow(const PipelineConfig& pipeline, Online online, Diagnostics& findings)
      : pipeline_(pipeline),
        online_(online),
        findings_(findings),
        absent_meta_(absent_meta(pipeline)),
        types_(expr::make_expression_types()) {}

  void run() {
    for (const SourceConfig& source : pipeline_.sources) {
      KnownShape shape = shape_of(source);
      for (const StepConfig& step : source.chain) pass(step, shape);
      shapes_[source.name] = std::move(shape);
    }
    for (const StepConfig& step : pipeline_.steps) {
      KnownShape shape = input(step.from);
      pass(step, shape);
      for (const ConfigNode& output : step.outputs) shapes_[step.name + "." + output.text] = shape;
      shapes_[step.name] = std::move(shape);
    }
    for (const SinkConfig& sink : pipeline_.sinks) {
      KnownShape shape = input(sink.from);
      for (const Condition& condition : sink.when) check({condition.node, condition.text(), 0, true}, shape);
      for (const StepConfig& step : sink.chain) pass(step, shape);
      for (const WrittenExpression& written : sink.expressions) check(written, shape);
    }
  }

 private:
  KnownShape shape_of(const SourceConfig& source) {
    if (source.component == nullptr || !source.component->shape || !source.config.has_value()) return std::nullopt;
    auto shape = source.component->shape(source.config, {pipeline_.name, source.name, online_ == Online::kYes, {}});
    if (shape) return *std::move(shape);
    findings_.warning(source.node, "not_checked",
                      fmt::format("the source \"{}\" could not be asked for its columns, so nothing is checked against them: {}",
                                  source.name, shape.error().message()));
    return std::nullopt;
  }

  KnownShape input(const std::vector<std::string>& from) const {
    KnownShape result;
    for (std::size_t i = 0; i < from.size(); ++i) {
      const auto found = shapes_.find(from[i]);
      if (found == shapes_.end()) return std::nullopt;
      result = i == 0 ? found->second : either(result, found->second);
    }
    return result;
  }

  // Checks a step against the records it gets; `shape` becomes that of those it gives.
  void pass(const StepConfig& step, KnownShape& shape) {
    for (const Condition& condition : step.when) check({condition.node, condition.text(), 0, true}, shape);
    for (const WrittenExpression& written : step.expressions) check(written, shape);
    if (!shape) return;
    if (step.component == nullptr || !step.component->reshape || !step.config.has_value()) {
      shape.reset();
      return;
    }
    const RecordShape before = *shape;
    Reshaping reshaping{*shape, *types_, findings_};
    step.component->reshape(step.config, reshaping);
    if (!step.when.empty()) shape = either(before, shape);  // some records pass untouched
  }

  void check(const WrittenExpression& written, const KnownShape& shape) {
    const expr::KnownRecords records{shape ? &*shape : nullptr, absent_meta_};
    expr::Program::Options options;
    options.must_be_bool = written.is_condition;
    const auto errors = expr::check_against(written.source, records, options);
    for (const expr::CompileError& error : errors) {
      findings_.add({Diagnostic::Severity::kError, written.node.place_in_text(written.offset + error.offset, error.length),
                     written.node.path, error.code, error.message, error.suggestion, error.hint});
    }
    if (!errors.empty()) return;
    if (written.is_condition) constant_condition(written, records);
    if (written.offset != 0 && shape) template_null(written, *shape);
  }

  void constant_condition(const WrittenExpression& written, const expr::KnownRecords& records) {
    std::string why;
    const auto truth = expr::constant_truth(written.source, records, why);
    if (!truth || is_reported(written.node, "constant_condition")) return;
    findings_.warning(written.node, "constant_condition", fmt::format("this condition is {} for every record", *truth ? "true" : "false"),
                      why);
  }

  // What an expression says by itself is found when it is bound.
  bool is_reported(const ConfigNode& node, std::string_view code) const {
    const auto& all = findings_.findings();
    return std::any_of(all.begin(), all.end(),
                       [&](const Diagnostic& finding) { return finding.code == code && finding.path == node.path; });
  }

  void template_null(const WrittenExpression& written, const RecordShape& shape) {
    const FieldShape* field = expr::possible_null(written.source, shape);
    if (field == nullptr) return;
    Diagnostic finding{Diagnostic::Severity::kWarning,
                       written.node.place_in_text(written.offset, written.source.size()),
                       written.node.path,
                       "template_maybe_null",
                       fmt::format("\"{}\" may be {}: the record becomes a dead letter then (template_missing)", field->name,
                                   field->optional ? "missing" : "null"),
                       {},
                       {}};
    finding.hint = field->optional ? fmt::format("give it a value for that case: this.?{}.orValue(\"none\")", field->name)
                                   : fmt::format("give it a value for that case: this.{0} == null ? \"none\" : this.{0}", field->name);
    findings_.add(std::move(finding));
  }

  const PipelineConfig& pipeline_;
  Online online_;
  Diagnostics& findings_;
  std::vector<std::string_view> absent_meta_;
  std::unique_ptr<ExpressionTypes> types_;
  std::map<std::string, KnownShape, std::less<>> shapes_;  // what a source, step or output gives
};

}  // namespace

void check_types(const PipelineConfig& pipeline, Online online, Diagnostics& findings) {
  if (pipeline.resolved) TypeFlow(pipeline, online, findings).run();
}

}  // namespace sluice::daemon
