#include "formats/message_key.h"

#include <span>
#include <utility>

#include "formats/json_text.h"

namespace sluice {

namespace {

constexpr std::size_t kMaxPlans = 1024;  // free-form JSON may have more shapes than are worth keeping

// "a.`b.c`.d" -> a, b.c, d.  The configuration has checked its form.
std::vector<std::string> split_path(std::string_view text) {
  std::vector<std::string> steps(1);
  bool quoted = false;
  for (const char c : text) {
    if (c == '`') {
      quoted = !quoted;
    } else if (c == '.' && !quoted) {
      steps.emplace_back();
    } else {
      steps.back() += c;
    }
  }
  return steps;
}

std::string key_text(std::string_view name) {
  TextBuffer text;
  text.append(',');
  write_json_string(name, text);
  text.append(':');
  return std::string(text.view());
}

const Value* find_in_map(std::span<const MapEntry> entries, std::string_view name) {
  for (const MapEntry& entry : entries) {
    if (entry.key.type() == Value::Type::kString && entry.key.as_text() == name) return &entry.value;
  }
  return nullptr;
}

const Value* find_below(const Value& value, std::string_view name) {
  if (value.type() == Value::Type::kMap) return find_in_map(value.as_map(), name);
  if (value.type() != Value::Type::kStruct) return nullptr;
  const std::uint32_t slot = value.as_struct_schema().find(name);
  return slot == Schema::kAbsent ? nullptr : &value.as_struct()[slot];
}

Error missing(const std::string& path) {
  return {ErrorKind::kBadRecord, "key_missing", "the message's key: the record has no field " + path};
}

Error unavailable(std::string_view name) {
  return {ErrorKind::kBadRecord, "key_unavailable",
          "the message's key: the log left out the value of " + std::string(name) +
              " (mend: ALTER TABLE ... REPLICA IDENTITY FULL, or another key)"};
}

}  // namespace

MessageKeyWriter::MessageKeyWriter(std::vector<std::string> paths, std::string prefix) : prefix_(std::move(prefix)) {
  for (std::string& path : paths) {
    auto steps = split_path(path);
    paths_.push_back({std::move(path), std::move(steps)});
  }
}

MessageKeyWriter::Plan MessageKeyWriter::compile(const Schema& schema) const {
  Plan plan;
  if (paths_.empty()) {
    for (const std::uint32_t slot : schema.key()) plan.push_back({key_text(prefix_ + schema.fields()[slot].name), {}, slot, 0});
    return plan;
  }
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    const Path& path = paths_[i];
    const std::string& name = path.steps.size() == 1 ? path.steps.front() : path.text;
    plan.push_back({key_text(prefix_ + name), {path.steps.begin() + 1, path.steps.end()}, schema.find(path.steps.front()), i});
  }
  return plan;
}

const MessageKeyWriter::Plan& MessageKeyWriter::plan_of(const Schema& schema) {
  const auto found = plans_.find(schema.id());
  if (found != plans_.end()) return found->second;
  if (plans_.size() >= kMaxPlans) plans_.clear();
  return plans_.emplace(schema.id(), compile(schema)).first->second;
}

Result<const Value*> MessageKeyWriter::find(const Record& record, const Part& part) const {
  const std::string& path = paths_[part.path].text;
  if (part.slot == Schema::kAbsent) return missing(path);
  const Value* value = &record.row()[part.slot];
  if (value->is_unchanged() && !record.before.empty()) value = &record.before[part.slot];
  for (const std::string& step : part.steps) {
    if (value->is_unchanged()) return unavailable(path);
    value = find_below(*value, step);
    if (value == nullptr) return missing(path);
  }
  if (value->is_unchanged()) return unavailable(path);
  return value;
}

Result<std::string_view> MessageKeyWriter::write(const Record& record) {
  text_.clear();
  const bool has_row = record.schema != nullptr && !record.row().empty();
  if (!has_row || (paths_.empty() && record.key.empty())) return text_.view();
  const Plan& plan = plan_of(*record.schema);
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const Value* value = paths_.empty() ? &record.key[i] : SLUICE_TRY(find(record, plan[i]));
    if (value->is_unchanged()) return unavailable(record.schema->fields()[plan[i].slot].name);
    const std::string_view name(plan[i].name);
    text_.append(i == 0 ? '{' : ',');
    text_.append(name.substr(1));
    write_json_value(*value, text_);
  }
  text_.append('}');
  return text_.view();
}

}  // namespace sluice
