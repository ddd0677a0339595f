#include "tests/sinks/harness.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <numeric>
#include <sstream>

namespace sluice {
void register_file_sink(Registry& registry);
void register_sqlite_sink(Registry& registry);
void register_stdout_sink(Registry& registry);
void register_discard_sink(Registry& registry);
void register_http_sink(Registry& registry);
}  // namespace sluice

namespace sluice::testing {

namespace {

class NoVariables final : public Variables {
 public:
  std::optional<std::string> find(std::string_view) const override { return std::nullopt; }
  Result<std::string> read_file(std::string_view) const override { return std::string(); }
};

Registry make_registry() {
  Registry registry;
  register_file_sink(registry);
  register_sqlite_sink(registry);
  register_stdout_sink(registry);
  register_discard_sink(registry);
  register_http_sink(registry);
  return registry;
}

ConfigNode scalar(const std::string& text) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kScalar;
  node.text = text;
  return node;
}

ConfigNode value_node(const std::string& text) {
  if (!text.starts_with('[')) return scalar(text);
  ConfigNode list;
  list.kind = ConfigNode::Kind::kSequence;
  std::istringstream items(text.substr(1, text.size() - 2));
  for (std::string item; std::getline(items, item, ',');) list.items.push_back(scalar(item));
  return list;
}

void insert(ConfigNode& mapping, const std::string& key, const std::string& value) {
  mapping.kind = ConfigNode::Kind::kMapping;
  const std::size_t dot = key.find('.');
  const std::string name = key.substr(0, dot);
  auto found = std::find_if(mapping.entries.begin(), mapping.entries.end(), [&](const auto& entry) { return entry.first.text == name; });
  if (found == mapping.entries.end()) found = mapping.entries.insert(found, {scalar(name), ConfigNode()});
  if (dot == std::string::npos) {
    found->second = value_node(value);
  } else {
    insert(found->second, key.substr(dot + 1), value);
  }
}

}  // namespace

void SteeredFaults::reach(std::string_view point) {
  seen.emplace(point);
  if (crash_at == 0 || --crash_at != 0) return;
  crashed_at = point;
  throw SimulatedCrash{"crash"};
}

int SteeredFaults::failure(std::string_view who, std::string_view step) {
  const auto found = failing.find(std::string(who) + "." + std::string(step));
  return found == failing.end() ? 0 : found->second;
}

ConfigNode make_node(const Settings& settings) {
  ConfigNode root;
  root.kind = ConfigNode::Kind::kMapping;
  for (const auto& [key, value] : settings) insert(root, key, value);
  return root;
}

BuildContext World::context(std::string component) {
  return {"shop", std::move(component), 0, 1, directory.path(), instance, metrics, schemas, log, clock, faults};
}

std::unique_ptr<Sink> World::make_sink(const std::string& type, const Settings& settings, std::string component) {
  const Registry registry = make_registry();
  const Component* found = registry.find(ComponentKind::kSink, type);
  REQUIRE(found != nullptr);
  Diagnostics findings;
  const NoVariables variables;
  BindContext bind{findings, variables};
  const Component::Config config = found->bind(make_node(settings), nullptr, bind);
  for (const Diagnostic& finding : findings.findings()) UNSCOPED_INFO(finding.code << ": " << finding.message);
  REQUIRE(config.has_value());
  auto built = found->build_sink(config, context(std::move(component)));
  if (!built) FAIL(built.error().message());
  return std::move(built).value();
}

std::vector<std::string> World::refused(const std::string& type, const Settings& settings) {
  const Registry registry = make_registry();
  Diagnostics findings;
  const NoVariables variables;
  BindContext bind{findings, variables};
  const auto config = registry.find(ComponentKind::kSink, type)->bind(make_node(settings), nullptr, bind);
  std::vector<std::string> codes;
  for (const Diagnostic& finding : findings.findings()) codes.emplace_back(finding.code);
  REQUIRE(config.has_value() == codes.empty());
  return codes;
}

BatchMaker::BatchMaker(World& world, std::vector<Field> fields, std::vector<std::uint32_t> key, std::string table)
    : origin_(std::make_shared<BatchOrigin>(BatchOrigin{"files", nullptr})) {
  SchemaSpec spec;
  spec.table = std::move(table);
  spec.fields = std::move(fields);
  spec.key = std::move(key);
  schema_ = world.schemas.intern(std::move(spec));
  start();
}

BatchMaker& BatchMaker::start() {
  batch_ = std::make_shared<Batch>(origin_, 1'760'000'000'000'000);
  batch_->keep(schema_);
  batch_->partition("log");
  return *this;
}

Record& BatchMaker::add(Op op, const std::vector<Value>& after, const std::vector<Value>& before) {
  return add_at(next_, op, after, before);
}

Record& BatchMaker::add_at(std::uint64_t major, Op op, const std::vector<Value>& after, const std::vector<Value>& before) {
  const auto copy = [&](const std::vector<Value>& row) {
    const std::span<Value> result = batch_->arena().array<Value>(row.size());
    for (std::size_t i = 0; i < row.size(); ++i) result[i] = deep_copy(row[i], batch_->arena());
    return result;
  };
  Record record;
  record.op = op;
  record.ordinal = {major, 0};
  record.schema = schema_.get();
  record.after = copy(after);
  record.before = copy(before);
  batch_->records().push_back(record);
  batch_->through()["files/log"] = {{major, 0}, "resume " + std::to_string(major), false};
  next_ = major + 1;
  return batch_->records().back();
}

std::shared_ptr<const Batch> BatchMaker::take() {
  std::shared_ptr<const Batch> taken = std::move(batch_);
  start();
  return taken;
}

Status write_only(Sink& sink, const std::shared_ptr<const Batch>& batch, Rejects& rejects) {
  std::vector<std::uint32_t> all(batch->size());
  std::iota(all.begin(), all.end(), 0U);
  SLUICE_TRY(sink.write({batch, all}, rejects, {}));
  return sink.flush(rejects, {});
}

Status commit(Sink& sink, const Checkpoint& through) { return sink.commit({through}, {}); }

RejectCodes write_all(Sink& sink, const std::shared_ptr<const Batch>& batch) {
  Rejects rejects;
  const Status written = write_only(sink, batch, rejects);
  if (!written) FAIL(written.error().code() << ": " << written.error().message());
  const Status committed = commit(sink, batch->through());
  if (!committed) FAIL(committed.error().code() << ": " << committed.error().message());
  RejectCodes codes;
  for (const Rejected& entry : rejects.entries()) codes[entry.index] = entry.reason.code();
  return codes;
}

Checkpoint open(Sink& sink) {
  auto opened = sink.open({});
  if (!opened) FAIL(opened.error().code() << ": " << opened.error().message());
  REQUIRE(opened->has_value());
  return **opened;
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> visible_files(const std::string& folder) {
  std::vector<std::string> result;
  if (!std::filesystem::exists(folder)) return result;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && !entry.path().filename().string().starts_with('.')) result.push_back(entry.path().string());
  }
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace sluice::testing
