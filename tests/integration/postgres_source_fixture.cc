#include "tests/integration/postgres_source_fixture.h"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "core/civil_time.h"
#include "sources/postgres_cdc/config.h"
#include "sources/postgres_cdc/postgres_cdc_source.h"

namespace sluice::test {

namespace {

using namespace std::chrono_literals;

std::vector<std::string> show_all(std::span<const Value> values) {
  std::vector<std::string> result;
  for (const Value& value : values) result.push_back(show(value));
  return result;
}

SchemaRef meta_schema(SchemaPool& schemas) {
  SchemaSpec spec;
  for (const std::string_view name : sources::postgres::kMetaNames) spec.fields.push_back({std::string(name)});
  return schemas.intern(std::move(spec));
}

sources::postgres::SessionSettings settings_of(const SourceOptions& options) {
  sources::postgres::PostgresCdcConfig config;
  config.url = ConnectionUrl(options.url);
  config.tables = options.tables;
  if (!options.rules.empty()) config.tables.rules = options.rules;
  config.heartbeat = options.heartbeat;
  config.snapshot = options.snapshot;
  config.adopt = options.adopt;
  config.publication = options.publication;
  if (options.messages) config.messages = sources::postgres::MessageMode::kEmit;
  config.spill_limit.bytes = options.spill_limit;
  auto settings = sources::postgres::session_settings(config, options.pipeline, "pg", options.state_directory);
  if (!settings) throw std::runtime_error(settings.error().message());
  settings->spool.memory_bytes = options.spool_memory;
  if (options.adjust) options.adjust(*settings);
  return std::move(settings).value();
}

}  // namespace

std::string show(const Value& value) {
  std::array<char, kTimeTextBytes> buffer;
  switch (value.type()) {
    case Value::Type::kNull: return "<null>";
    case Value::Type::kUnchanged: return "<unchanged>";
    case Value::Type::kBool: return value.as_bool() ? "true" : "false";
    case Value::Type::kInt64: return std::to_string(value.as_int64());
    case Value::Type::kFloat64: return std::to_string(value.as_float64());
    case Value::Type::kList: {
      std::string list = "[";
      for (const Value& item : value.as_list()) list += (list.size() == 1 ? "" : " ") + show(item);
      return list + "]";
    }
    default: break;
  }
  if (is_time_type(value.type())) return {buffer.data(), write_time_value(buffer.data(), value)};
  return std::string(value.as_text());
}

SourceRun::SourceRun(const SourceOptions& options) : origin_(std::make_shared<BatchOrigin>(BatchOrigin{"pg", meta_schema(schemas_)})) {
  const BuildContext context{options.pipeline, "pg", 0, 1, options.state_directory, "test", metrics_, schemas_, log_, clock_, faults};
  source_ = std::make_unique<sources::postgres::PostgresCdcSource>(settings_of(options), context);
}

Status SourceRun::open(const Checkpoint& from) {
  through_ = from;
  return source_->open(from, stop_.get_token());
}

Result<SourceState> SourceRun::read() {
  BatchBuilder builder(std::make_shared<Batch>(origin_, 0), limits);
  auto state = source_->read(builder, stop_.get_token());
  const std::shared_ptr<Batch> batch = builder.take();
  if (on_batch) on_batch(*batch);
  for (const Record& record : batch->records()) {
    seen_.push_back({record.op, record.ordinal, record.schema->spec().table, show_all(record.before), show_all(record.after),
                     show_all(record.key), record.schema->key()});
    specs_[record.schema->spec().table] = record.schema->spec();
  }
  for (const RejectedInput& input : batch->rejected_inputs()) rejected_.push_back({input.partition, input.ordinal, {}, input.reason});
  for (const auto& [key, position] : batch->through()) through_[key] = position;
  commit_wanted_ = commit_wanted_ || batch->commit_wanted();
  steps_.emplace_back(seen_.size(), through_);
  if (!state && state.error().kind() == ErrorKind::kTransient) ++transient_errors_;
  return state;
}

void SourceRun::read_until(const std::function<bool()>& done, int seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  std::string transient = "none";
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("nothing came within " + std::to_string(seconds) + " s; last error: " + transient);
    const auto state = read();
    if (state) continue;
    transient = state.error().message();
    if (state.error().kind() != ErrorKind::kTransient)
      throw std::runtime_error(std::string(state.error().code()) + ": " + state.error().message());
    std::this_thread::sleep_for(10ms);  // the shard's back-off
  }
}

void SourceRun::read_until_marker(const std::string& text, int seconds) {
  read_until([&] { return !seen_.empty() && seen_.back().after.size() > 1 && seen_.back().after[1] == text; }, seconds);
}

void SourceRun::acknowledge(const Checkpoint& done) {
  if (const Status told = source_->acknowledge(done); !told) throw std::runtime_error(told.error().message());
}

bool eventually(const std::function<bool()>& condition, int seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

bool postgres_available() {
  const std::string reason = postgres_unavailable();
  if (!reason.empty()) std::cout << "SKIPPED: " << reason << '\n';
  return reason.empty();
}

double SourceRun::schema_changes() const { return metrics_.named("sluice_schema_changes_total").value(); }

PostgresServer* shared_server(const std::string& version) {
  static std::map<std::string, std::unique_ptr<PostgresServer>> servers;
  if (const std::string reason = postgres_unavailable(version); !reason.empty()) {
    std::cout << "SKIPPED: " << reason << '\n';
    return nullptr;
  }
  auto& server = servers[version];
  if (!server) server = std::make_unique<PostgresServer>("wal_sender_timeout = 5s", version);
  return server.get();
}

PostgresServer* shared_server() {
  if (!postgres_available()) return nullptr;
  static PostgresServer server("wal_sender_timeout = 2s\nmax_connections = 40");
  return &server;
}

}  // namespace sluice::test
