#include "transforms/row_plan.h"

#include <algorithm>
#include <unordered_set>

namespace sluice::transforms {

namespace {

using Action = EditNode::Action;

void collect_paths(const EditNode& node, std::vector<std::uint32_t>& paths) {
  if (node.action != Action::kNone) paths.push_back(node.path);
  for (const EditNode& child : node.fields) collect_paths(child, paths);
  if (node.items) collect_paths(*node.items, paths);
}

bool is_key(const Schema& schema, std::uint32_t slot) {
  return std::find(schema.key().begin(), schema.key().end(), slot) != schema.key().end();
}

Field edited_field(Field field, const EditNode* edit) {
  if (edit == nullptr) return field;
  if (edit->action == Action::kReplace) {
    field.type = edit->edit->type();
    field.origin_type = edit->edit->origin_type();
  } else if (field.type == Value::Type::kStruct) {
    field.type = Value::Type::kMap;
    field.origin_type.clear();
  }
  return field;
}

class PlanMaker {
 public:
  PlanMaker(const EditTree& tree, Images images, Shape shape, const Schema& input)
      : tree_(tree), images_(images), shape_(shape), input_(input) {
    spec_.database = input.spec().database;
    spec_.schema = input.spec().schema;
    spec_.table = input.spec().table;
  }

  RowPlan make(SchemaPool& schemas) && {
    place_.resize(input_.size(), {Schema::kAbsent, nullptr});
    for (std::uint32_t slot = 0; slot < input_.size(); ++slot) add_column(slot);
    add_key();
    find_missing();
    check_names();
    if (touched_ && !plan_.conflict) plan_.schema = schemas.intern(std::move(spec_));
    return std::move(plan_);
  }

 private:
  void emit(Field field, RowPlan::Column after, RowPlan::Column before) {
    spec_.fields.push_back(std::move(field));
    plan_.after.push_back(after);
    plan_.before.push_back(before);
  }

  void add_column(std::uint32_t slot) {
    const Field& field = input_.fields()[slot];
    const EditNode* node = tree_.root().find(field.name);
    const bool everywhere = images_ == Images::kBoth || is_key(input_, slot) || shape_ == Shape::kAfterOnly;
    const bool named = node != nullptr || tree_.mode() == EditTree::Mode::kSelect;
    if (!named || (!everywhere && shape_ == Shape::kBeforeOnly)) {
      place_[slot] = {static_cast<std::uint32_t>(spec_.fields.size()), nullptr};
      emit(field, {slot, nullptr}, {slot, nullptr});
      return;
    }
    const bool removed = node == nullptr || node->action == Action::kRemove;
    const bool renamed = !removed && node->action == Action::kRename;
    const EditNode* edit = !removed && node->edits_value() ? node : nullptr;
    touched_ = touched_ || removed || renamed || edit != nullptr;
    if (everywhere) {
      if (!removed) add_treated(slot, renamed ? node->new_name : field.name, edit);
    } else {
      add_narrowed(slot, node, edit);
    }
  }

  void add_treated(std::uint32_t slot, const std::string& name, const EditNode* edit) {
    Field field = edited_field(input_.fields()[slot], edit);
    field.name = name;
    place_[slot] = {static_cast<std::uint32_t>(spec_.fields.size()), edit};
    emit(std::move(field), {slot, edit}, {slot, edit});
  }

  // images: after, and the record has both: the row before keeps the column as it was.  The images share one schema, so what one of
  // them lacks is `unchanged` there.
  void add_narrowed(std::uint32_t slot, const EditNode* node, const EditNode* edit) {
    const Field& field = input_.fields()[slot];
    constexpr RowPlan::Column kNothing{};
    const bool removed = node == nullptr || node->action == Action::kRemove;
    if (removed) {
      emit(field, kNothing, {slot, nullptr});
    } else if (node->action == Action::kRename) {
      emit(field, kNothing, {slot, nullptr});
      Field renamed = edited_field(field, edit);
      renamed.name = node->new_name;
      emit(std::move(renamed), {slot, edit}, kNothing);
    } else {
      Field either = field;
      if (edit != nullptr) {
        either.type = std::nullopt;
        either.origin_type.clear();
      }
      emit(std::move(either), {slot, edit}, {slot, nullptr});
    }
  }

  void add_key() {
    const std::vector<std::uint32_t>& key = input_.key();
    for (std::uint32_t i = 0; i < key.size(); ++i) {
      const auto [slot, edit] = place_[key[i]];
      plan_.key_stays = plan_.key_stays && slot != Schema::kAbsent && edit == nullptr;
      if (slot == Schema::kAbsent) continue;
      spec_.key.push_back(slot);
      plan_.key.push_back({i, edit});
    }
  }

