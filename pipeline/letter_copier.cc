#include "pipeline/letter_copier.h"

#include <algorithm>
#include <numeric>

namespace sluice::pipeline {

namespace {

constexpr std::size_t kLetters = 500;  // of one commit
constexpr std::chrono::milliseconds kLookEvery{500};
constexpr std::string_view kPartition = "letters";

using Type = Value::Type;

SchemaSpec letter_fields() {
  SchemaSpec spec;
  spec.table = "dead_letters";
  const auto add = [&](std::string name, Type type, bool nullable) {
    Field field;
    field.name = std::move(name);
    field.type = type;
    field.nullable = nullable;
    spec.fields.push_back(std::move(field));
  };
  add("id", Type::kInt64, false);
  for (const char* const name : {"pipeline", "stage", "phase", "component", "code", "message", "source", "partition"})
    add(name, Type::kString, false);
  add("major", Type::kUint64, false);
  add("minor", Type::kUint64, false);
  add("sub", Type::kInt64, false);
  add("key", Type::kJson, true);
  add("first_seen", Type::kTimestamp, false);
  add("last_seen", Type::kTimestamp, false);
  add("attempts", Type::kInt64, false);
  add("config_hash", Type::kString, false);
  add("raw", Type::kBytes, true);
  add("input", Type::kJson, true);
  add("record", Type::kJson, true);
  spec.key = {0};
  return spec;
}

}  // namespace

LetterCopier::LetterCopier(const SinkDefinition& definition, Runtime& runtime)
    : definition_(definition),
      runtime_(runtime),
      origin_(std::make_shared<BatchOrigin>(BatchOrigin{"dead_letters", nullptr})),
      schema_(runtime.schemas.intern(letter_fields())),
      backoff_(definition.retry, runtime.environment.clock),
      copied_(runtime.environment.metrics.counter("sluice_dead_letter_copies_total", "Dead letters that copy_to has taken.",
                                                  {{"pipeline", runtime.definition.name}})),
      failures_(runtime.environment.metrics.counter("sluice_dead_letter_copy_failures_total",
                                                    "Tries to copy dead letters that failed, and letters that copy_to refused.",
                                                    {{"pipeline", runtime.definition.name}})) {}

LetterCopier::~LetterCopier() { close(); }

void LetterCopier::close() {
  if (sink_) static_cast<void>(sink_->close(Sink::Closing::kSeal).has_value());  // all is committed, or copied again
  sink_.reset();
}

void LetterCopier::run(std::stop_token stop) {
  while (true) {
    const bool last = stop.stop_requested();
    auto more = copy_some(last ? std::stop_token() : stop);
    if (more) {
      if (backoff_.attempts() != 0) runtime_.monitor.recovered("dead_letters.copy_to");
      backoff_.reset();
      if (*more) continue;
      if (last) return close();
      runtime_.environment.clock.sleep_for(kLookEvery, stop);
      continue;
    }
    sink_.reset();
    if (more.error().kind() == ErrorKind::kCancelled && !last) continue;
    failures_.add();
    runtime_.monitor.report("dead_letters.copy_to", more.error());
    if (last) return;
    static_cast<void>(backoff_.wait(more.error(), stop).has_value());  // also when it says to give up: the next letters may go through
  }
}

Status LetterCopier::open(std::stop_token stop) {
  if (!feed_) feed_ = SLUICE_TRY(dlq::LetterFeed::open(runtime_.environment.state_directory + "/dead_letters.db"));
  if (sink_) return {};
  auto sink = SLUICE_TRY(definition_.build(runtime_.build_context("sink", definition_.name, 0, 1)));
  SLUICE_TRY(sink->open(stop));
  sink_ = std::move(sink);
  return {};
}

// False: there is nothing to copy.
Result<bool> LetterCopier::copy_some(std::stop_token stop) {
  SLUICE_TRY(open(stop));
  const auto letters = SLUICE_TRY(feed_->next(kLetters));
  if (letters.empty()) return false;
  const auto batch = make_batch(letters);
  std::vector<std::uint32_t> all(batch->size());
  std::iota(all.begin(), all.end(), 0U);
  Rejects rejects;
  SLUICE_TRY(sink_->write({batch, all}, rejects, stop));
  SLUICE_TRY(sink_->flush(rejects, stop));
  SLUICE_TRY(sink_->commit({batch->through(), {}}, stop));
  SLUICE_TRY(feed_->copied(letters.back().id));
  copied_.add(static_cast<double>(letters.size() - rejects.entries().size()));
  failures_.add(static_cast<double>(rejects.entries().size()));
  if (!rejects.empty()) runtime_.monitor.report("dead_letters.copy_to", rejects.entries().front().reason);
  return true;
}

std::shared_ptr<Batch> LetterCopier::make_batch(const std::vector<dlq::StoredLetter>& letters) {
  BatchBuilder builder(std::make_shared<Batch>(origin_, runtime_.environment.clock.utc_microseconds()), {letters.size(), 0, {}});
  Arena& arena = builder.arena();
  const std::uint16_t partition = builder.partition(kPartition);
  const auto text = [&](const std::string& value) { return Value::string_in(arena, value); };
  const auto optional = [&](Type type, const std::optional<std::string>& value) {
    return value && !value->empty() ? Value::text_in(arena, type, *value) : Value();
  };
  for (const dlq::StoredLetter& letter : letters) {
    const auto row = arena.array<Value>(schema_->size());
    std::size_t slot = 0;
    row[slot++] = Value::int64(letter.id);
    for (const std::string* field : {&letter.pipeline, &letter.stage, &letter.phase, &letter.component, &letter.code, &letter.message,
                                     &letter.source, &letter.partition})
      row[slot++] = text(*field);
    row[slot++] = Value::uint64(letter.ordinal.major);
    row[slot++] = Value::uint64(letter.ordinal.minor);
    row[slot++] = Value::int64(letter.sub);
    row[slot++] = optional(Type::kJson, letter.key);
    row[slot++] = Value::timestamp(letter.first_seen);
    row[slot++] = Value::timestamp(letter.last_seen);
    row[slot++] = Value::int64(letter.attempts);
    row[slot++] = text(letter.config_hash);
    row[slot++] = optional(Type::kBytes, letter.raw);
    row[slot++] = optional(Type::kJson, letter.input);
    row[slot++] = optional(Type::kJson, letter.record);
    Record record;
    record.op = Op::kInsert;
    record.partition = partition;
    record.ordinal = {static_cast<std::uint64_t>(letter.id), 0};
    record.schema = builder.batch().keep(schema_);
    record.after = row;
    record.key = row.first(1);
    builder.append(record);
  }
  builder.through()[checkpoint_key("dead_letters", kPartition)] = Position{{static_cast<std::uint64_t>(letters.back().id), 0}, {}, false};
  return builder.take();
}

}  // namespace sluice::pipeline
