// set: computes fields.  Every expression reads the record as it came in, whatever the order of the fields.
//
// CONFIG.md rule 13 for values that the log left out: a delete that carries only its key, or an update of which none of the columns
// read is there, gives `unchanged`; an update of which only some are there is rejected (value_unavailable).
//
// The row before an update is computed from itself, so that it stays comparable with the row after it and hides what that hides;
// where this fails the field is `unchanged` there.  A key column must come out: without it the row could not be found.

#include "core/registry.h"
#include "expr/expression.h"
#include "transforms/path_list.h"
#include "transforms/row_plan.h"

namespace sluice {

namespace {

struct SetConfig {
  std::vector<std::pair<FieldPath, Expression>> fields;
};

void check_set(const SetConfig& config, const ConfigNode& node, BindContext& context) {
  if (config.fields.empty()) context.findings.error(node, "bad_value", "nothing is set", "write field: expression, or remove the step");
  std::vector<FieldPath> paths;
  for (const auto& [path, expression] : config.fields) {
    paths.push_back(path);
    if (transforms::has_items(path)) {
      context.findings.error(path.node, "bad_value", "\"" + transforms::path_text(path) + "\": set cannot write into the items of a list",
                             "set the whole list: items: this.items.map(i, ...)");
    }
  }
  transforms::check_no_prefixes(paths, context);
}

const ConfigFields<SetConfig>& set_fields() {
  static const auto kFields =
      ConfigFields<SetConfig>()
          .required("fields", &SetConfig::fields,
                    "Field: expression.  A path such as customer.name makes the maps it needs.  All read the record as it came in.")
          .whole()
          .check(check_set);
  return kFields;
}

struct Assignment {
  FieldPath path;
  std::unique_ptr<expr::Program> program;
};

// Where the values go in rows of one schema.
struct SetPlan {
  struct Target {
    std::uint32_t slot;
    bool nested;
  };
  SchemaRef schema;
  std::vector<Target> targets;                               // by assignment
  std::vector<std::pair<std::uint32_t, std::uint32_t>> key;  // (index in the key, slot) of key columns that are set
};

SetPlan make_plan(const std::vector<Assignment>& assignments, const Schema& input, SchemaPool& schemas) {
  SetPlan plan;
  SchemaSpec spec = input.spec();
  for (const Assignment& assignment : assignments) {
    const std::string& name = assignment.path.steps.front().name;
    const auto known = std::find_if(spec.fields.begin(), spec.fields.end(), [&](const Field& field) { return field.name == name; });
    const auto slot = static_cast<std::uint32_t>(known - spec.fields.begin());
    const bool nested = assignment.path.steps.size() > 1;
    const std::optional<Value::Type> type = nested ? std::optional(Value::Type::kMap) : std::nullopt;
    if (known == spec.fields.end()) {
      spec.fields.push_back({name, type, true, {}});
    } else {
      *known = {name, type, true, {}};
    }
    plan.targets.push_back({slot, nested});
    for (std::uint32_t i = 0; i < input.key().size(); ++i) {
      if (input.key()[i] == slot) plan.key.emplace_back(i, slot);
    }
  }
  plan.schema = schemas.intern(std::move(spec));
  return plan;
}

Error unavailable(std::string_view field, std::string_view why) {
  return {ErrorKind::kBadRecord, "value_unavailable", "set " + std::string(field) + ": " + std::string(why)};
}

class Set final : public Transform {
 public:
  Set(std::vector<Assignment> assignments, SchemaPool& schemas)
      : assignments_(std::move(assignments)), schemas_(schemas), values_(assignments_.size()) {}

  Status apply(Batch& batch, Rejects& rejects, std::stop_token) override {
    for (const std::uint32_t index : batch.active()) {
      Record& record = batch.records()[index];
      if (record.schema == nullptr || record.row().empty()) continue;  // truncate, message: there is no row to write to
      Status status = rewrite(batch, record);
      if (!status) rejects.add(index, std::move(status).error());
    }
    return {};
  }

 private:
  using Availability = expr::Program::Availability;

  Status rewrite(Batch& batch, Record& record) {
    const SetPlan& plan = plans_.get(record.schema->id(), 0, [&] { return make_plan(assignments_, *record.schema, schemas_); });
    const bool is_delete = record.after.empty();
    SLUICE_TRY(compute(batch, record));
    const auto row = SLUICE_TRY(assign(plan, record.row(), batch.arena(), is_delete));
    std::span<const Value> before = is_delete ? row : record.before;
    std::span<const Value> key = record.key;
    if (!plan.key.empty()) key = SLUICE_TRY(assign_key(plan, record, row, batch.arena()));
    if (!is_delete && !record.before.empty()) {
      compute_before(batch, record);
      before = SLUICE_TRY(assign(plan, record.before, batch.arena(), true));
      if (!plan.key.empty()) SLUICE_TRY(assign_key(plan, record, before, batch.arena()));
    }
    transforms::remember_input(record);
    if (!is_delete) record.after = row;
    record.before = before;
    record.key = key;
    record.schema = batch.keep(plan.schema);
    return {};
  }

