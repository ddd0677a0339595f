// filter: keeps the records for which an expression holds.
//
// CONFIG.md rule 13: a delete that carries only its key passes when it lacks the fields to answer; so does a truncate or a message,
// which have no row at all, when the expression reads one.  With `on_leave: delete` an update whose row stops matching becomes a
// delete of the row, so that a copy holds exactly the rows that match.

#include "core/registry.h"
#include "expr/expression.h"
#include "transforms/row_plan.h"

namespace sluice {

namespace transforms {

enum class OnLeave : std::uint8_t { kDrop, kDelete };

}  // namespace transforms

template <>
struct EnumNames<transforms::OnLeave> {
  static constexpr std::array kNames = {std::pair{std::string_view{"drop"}, transforms::OnLeave::kDrop},
                                        std::pair{std::string_view{"delete"}, transforms::OnLeave::kDelete}};
};

namespace {

using transforms::OnLeave;

struct FilterConfig {
  Condition keep;
  OnLeave on_leave = OnLeave::kDrop;
};

const ConfigFields<FilterConfig>& filter_fields() {
  static const auto kFields =
      ConfigFields<FilterConfig>()
          .required("keep", &FilterConfig::keep, "Records for which it is true stay; the others count as filtered.")
          .direct()
          .optional(
              "on_leave", &FilterConfig::on_leave,
              "What becomes of an update whose row no longer matches: `drop` leaves it out; `delete` turns it into a delete of the row.  "
              "Where the log has the whole row before the change (PostgreSQL: replica identity full) rows that never matched are dropped; "
              "where it has not, the delete is sent for them too.");
  return kFields;
}

// The key alone is known of the row that goes: the source's key before the change where the log has it (G17).
void turn_into_delete(Batch& batch, Record& record) {
  transforms::remember_input(record);
  const std::vector<std::uint32_t>& slots = record.schema->key();
  if (!record.before.empty()) {
    const std::span<Value> key = batch.arena().array<Value>(record.key.size());
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = record.before[slots[i]].is_unchanged() ? record.key[i] : record.before[slots[i]];
    record.key = key;
  } else {
    const std::span<Value> row = batch.arena().array<Value>(record.schema->size());
    std::fill(row.begin(), row.end(), Value::unchanged());
    for (std::size_t i = 0; i < record.key.size(); ++i) row[slots[i]] = record.key[i];
    record.before = row;
  }
  record.op = Op::kDelete;
  record.after = {};
}

class Filter final : public Transform {
 public:
  Filter(std::unique_ptr<expr::Program> keep, OnLeave on_leave) : keep_(std::move(keep)), on_leave_(on_leave) {}

  Status apply(Batch& batch, Rejects& rejects, std::stop_token) override {
    for (const std::uint32_t index : batch.active()) {
      Record& record = batch.records()[index];
      // Asked first: has() of a column that the log left out is false, and the delete of a row that was let in would be lost.
      if (record.op == Op::kDelete && keep_->lacks_fields(batch, record)) continue;
      Result<bool> holds = keep_->test(batch, record);
      if (holds && *holds) continue;
      if (!holds) {
        const bool has_row = !record.row().empty();
        if (has_row) rejects.add(index, std::move(holds).error());
      } else if (on_leave_ == OnLeave::kDelete && may_have_matched(batch, record)) {
        turn_into_delete(batch, record);
      } else {
        batch.remove(index, Fate::kFiltered);
      }
    }
    return {};
  }

 private:
  // False only when it is known that the row did not match before this update either.
  bool may_have_matched(const Batch& batch, const Record& record) {
    if (record.op != Op::kUpdate || record.schema == nullptr || (record.key.empty() && record.before.empty())) return false;
    if (record.before.empty()) return true;
    Record earlier = record;
    earlier.after = record.before;
    earlier.before = {};
    const Result<bool> matched = keep_->test(batch, earlier);
    return !matched || *matched;
  }

  std::unique_ptr<expr::Program> keep_;
  OnLeave on_leave_;
};

Result<std::unique_ptr<Transform>> build_filter(const FilterConfig& config, const BuildContext&) {
  expr::Program::Options options;
  options.must_be_bool = true;
  auto keep = SLUICE_TRY(expr::Program::compile(config.keep.text(), options));
  return std::unique_ptr<Transform>(std::make_unique<Filter>(std::move(keep), config.on_leave));
}

}  // namespace

void register_filter_transform(Registry& registry) {
  TransformType<FilterConfig> type;
  type.name = "filter";
  type.summary = "Keeps the records for which an expression is true.";
  type.example = "this.status != \"test\"";
  type.fields = &filter_fields();
  type.build = build_filter;
  type.reshape = [](const FilterConfig&, Reshaping&) {};
  registry.add(type);
}

}  // namespace sluice
