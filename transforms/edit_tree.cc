#include "transforms/edit_tree.h"

#include <algorithm>

#include "core/schema.h"

namespace sluice::transforms {

namespace {

void mark_below(const EditNode& node, Matched& matched) {
  if (node.action != EditNode::Action::kNone) matched[node.path] = 1;
  for (const EditNode& child : node.fields) mark_below(child, matched);
  if (node.items) mark_below(*node.items, matched);
}

// A struct's fields as entries, so that one piece of code edits both.  Names of a Schema outlive the batch.
std::span<const MapEntry> entries_of(const Value& value, Arena& arena) {
  if (value.type() == Value::Type::kMap) return value.as_map();
  const Schema& schema = value.as_struct_schema();
  const std::span<const Value> fields = value.as_struct();
  const std::span<MapEntry> entries = arena.array<MapEntry>(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) entries[i] = {Value::string_in(arena, schema.fields()[i].name), fields[i]};
  return entries;
}

Error field_exists(std::string_view name) {
  return {ErrorKind::kBadRecord, "field_exists", "rename to \"" + std::string(name) + "\": the record has a field of that name already"};
}

bool names_repeat(std::span<const MapEntry> entries, std::string_view name) {
  std::size_t count = 0;
  for (const MapEntry& entry : entries) count += entry.key.type() == Value::Type::kString && entry.key.as_text() == name ? 1 : 0;
  return count > 1;
}

class Editor {
 public:
  Editor(EditTree::Mode mode, Arena& arena, Matched& matched) : mode_(mode), arena_(arena), matched_(matched) {}

  Result<Value> edit(const EditNode& node, const Value& value) {
    if (value.is_unchanged()) {
      mark_below(node, matched_);  // what the log left out may well have the field
      return value;
    }
    Value result = value;
    if (!node.fields.empty() || node.items) result = SLUICE_TRY(edit_inside(node, value));
    if (node.action == EditNode::Action::kReplace) result = SLUICE_TRY(node.edit->edit(result, arena_));
    return result;
  }

 private:
  using Action = EditNode::Action;

  Result<Value> edit_inside(const EditNode& node, const Value& value) {
    const bool structured = value.type() == Value::Type::kMap || value.type() == Value::Type::kStruct;
    if (structured && !node.fields.empty()) return edit_entries(node, entries_of(value, arena_));
    if (value.type() == Value::Type::kList && node.items) return edit_items(*node.items, value.as_list());
    if (mode_ == EditTree::Mode::kTouch || node.action == Action::kKeep) return value;
    return Value::null();  // keep: [a.b] and a is no map: a.b is nowhere in it
  }

  Result<Value> edit_items(const EditNode& node, std::span<const Value> items) {
    if (items.empty()) mark_below(node, matched_);
    const std::span<Value> out = arena_.array<Value>(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (node.action != Action::kNone) matched_[node.path] = 1;
      out[i] = SLUICE_TRY(edit(node, items[i]));
    }
    return Value::list(out);
  }

  Result<Value> edit_entries(const EditNode& node, std::span<const MapEntry> entries) {
    const std::span<MapEntry> out = arena_.array<MapEntry>(entries.size());
    std::size_t kept = 0;
    bool renamed = false;
    for (const MapEntry& entry : entries) {
      const EditNode* child = entry.key.type() == Value::Type::kString ? node.find(entry.key.as_text()) : nullptr;
      if (child == nullptr) {
        if (mode_ == EditTree::Mode::kTouch || node.action == Action::kKeep) out[kept++] = entry;
        continue;
      }
      if (child->action != Action::kNone) matched_[child->path] = 1;
      if (child->action == Action::kRemove) continue;
      MapEntry& target = out[kept++];
      target = entry;
      if (child->action == Action::kRename) {
        target.key = Value::string_in(arena_, child->new_name);
        renamed = true;
      }
      if (child->edits_value()) target.value = SLUICE_TRY(edit(*child, entry.value));
    }
    if (renamed) {
      for (const EditNode& child : node.fields) {
        if (child.action == Action::kRename && names_repeat(out.first(kept), child.new_name)) return field_exists(child.new_name);
      }
    }
    return Value::map(out.first(kept));
  }

  EditTree::Mode mode_;
  Arena& arena_;
  Matched& matched_;
};

}  // namespace

const EditNode* EditNode::find(std::string_view wanted) const {
  for (const EditNode& child : fields) {
    if (child.name == wanted) return &child;
  }
  return nullptr;
}

EditNode& EditTree::add(const FieldPath& path) {
  EditNode* node = &root_;
  for (const FieldPath::Step& step : path.steps) {
    if (!step.name.empty()) {
      const auto known =
          std::find_if(node->fields.begin(), node->fields.end(), [&](const EditNode& child) { return child.name == step.name; });
      if (known == node->fields.end()) {
        node = &node->fields.emplace_back();
        node->name = step.name;
      } else {
        node = &*known;
      }
    }
    if (step.every_item) {
      if (!node->items) node->items = std::make_unique<EditNode>();
      node = node->items.get();
    }
  }
  node->path = static_cast<std::uint32_t>(paths_.size());
  paths_.push_back(path_text(path));
  return *node;
}

Result<Value> edit_value(const EditNode& node, const Value& value, EditTree::Mode mode, Arena& arena, Matched& matched) {
  return Editor(mode, arena, matched).edit(node, value);
}

Result<Value> assign_value(const Value& base, std::span<const FieldPath::Step> steps, const Value& value, Arena& arena) {
  if (steps.empty()) return value;
  if (base.is_unchanged()) {
    return Error(ErrorKind::kBadRecord, "value_unavailable", "set " + steps.front().name + ": the log left out the column it belongs to");
  }
  std::span<const MapEntry> entries;
  if (base.type() == Value::Type::kMap || base.type() == Value::Type::kStruct) {
    entries = entries_of(base, arena);
  } else if (!base.is_null()) {
    return Error(ErrorKind::kBadRecord, "path_conflict",
                 "set " + steps.front().name + ": it would stand inside a value of type " + std::string(type_name(base.type())));
  }
  const std::string_view name = steps.front().name;
  std::size_t at = 0;
  while (at < entries.size() && !(entries[at].key.type() == Value::Type::kString && entries[at].key.as_text() == name)) ++at;
  const Value old = at < entries.size() ? entries[at].value : Value::null();
  const Value inner = SLUICE_TRY(assign_value(old, steps.subspan(1), value, arena));
  const std::span<MapEntry> out = arena.array<MapEntry>(entries.size() + (at == entries.size() ? 1 : 0));
  std::copy(entries.begin(), entries.end(), out.begin());
  out[at] = {at < entries.size() ? entries[at].key : Value::string_in(arena, name), inner};
  return Value::map(out);
}

std::string path_text(const FieldPath& path) {
  std::string text;
  for (const FieldPath::Step& step : path.steps) {
    if (!text.empty()) text += '.';
    const bool quoted = step.name.find_first_of(".[`") != std::string::npos;
    text += quoted ? '`' + step.name + '`' : step.name;
    if (step.every_item) text += "[]";
  }
  return text;
}

}  // namespace sluice::transforms
