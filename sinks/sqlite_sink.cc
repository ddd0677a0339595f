// Rows in tables of an SQLite database, exactly once (G23): rows and position in one transaction.
//
//   write   remembers the batch                     (the lane keeps it anyway until it is committed)
//   flush   BEGIN IMMEDIATE, instance check, rows   == every verdict is known ==
//   commit  position, COMMIT
// so the database's one write lock is held for the time of the work and not for the time between two commits, and several sinks can
// share a file.
//
// A record that SQLite refuses (constraint, too big) undoes its own statement only.  Any other failure rolls back; the lane calls open().

#include <array>
#include <memory>
#include <unordered_map>

#include "core/registry.h"
#include "expr/expression.h"
#include "sinks/sqlite/progress.h"
#include "sinks/sqlite/row_plan.h"
#include "storage/durable_file.h"

namespace sluice {

template <>
struct EnumNames<sinks::SqliteMode> {
  static constexpr std::array kNames = {std::pair{std::string_view{"append"}, sinks::SqliteMode::kAppend},
                                        std::pair{std::string_view{"upsert"}, sinks::SqliteMode::kUpsert}};
};

template <>
struct EnumNames<sinks::SqliteColumns> {
  static constexpr std::array kNames = {std::pair{std::string_view{"add"}, sinks::SqliteColumns::kAdd},
                                        std::pair{std::string_view{"fixed"}, sinks::SqliteColumns::kFixed}};
};

template <>
struct ConfigType<sinks::DeletePolicy> {
  using Kind = sinks::DeletePolicy::Kind;

  static bool bind(const ConfigNode& node, sinks::DeletePolicy& out, BindContext& context) {
    const auto text = expand_text(node, context);
    if (!text) return false;
    const bool soft = text->starts_with("soft(") && text->ends_with(")") && text->size() > 6;
    if (soft) {
      out = {Kind::kSoft, text->substr(5, text->size() - 6)};
    } else if (*text == "apply") {
      out = {Kind::kApply, {}};
    } else if (*text == "ignore") {
      out = {Kind::kIgnore, {}};
    } else {
      context.findings.error(node, "bad_value", "expected apply, ignore or soft(column), got \"" + *text + "\"");
      return false;
    }
    return true;
  }
  static std::string type_name() { return "apply | ignore | soft(column)"; }
  static std::string show(const sinks::DeletePolicy& value) {
    if (value.kind == Kind::kSoft) return "soft(" + value.column + ")";
    return value.kind == Kind::kApply ? "apply" : "ignore";
  }
};

namespace sinks {

namespace {

// Plans kept; free-form JSON may bring more shapes than that, which are then planned anew.
constexpr std::size_t kMaxPlans = 1024;

struct SqliteSinkConfig {
  std::string path;
  TemplateText table;
  SqliteMode mode = SqliteMode::kAppend;
  std::vector<std::string> key;
  DeletePolicy deletes;
  SqliteColumns columns = SqliteColumns::kAdd;
};

void check_config(const SqliteSinkConfig& config, const ConfigNode& node, BindContext& context) {
  const auto at = [&](std::string_view key) -> const ConfigNode& {
    const ConfigNode* found = node.find(key);
    return found != nullptr ? *found : node;
  };
  if (config.path.empty()) context.findings.error(at("path"), "bad_value", "the path is empty");
  if (config.table.parts.empty()) context.findings.error(at("table"), "bad_value", "the table's name is empty");
  if (config.mode == SqliteMode::kUpsert) return;
  if (!config.key.empty())
    context.findings.error(at("key"), "conflict", "key: is for mode: upsert; mode: append writes a row for every record");
  if (config.deletes.kind == DeletePolicy::Kind::kSoft) {
    context.findings.error(at("deletes"), "conflict", "soft() is for mode: upsert; in mode: append a delete is a row of its own");
  }
}

const ConfigFields<SqliteSinkConfig>& fields() {
  static const auto kFields =
      ConfigFields<SqliteSinkConfig>{}
          .required("path", &SqliteSinkConfig::path, "The database's file; made when it is missing, with its directory.")
          .required("table", &SqliteSinkConfig::table, "The table's name; a template. Made when it is missing (columns: add).")
          .optional("mode", &SqliteSinkConfig::mode,
                    "append writes a row for every record, with _op, _id and _unchanged. upsert keeps the newest row of each key; it "
                    "rejects a record whose "
                    "log left columns out when the table has no row of its key (value_unavailable).")
          .optional("key", &SqliteSinkConfig::key, "upsert: the columns of the key; the default is the source's key.")
          .optional("deletes", &SqliteSinkConfig::deletes,
                    "upsert: apply deletes rows (and empties the table on truncate), ignore leaves them, soft(column) writes the time into "
                    "the column. "
                    "append: apply writes a row, ignore none.")
          .optional("columns", &SqliteSinkConfig::columns, "add makes tables and columns; fixed rejects records that do not fit.")
          .check(check_config);
  return kFields;
}

class SqliteSink final : public Sink {
 public:
  SqliteSink(const SqliteSinkConfig& config, const BuildContext& context, std::unique_ptr<expr::Template> table)
      : path_(config.path),
        constant_table_(config.table.is_constant()),
        rules_{config.mode, config.columns, config.key, config.deletes},
        faults_(context.faults),
        table_(std::move(table)),
        progress_(context.outside_name(), context.component, context.instance) {}

