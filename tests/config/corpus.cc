#include "tests/config/corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <sstream>

#include "daemon/findings.h"
#include "daemon/type_flow.h"
#include "daemon/yaml_loader.h"
#include "expr/expression.h"

namespace sluice {
void register_all_components(Registry& registry);  // generated
}

namespace sluice::test {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = "# expect: ";

constexpr std::array kVariables = {std::pair{std::string_view("SHOP_DB_URL"), std::string_view("postgresql://shop:pw@localhost:1/shop")},
                                   std::pair{std::string_view("WAREHOUSE"), std::string_view("out/warehouse.db")},
                                   std::pair{std::string_view("TOPIC"), std::string_view("orders")},
                                   std::pair{std::string_view("REGION"), std::string_view("eu")},
                                   std::pair{std::string_view("COUNT"), std::string_view("12")},
                                   std::pair{std::string_view("EVERY"), std::string_view("5s")},
                                   std::pair{std::string_view("EMPTY"), std::string_view("")},
                                   std::pair{std::string_view("STRUCTURE"), std::string_view("x, mode: [upsert]}\n- ${COUNT}")},
                                   std::pair{std::string_view("WORD"), std::string_view("seven")}};

std::optional<std::string> variable(std::string_view name) {
  const auto* const found = std::find_if(kVariables.begin(), kVariables.end(), [&](const auto& one) { return one.first == name; });
  if (found == kVariables.end()) return std::nullopt;
  return std::string(found->second);
}

class CorpusVariables final : public Variables {
 public:
  std::optional<std::string> find(std::string_view name) const override { return variable(name); }
  Result<std::string> read_file(std::string_view path) const override {
    if (path == "/run/secrets/password") return std::string("s3cret");
    if (path == "/run/secrets/mode") return std::string("m0de");
    return Error(ErrorKind::kInvalidConfig, "unreadable_file", "cannot read \"" + std::string(path) + "\": No such file or directory");
  }
};

const Registry& registry() {
  static const Registry kRegistry = [] {
    Registry filled;
    register_all_components(filled);
    return filled;
  }();
  return kRegistry;
}

// The expectations at the end of the text, which they are cut from.
std::string take_expectations(std::string& text) {
  std::vector<std::string> lines;
  while (true) {
    const std::size_t end = text.ends_with('\n') ? text.size() - 1 : text.size();
    const std::size_t before = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    if (!line.starts_with(kMark)) break;
    lines.emplace_back(line.substr(kMark.size()));
    text.resize(begin);
  }
  std::string result;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) result += *line + "\n";
  return result;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
    } else {
      result += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
  }
  return result;
}

void tree_lines(const ConfigNode& node, std::string& out) {
  switch (node.kind) {
    case ConfigNode::Kind::kNull: out += node.path + " = null\n"; break;
    case ConfigNode::Kind::kScalar: out += node.path + " = \"" + escaped(node.text) + "\"\n"; break;
    case ConfigNode::Kind::kSequence:
      if (node.items.empty()) out += node.path + " = []\n";
      for (const ConfigNode& item : node.items) tree_lines(item, out);
      break;
    case ConfigNode::Kind::kMapping:
      if (node.entries.empty()) out += node.path + " = {}\n";
      for (const auto& [key, value] : node.entries) tree_lines(value, out);
      break;
  }
}

std::string joined(const std::vector<std::string>& names) {
  std::string result;
  for (const std::string& name : names) result += (result.empty() ? "" : ", ") + name;
  return result;
}

void describe(std::string_view kind, const daemon::ComponentUse& use, const std::string& around, std::string& out) {
  out += fmt::format("{} {} = {}{}\n", kind, use.name, use.type(), around);
  if (use.component == nullptr) return;
  const auto docs = use.component->fields();
  const auto shown = use.component->show(use.config);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto& [name, text] = shown[i];
    if (text != docs.at(i).default_text) out += fmt::format("  {} = \"{}\"\n", name, escaped(text));
  }
}