  // values_ of the row that `this` means.
  Status compute(Batch& batch, const Record& record) {
    const bool may_lack = record.op == Op::kUpdate || record.op == Op::kDelete;
    for (std::size_t i = 0; i < assignments_.size(); ++i) {
      expr::Program& program = *assignments_[i].program;
      const Availability availability = may_lack ? program.availability(batch, record) : Availability::kAvailable;
      const bool lacks = record.op == Op::kDelete && program.lacks_fields(batch, record);
      if (availability == Availability::kAllUnchanged || lacks) {
        values_[i] = Value::unchanged();
        continue;
      }
      if (availability == Availability::kMixed)
        return unavailable(path_of(i), "it reads columns that the log left out beside others that it has");
      Result<Value> value = program.evaluate(batch, record, batch.arena());
      if (!value) return std::move(value).error().context("set " + path_of(i));
      values_[i] = *value;
    }
    return {};
  }

  // values_ of the row before an update, computed as if it were the row after it.
  void compute_before(Batch& batch, const Record& record) {
    Record earlier = record;
    earlier.after = record.before;
    earlier.before = {};
    for (std::size_t i = 0; i < assignments_.size(); ++i) {
      expr::Program& program = *assignments_[i].program;
      values_[i] = Value::unchanged();
      if (program.availability(batch, earlier) != Availability::kAvailable) continue;
      const Result<Value> value = program.evaluate(batch, earlier, batch.arena());
      if (value) values_[i] = *value;
    }
  }

  // `lenient`: an image of which parts may be missing; what cannot be placed there is unchanged.
  Result<std::span<const Value>> assign(const SetPlan& plan, std::span<const Value> row, Arena& arena, bool lenient) const {
    const std::span<Value> out = arena.array<Value>(plan.schema->size());
    std::copy(row.begin(), row.end(), out.begin());
    for (std::size_t i = 0; i < assignments_.size(); ++i) {
      Value& target = out[plan.targets[i].slot];
      if (!plan.targets[i].nested) {
        target = values_[i];
        continue;
      }
      if (values_[i].is_unchanged() || target.is_unchanged()) {
        if (!lenient) return unavailable(path_of(i), "the log left out what it needs, and a part of a map cannot be marked as unchanged");
        target = Value::unchanged();
        continue;
      }
      Result<Value> inner = transforms::assign_value(target, std::span(assignments_[i].path.steps).subspan(1), values_[i], arena);
      if (!inner && !lenient) return std::move(inner).error();
      target = inner ? *inner : Value::unchanged();
    }
    return std::span<const Value>(out);
  }

  Result<std::span<const Value>> assign_key(const SetPlan& plan, const Record& record, std::span<const Value> row, Arena& arena) const {
    if (record.key.empty()) return record.key;
    const std::span<Value> key = arena.array<Value>(record.key.size());
    std::copy(record.key.begin(), record.key.end(), key.begin());
    for (const auto& [index, slot] : plan.key) {
      if (row[slot].is_unchanged())
        return unavailable(plan.schema->fields()[slot].name, "it is part of the key and cannot be computed from what the log has");
      key[index] = row[slot];
    }
    return std::span<const Value>(key);
  }

  std::string path_of(std::size_t i) const { return transforms::path_text(assignments_[i].path); }

  std::vector<Assignment> assignments_;
  SchemaPool& schemas_;
  std::vector<Value> values_;  // of the record at hand, by assignment
  transforms::PlanCache<SetPlan> plans_;
};

Result<std::unique_ptr<Transform>> build_set(const SetConfig& config, const BuildContext& context) {
  std::vector<Assignment> assignments;
  for (const auto& [path, expression] : config.fields) {
    auto program = expr::Program::compile(expression.text());
    if (!program) return std::move(program).error().context("set " + transforms::path_text(path));
    assignments.push_back({path, std::move(program).value()});
  }
  return std::unique_ptr<Transform>(std::make_unique<Set>(std::move(assignments), context.schemas));
}

// Every expression reads the record as it came in.
void reshape_set(const SetConfig& config, Reshaping& reshaping) {
  const RecordShape before = reshaping.shape;
  for (const auto& [path, expression] : config.fields) {
    FieldShape result = reshaping.expressions.result_of(expression.text(), before);
    if (path.steps.size() > 1) result = {"", std::nullopt, false, false};
    result.name = path.steps.front().name;
    FieldShape* known = reshaping.shape.find(result.name);
    if (known != nullptr) {
      *known = std::move(result);
    } else {
      reshaping.shape.fields.push_back(std::move(result));
    }
  }
}

}  // namespace

void register_set_transform(Registry& registry) {
  TransformType<SetConfig> type;
  type.name = "set";
  type.summary = "Computes fields from the record; the others stay as they are.";
  type.example = "{total_eur: this.total * 0.92, customer.name: this.first + \" \" + this.last}";
  type.fields = &set_fields();
  type.build = build_set;
  type.reshape = reshape_set;
  registry.add(type);
}

}  // namespace sluice