  Result<std::optional<Checkpoint>> open(std::stop_token stop) override;
  Status write(const BatchView& view, Rejects& rejects, std::stop_token stop) override;
  Status flush(Rejects& rejects, std::stop_token stop) override;
  Status commit(const CommitRequest& request, std::stop_token stop) override;
  Status close(Closing how) override;

 private:
  struct Pending {
    std::shared_ptr<const Batch> batch;
    std::vector<std::uint32_t> selected;
  };
  struct PlanKey {
    std::string table;
    std::uint64_t schema = 0;
    bool operator==(const PlanKey&) const = default;
  };
  struct PlanHash {
    std::size_t operator()(const PlanKey& key) const { return std::hash<std::string>()(key.table) ^ (key.schema * 0x9e3779b97f4a7c15ULL); }
  };
  struct Plan {
    RowPlan rows;
    std::optional<Error> broken;  // holds for every record of the schema
  };

  void forget();
  void forget_plans();
  Status begin(std::stop_token stop);
  Status write_pending(Rejects& rejects, const std::stop_token& stop);
  Status write_rows(const Pending& pending, Rejects& rejects, const std::stop_token& stop);
  Status write_row(const Batch& batch, const Record& record);
  Result<Plan*> plan_for(const Batch& batch, const Record& record);
  Status store(const CommitRequest& request, std::stop_token stop);
  // Gives the lock back at once: the lane may back off for long before it calls open().
  Status give_up(Status failed);