  void find_missing() {
    for (const EditNode& child : tree_.root().fields) {
      if (input_.find(child.name) == Schema::kAbsent) {
        collect_paths(child, plan_.missing);
      } else if (!child.fields.empty() || child.items) {
        for (const EditNode& node : child.fields) collect_paths(node, plan_.inner);
        if (child.items) collect_paths(*child.items, plan_.inner);
      }
    }
  }

  void check_names() {
    std::unordered_set<std::string_view> names;
    for (const Field& field : spec_.fields) {
      if (names.insert(field.name).second) continue;
      plan_.conflict =
          Error(ErrorKind::kBadRecord, "field_exists", "rename to \"" + field.name + "\": the record has a field of that name already");
      return;
    }
  }

  const EditTree& tree_;
  Images images_;
  Shape shape_;
  const Schema& input_;
  SchemaSpec spec_;
  RowPlan plan_;
  std::vector<std::pair<std::uint32_t, const EditNode*>> place_;  // new slot and edit of each old column that the key may need
  bool touched_ = false;
};

Shape shape_of(const Record& record) {
  if (record.before.empty()) return Shape::kAfterOnly;
  return record.after.empty() ? Shape::kBeforeOnly : Shape::kBoth;
}

}  // namespace

RowPlan make_row_plan(const EditTree& tree, Images images, Shape shape, const Schema& input, SchemaPool& schemas) {
  return PlanMaker(tree, images, shape, input).make(schemas);
}

RowEditTransform::RowEditTransform(EditTree tree, Images images, const BuildContext& context)
    : tree_(std::move(tree)), images_(images), schemas_(context.schemas) {
  matched_.resize(tree_.paths().size());
  ignored_.resize(tree_.paths().size());
  misses_.resize(tree_.paths().size());
  for (const std::string& path : tree_.paths()) {
    miss_counters_.push_back(&context.metrics.counter("sluice_path_misses_total",
                                                      "Records in which a field path of the step matched nothing.", {{"path", path}}));
  }
}

Status RowEditTransform::apply(Batch& batch, Rejects& rejects, std::stop_token) {
  for (const std::uint32_t index : batch.active()) {
    Record& record = batch.records()[index];
    if (record.schema == nullptr) continue;
    Status status = rewrite(batch, record);
    if (!status) rejects.add(index, std::move(status).error());
  }
  for (std::size_t path = 0; path < misses_.size(); ++path) {
    if (misses_[path] > 0) miss_counters_[path]->add(static_cast<double>(std::exchange(misses_[path], 0)));
  }
  return {};
}

Status RowEditTransform::rewrite(Batch& batch, Record& record) {
  // With images: both every shape has the same plan.
  const Shape shape = images_ == Images::kBoth ? Shape::kAfterOnly : shape_of(record);
  const RowPlan& plan = plans_.get(record.schema->id(), static_cast<std::uint64_t>(shape),
                                   [&] { return make_row_plan(tree_, images_, shape, *record.schema, schemas_); });
  if (plan.conflict) return *plan.conflict;
  if (plan.schema) {
    for (const std::uint32_t path : plan.inner) matched_[path] = 0;
    const bool after_counts = !record.after.empty();
    const auto after = SLUICE_TRY(rewrite_row(plan.after, record.after, batch.arena(), matched_));
    const auto before = SLUICE_TRY(rewrite_row(plan.before, record.before, batch.arena(), after_counts ? ignored_ : matched_));
    std::span<const Value> key = record.key;
    if (!plan.key_stays) key = SLUICE_TRY(rewrite_row(plan.key, record.key, batch.arena(), ignored_));
    remember_input(record);
    record.after = after;
    record.before = before;
    record.key = key;
    record.schema = batch.keep(plan.schema);
  }
  if (!record.row().empty()) count_misses(plan);
  return {};
}

Result<std::span<const Value>> RowEditTransform::rewrite_row(const std::vector<RowPlan::Column>& columns, std::span<const Value> row,
                                                             Arena& arena, Matched& matched) const {
  if (row.empty()) return std::span<const Value>();
  const std::span<Value> out = arena.array<Value>(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const RowPlan::Column& column = columns[i];
    if (column.from == Schema::kAbsent) {
      out[i] = Value::unchanged();
    } else if (column.edit == nullptr) {
      out[i] = row[column.from];
    } else {
      out[i] = SLUICE_TRY(edit_value(*column.edit, row[column.from], tree_.mode(), arena, matched));
    }
  }
  return std::span<const Value>(out);
}

void RowEditTransform::count_misses(const RowPlan& plan) {
  for (const std::uint32_t path : plan.missing) ++misses_[path];
  for (const std::uint32_t path : plan.inner) misses_[path] += matched_[path] == 0 ? 1 : 0;
}

}  // namespace sluice::transforms