void describe(const pipeline::RetryPolicy& retry, std::string& out) {
  const pipeline::RetryPolicy usual;
  if (retry.initial == usual.initial && retry.max == usual.max && retry.give_up_after == usual.give_up_after) return;
  out += fmt::format("  retry {}ms to {}ms{}\n", retry.initial.count(), retry.max.count(),
                     retry.give_up_after ? fmt::format(", {}ms in all", retry.give_up_after->count()) : "");
}

void describe(const pipeline::CommitPolicy& commit, std::string& out) {
  const pipeline::CommitPolicy usual;
  if (commit.every == usual.every && commit.records == usual.records && commit.bytes == usual.bytes) return;
  out += fmt::format("  commit every {}ms, {} records, {} bytes\n", commit.every.count(), commit.records, commit.bytes);
}

std::string conditions(const std::vector<Condition>& when) {
  std::string result;
  for (const Condition& condition : when) result += " when " + escaped(condition.text());
  return result;
}

void describe_steps(const std::vector<daemon::StepConfig>& steps, std::string& out) {
  for (const daemon::StepConfig& step : steps)
    describe("step", step, (step.from.empty() ? "" : " from " + joined(step.from)) + conditions(step.when), out);
}

}  // namespace

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<fs::path> corpus_files(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(SLUICE_TEST_CONFIGS) / folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Case read_case(const fs::path& path) {
  Case one{path.stem().string(), read_file(path), {}};
  fs::path beside = path;
  beside.replace_extension(".expect");
  if (fs::exists(beside)) {
    one.expected = read_file(beside);
  } else {
    one.expected = take_expectations(one.text);
  }
  return one;
}

daemon::LoadedPipelines load_case(const Case& one) {
  static const CorpusVariables kVariablesOfCorpus;
  static const auto kExpressions = expr::make_expression_checker(variable);
  auto loaded = daemon::load_pipeline_text(one.text, one.name + ".yaml", {registry(), kVariablesOfCorpus, kExpressions.get()});
  for (const daemon::PipelineConfig& pipeline : loaded.pipelines) daemon::check_types(pipeline, daemon::Online::kNo, loaded.findings);
  return loaded;
}

std::string findings_of(const daemon::LoadedPipelines& loaded) {
  std::string result;
  for (const Diagnostic& d : daemon::sorted_findings(loaded.findings)) {
    result += fmt::format("{}:{} {}{}{}\n", d.place.line, d.place.column, d.severity == Diagnostic::Severity::kWarning ? "warning " : "",
                          d.code, d.suggestion.empty() ? "" : " \"" + d.suggestion + "\"");
  }
  return result;
}

std::string tree_of(const Case& one, const daemon::PipelineConfig& pipeline) {
  Diagnostics findings;
  const auto root = daemon::load_yaml(one.text, one.name, findings);
  std::string out;
  if (root) tree_lines(*root, out);
  out += fmt::format("\npipeline {}{}\n", pipeline.name, pipeline.description.empty() ? "" : ": " + escaped(pipeline.description));
  const daemon::PipelineConfig usual;
  if (pipeline.shards != usual.shards) out += fmt::format("  shards {}\n", pipeline.shards);
  if (pipeline.queue_bytes.bytes != usual.queue_bytes.bytes) out += fmt::format("  queue {} bytes\n", pipeline.queue_bytes.bytes);
  if (pipeline.shutdown_timeout != usual.shutdown_timeout) out += fmt::format("  stops within {}ms\n", pipeline.shutdown_timeout.count());
  for (const daemon::SourceConfig& source : pipeline.sources) {
    describe("source", source, "", out);
    describe(source.retry, out);
    describe_steps(source.chain, out);
  }
  describe_steps(pipeline.steps, out);
  for (const daemon::SinkConfig& sink : pipeline.sinks) {
    describe("sink", sink, " from " + joined(sink.from) + conditions(sink.when), out);
    describe(sink.commit, out);
    describe(sink.retry, out);
    describe_steps(sink.chain, out);
  }
  return out;
}

}  // namespace sluice::test