  const std::string path_;
  const bool constant_table_;
  const TableRules rules_;
  FaultPoints& faults_;
  const std::unique_ptr<expr::Template> table_;
  const SqliteProgress progress_;
  std::optional<storage::SqliteDatabase> database_;  // before everything that holds statements of it
  SqliteCatalog catalog_;
  ValueBinder binder_;
  std::unordered_map<PlanKey, std::unique_ptr<Plan>, PlanHash> plans_;
  Plan* last_ = nullptr;
  PlanKey wanted_;
  std::vector<Pending> pending_;
  Checkpoint checkpoint_;  // as it is committed
};

void SqliteSink::forget_plans() {
  last_ = nullptr;
  plans_.clear();
}

void SqliteSink::forget() {
  forget_plans();
  catalog_.forget();
  pending_.clear();
  checkpoint_.clear();
  database_.reset();
}

Status SqliteSink::give_up(Status failed) {
  forget_plans();
  catalog_.forget();
  if (database_) database_->rollback();
  return failed;
}

Result<std::optional<Checkpoint>> SqliteSink::open(std::stop_token stop) {
  // A new connection reads what is truly in the file, whatever the old one believed (G6).
  forget();
  SLUICE_TRY(storage::make_directories(storage::parent_directory(path_), 0755));
  database_ = SLUICE_TRY(storage::SqliteDatabase::open(path_, {}));
  const auto known = SLUICE_TRY(database_->query_int64("SELECT 1 FROM sqlite_master WHERE name = '_sluice_progress'"));
  if (!known) {
    SLUICE_TRY(database_->begin(stop));
    SLUICE_TRY(SqliteProgress::create(*database_));
    SLUICE_TRY(database_->commit());
  }
  SLUICE_TRY(progress_.check_instance(*database_));
  checkpoint_ = SLUICE_TRY(progress_.load(*database_));
  return std::optional<Checkpoint>(checkpoint_);
}

Status SqliteSink::write(const BatchView& view, Rejects&, std::stop_token) {
  if (!view.selected.empty()) pending_.push_back({view.batch, {view.selected.begin(), view.selected.end()}});
  return {};
}

Status SqliteSink::begin(std::stop_token stop) {
  if (database_->in_transaction()) return {};
  if (database_->has_moved()) {
    return Error(ErrorKind::kTransient, "io_error", "\"" + path_ + "\" was moved or removed while it was open");
  }
  faults_.reach("sqlite_sink.before_begin");
  SLUICE_TRY(database_->begin(std::move(stop)));
  faults_.reach("sqlite_sink.after_begin");
  SLUICE_TRY(progress_.check_instance(*database_));
  const bool changed = SLUICE_TRY(catalog_.begin(*database_));
  if (changed) forget_plans();
  return {};
}

Status SqliteSink::flush(Rejects& rejects, std::stop_token stop) {
  if (pending_.empty()) return {};
  Status done = write_pending(rejects, stop);
  return done ? std::move(done) : give_up(std::move(done));
}

Status SqliteSink::write_pending(Rejects& rejects, const std::stop_token& stop) {
  SLUICE_TRY(begin(stop));
  faults_.reach("sqlite_sink.before_rows");
  for (const Pending& pending : pending_) SLUICE_TRY(write_rows(pending, rejects, stop));
  faults_.reach("sqlite_sink.after_rows");
  pending_.clear();
  return {};
}

Status SqliteSink::write_rows(const Pending& pending, Rejects& rejects, const std::stop_token& stop) {
  if (stop.stop_requested()) return Error(ErrorKind::kCancelled, "cancelled", "stopped");
  for (const std::uint32_t index : pending.selected) {
    Status written = write_row(*pending.batch, pending.batch->records()[index]);
    if (written) continue;
    if (written.error().kind() != ErrorKind::kBadRecord) return written;
    if (!database_->in_transaction()) {
      return Error(ErrorKind::kFatal, "sql_error",
                   "a trigger or a conflict clause rolled the whole transaction back: " + written.error().message());
    }
    rejects.add({pending.batch, pending.selected}, index, std::move(written).error());
  }
  return {};
}

Status SqliteSink::write_row(const Batch& batch, const Record& record) {
  Plan& plan = *SLUICE_TRY(plan_for(batch, record));
  if (plan.broken) return *plan.broken;
  return plan.rows.apply(*database_, binder_, batch, record);
}

Result<SqliteSink::Plan*> SqliteSink::plan_for(const Batch& batch, const Record& record) {
  if (record.schema == nullptr) return Error(ErrorKind::kBadRecord, "no_row", "a record without columns cannot become a row");
  const std::uint64_t schema = record.schema->id();
  if (constant_table_ && last_ != nullptr && last_->rows.schema_id() == schema) return last_;
  wanted_.schema = schema;
  wanted_.table.clear();
  SLUICE_TRY(table_->render(batch, record, wanted_.table));
  if (last_ != nullptr && last_->rows.schema_id() == schema && last_->rows.table() == wanted_.table) return last_;
  const auto found = plans_.find(wanted_);
  if (found != plans_.end()) return last_ = found->second.get();
  if (plans_.size() >= kMaxPlans) forget_plans();
  auto plan = std::make_unique<Plan>(Plan{RowPlan(wanted_.table, *record.schema, rules_), std::nullopt});
  Status prepared = plan->rows.prepare(*database_, catalog_);
  if (!prepared && prepared.error().kind() != ErrorKind::kBadRecord) return std::move(prepared).error();
  if (!prepared) plan->broken = prepared.error();
  return last_ = (plans_[wanted_] = std::move(plan)).get();
}

Status SqliteSink::commit(const CommitRequest& request, std::stop_token stop) {
  Status done = store(request, std::move(stop));
  return done ? std::move(done) : give_up(std::move(done));
}

Status SqliteSink::store(const CommitRequest& request, std::stop_token stop) {
  if (!pending_.empty()) return Error(ErrorKind::kFatal, "not_flushed", "commit() was called before flush()");
  Checkpoint checkpoint = checkpoint_;
  for (const std::string& key : request.forgotten) checkpoint.erase(key);
  advance(checkpoint, request.through);
  if (!database_->in_transaction() && checkpoint == checkpoint_) return {};
  SLUICE_TRY(begin(std::move(stop)));
  faults_.reach("sqlite_sink.before_position");
  SLUICE_TRY(progress_.store(*database_, checkpoint_, checkpoint));
  SLUICE_TRY(catalog_.before_commit(*database_));
  faults_.reach("sqlite_sink.before_commit");
  SLUICE_TRY(database_->commit());
  faults_.reach("sqlite_sink.after_commit");
  checkpoint_ = std::move(checkpoint);
  return {};
}

Status SqliteSink::close(Closing) {
  forget();
  return {};
}

Result<std::unique_ptr<Sink>> build(const SqliteSinkConfig& config, const BuildContext& context) {
  auto table = SLUICE_TRY(expr::Template::compile(config.table, expr::Template::Encoding::kNone));
  return std::unique_ptr<Sink>(std::make_unique<SqliteSink>(config, context, std::move(table)));
}

Guarantee guarantee(const SqliteSinkConfig&) { return {true, "rows and position are committed in one transaction"}; }

constexpr std::string_view kExample = R"(
path: shop.db
table: ${meta.table}
mode: upsert
key: [id]
deletes: apply
columns: add
)";

}  // namespace

}  // namespace sinks

void register_sqlite_sink(Registry& registry);
void register_sqlite_sink(Registry& registry) {
  registry.add(SinkType<sinks::SqliteSinkConfig>{
      {"sqlite", "Rows in tables of an SQLite database, exactly once.", sinks::kExample, &sinks::fields()},
      sinks::build,
      sinks::guarantee});
}

}  // namespace sluice
