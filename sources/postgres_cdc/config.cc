#include "sources/postgres_cdc/config.h"

#include <algorithm>

#include "sources/postgres_cdc/connection.h"

namespace sluice::sources::postgres {

namespace {

// NAMEDATALEN - 1.
constexpr std::size_t kLongestName = 63;

const ConfigNode& place_of(const ConfigNode& node, std::string_view key) {
  const ConfigNode* found = node.find(key);
  return found == nullptr ? node : *found;
}

void check_url_field(const PostgresCdcConfig& config, const ConfigNode& node, BindContext& context) {
  // An unset variable under --allow-unset reads as "".
  if (context.allow_unset && config.url.empty()) return;
  const Status good = check_url(config.url.reveal());
  if (!good) context.findings.error(place_of(node, "url"), "bad_value", good.error().message());
}

void check_snapshot(const PostgresCdcConfig& config, const ConfigNode& node, BindContext& context) {
  constexpr std::uint64_t kMostWorkers = 32;  // each is a connection
  constexpr std::uint64_t kMostChunkRows = 50'000;
  if (config.snapshot_workers < 1 || config.snapshot_workers > kMostWorkers)
    context.findings.error(place_of(node, "snapshot_workers"), "out_of_range", "a snapshot has from 1 to 32 workers");
  if (config.snapshot_chunk_rows < 1 || config.snapshot_chunk_rows > kMostChunkRows)
    context.findings.error(place_of(node, "snapshot_chunk_rows"), "out_of_range", "a chunk has from 1 to 50000 rows");
}

void not_a_table(const ConfigNode& place, const std::string& text, BindContext& context) {
  context.findings.error(place, "bad_value", "\"" + text + "\" is not a table", "write schema.table, for example public." + text);
}

void check_tables(const PostgresCdcConfig& config, const ConfigNode& node, BindContext& context) {
  if (config.tables.rules.empty()) context.findings.error(place_of(node, "tables"), "bad_value", "name at least one table");
  for (const std::string& text : config.exclude) {
    TablePattern pattern;
    if (!parse_table_pattern(text, pattern)) not_a_table(place_of(node, "exclude"), text, context);
  }
}

bool has_double(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

// Of one table; the columns' existence is a question to the server.
void check_table_settings(const TableSettings& settings, const ConfigNode& node, BindContext& context) {
  for (const auto& [field, names] : {std::pair{"columns", &settings.columns}, std::pair{"key", &settings.key}}) {
    if (has_double(*names)) context.findings.error(place_of(node, field), "bad_value", "a column is named twice");
    if (node.find(field) != nullptr && names->empty())
      context.findings.error(place_of(node, field), "bad_value", "name at least one column");
  }
  if (settings.columns.empty()) return;
  for (const std::string& column : settings.key) {
    if (std::find(settings.columns.begin(), settings.columns.end(), column) != settings.columns.end()) continue;
    context.findings.error(place_of(node, "key"), "bad_value", "the key's column \"" + column + "\" is not among `columns`");
  }
}

// One table of the list or of the mapping; `settings` is null in a list and where nothing is said.
bool bind_rule(const ConfigNode& name, const ConfigNode* settings, TableRule& rule, BindContext& context) {
  std::string text;
  if (!ConfigType<std::string>::bind(name, text, context)) return false;
  const bool known = !context.allow_unset || !text.empty();  // an unset variable under --allow-unset reads as ""
  const bool good = !known || parse_table_pattern(text, rule.pattern);
  if (!good) not_a_table(name, text, context);
  if (settings == nullptr || settings->is_null()) return good;
  TableSettings bound;
  if (!ConfigType<TableSettings>::bind(*settings, bound, context)) return false;
  rule.columns = std::move(bound.columns);
  rule.where = std::move(bound.where);
  rule.key = std::move(bound.key);
  return good;
}

// The server allows nothing else in the name of a slot.
void check_slot(const PostgresCdcConfig& config, const ConfigNode& node, BindContext& context) {
  const bool good = config.slot.size() <= kLongestName && std::all_of(config.slot.begin(), config.slot.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
                    });
  if (!good)
    context.findings.error(place_of(node, "slot"), "bad_value", "\"" + config.slot + "\" is no name of a slot",
                           "up to 63 of a-z, 0-9 and _");
  if (config.publication.size() > kLongestName)
    context.findings.error(place_of(node, "publication"), "bad_value", "the name is longer than 63 characters");
}

void check_heartbeat(const PostgresCdcConfig& config, const ConfigNode& node, BindContext& context) {
  using namespace std::chrono_literals;
  if (config.heartbeat < 100ms || config.heartbeat > 1h)
    context.findings.error(place_of(node, "heartbeat"), "out_of_range", "a heartbeat is from 100ms to 1h");
}

Result<std::string> name_or_default(const std::string& given, const std::string& pipeline, std::string_view what) {
  std::string name = given.empty() ? default_name(pipeline) : given;
  if (name.size() <= kLongestName) return name;
  return Error(ErrorKind::kInvalidConfig, "bad_value",
               "the name of the " + std::string(what) + " \"" + name + "\" is longer than 63 characters: set `" + std::string(what) + "`");
}

std::vector<TablePattern> patterns_of(const std::vector<std::string>& texts) {
  std::vector<TablePattern> patterns(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) parse_table_pattern(texts[i], patterns[i]);
  return patterns;
}

// "sluice 1a2b3c4d orders/pg", cut where the server would cut it.
std::string application_name(const std::string& pipeline, const std::string& component, const std::string& instance) {
  constexpr std::size_t kInstanceDigits = 8;
  std::string name = "sluice ";
  if (!instance.empty()) name += instance.substr(0, kInstanceDigits) + ' ';
  return (name + pipeline + '/' + component).substr(0, kLongestName);
}

}  // namespace

TableSelection::TableSelection(const std::vector<std::string>& patterns) {
  for (const std::string& text : patterns) {
    TablePattern pattern;
    if (parse_table_pattern(text, pattern)) rules.push_back({std::move(pattern)});
  }
}

const ConfigFields<TableSettings>& TableSettings::fields() {
  static const auto kFields =
      ConfigFields<TableSettings>{}
          .optional("columns", &TableSettings::columns,
                    "Columns to read; all by default. Those of the replica identity must be among them.")
          .optional(
              "where", &TableSettings::where,
              "SQL over the table's columns: rows for which it does not hold are not read. Columns that it uses must be of the replica "
              "identity. Needs PostgreSQL 15.")
          .optional(
              "key", &TableSettings::key,
              "Columns that name a row, where that is not the replica identity or the primary key. They must be of the replica identity.")
          .check(check_table_settings);
  return kFields;
}

const ConfigFields<PostgresCdcConfig>& PostgresCdcConfig::fields() {
  static const auto kFields =
      ConfigFields<PostgresCdcConfig>{}
          .required("url", &PostgresCdcConfig::url,
                    "postgresql://user:password@host:port/database. TLS is verified in full unless the host is this machine or the URL "
                    "says sslmode.")
          .required(
              "tables", &PostgresCdcConfig::tables,
              "Tables to read, as schema.table; * and ? match in both parts. A list, or a mapping of each to what is read of it: columns, "
              "where, key.")
          .optional("exclude", &PostgresCdcConfig::exclude, "Tables to leave out of those.")
          .optional("publication", &PostgresCdcConfig::publication,
                    "Publication to read through; by default the pipeline's own, sluice_<pipeline>, which is created.")
          .optional("slot", &PostgresCdcConfig::slot,
                    "Replication slot; by default the pipeline's own, sluice_<pipeline>, which is created.")
          .optional(
              "snapshot", &PostgresCdcConfig::snapshot,
              "Whether the rows that are there already are read first: `initial` once per table, `always` at every start, `only` without "
              "the changes that follow (the source then ends), `never` not at all.")
          .optional(
              "snapshot_method", &PostgresCdcConfig::snapshot_method,
              "`keys` reads in the order of the key and goes on there after a crash; `blocks` reads in the order of the disk, which is "
              "faster, and starts a table anew after a crash. Tables without a key are always read by blocks.")
          .optional("snapshot_workers", &PostgresCdcConfig::snapshot_workers, "Connections that read a table by keys at the same time.")
          .optional("snapshot_chunk_rows", &PostgresCdcConfig::snapshot_chunk_rows,
                    "Rows after which a snapshot can be committed and gone on with; fewer when they have 16 MiB.")
          .optional("heartbeat", &PostgresCdcConfig::heartbeat,
                    "How often the position moves while the tables are idle, so that the server can remove its log.")
          .optional("adopt", &PostgresCdcConfig::adopt,
                    "Go on with a slot that exists although there is no checkpoint; changes it has passed are gone.")
          .optional("messages", &PostgresCdcConfig::messages,
                    "Whether what pg_logical_emit_message() writes becomes records of the operation `message`. Needs PostgreSQL 14. "
                    "`emit` also means that large transactions are sent only once they have committed.")
          .optional("spill_limit", &PostgresCdcConfig::spill_limit,
                    "Disk space for the changes of large transactions that still run. Beyond it the server holds them until they commit.")
          .optional("wal_budget", &PostgresCdcConfig::wal_budget,
                    "Raise an alarm (log and metric) when the server keeps more log than this for the slot; 0: never.")
          .optional("heartbeat_message", &PostgresCdcConfig::heartbeat_message,
                    "Write a logical message (pg_logical_emit_message) with every heartbeat, so that the slot moves although only other "
                    "databases of the server are written to. Needs a primary that accepts writes.")
          .optional(
              "failover", &PostgresCdcConfig::failover,
              "From PostgreSQL 17 on: the slot is synchronised to standbys that have sync_replication_slots, so that the pipeline goes "
              "on after a promotion.")
          .check(check_url_field)
          .check(check_snapshot)
          .check(check_tables)
          .check(check_slot)
          .check(check_heartbeat);
  return kFields;
}

std::string default_name(std::string_view pipeline) {
  std::string name = "sluice_" + std::string(pipeline);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

Result<SessionSettings> session_settings(const PostgresCdcConfig& config, const std::string& pipeline, const std::string& component,
                                         const std::string& state_directory, const std::string& instance) {
  SessionSettings settings;
  settings.connect = {config.url, application_name(pipeline, component, instance)};
  settings.unique_application = !instance.empty();
  settings.slot = SLUICE_TRY(name_or_default(config.slot, pipeline, "slot"));
  settings.publication = SLUICE_TRY(name_or_default(config.publication, pipeline, "publication"));
  settings.publication_owner = config.publication.empty() ? PublicationOwner::kOurs : PublicationOwner::kTheUsers;
  settings.adopt = config.adopt;
  settings.snapshot = config.snapshot;
  settings.snapshot_method = config.snapshot_method;
  settings.snapshot_workers = static_cast<unsigned>(config.snapshot_workers);
  settings.snapshot_chunk_rows = config.snapshot_chunk_rows;
  settings.heartbeat = config.heartbeat;
  settings.filter = {config.tables.rules, patterns_of(config.exclude)};
  settings.state_directory = state_directory;
  settings.messages = config.messages;
  settings.spool.disk_bytes = config.spill_limit.bytes;
  if (!state_directory.empty()) settings.spool.folder = state_directory + "/spool/" + component + ".streamed";
  settings.component = component;
  settings.monitor.wal_budget = config.wal_budget.bytes;
  settings.monitor.heartbeat_message = config.heartbeat_message;
  settings.failover = config.failover;
  return settings;
}

}  // namespace sluice::sources::postgres

namespace sluice {

bool ConfigType<sources::postgres::TableSelection>::bind(const ConfigNode& node, sources::postgres::TableSelection& out,
                                                         BindContext& context) {
  if (!node.is_sequence() && !node.is_mapping()) return wrong_type(node, "a list or a mapping of tables", context), false;
  sources::postgres::TableSelection selection;
  bool good = true;
  for (const ConfigNode& item : node.items)
    good = sources::postgres::bind_rule(item, nullptr, selection.rules.emplace_back(), context) && good;
  for (const auto& [name, settings] : node.entries)
    good = sources::postgres::bind_rule(name, &settings, selection.rules.emplace_back(), context) && good;
  if (good) out = std::move(selection);
  return good;
}

std::string ConfigType<sources::postgres::TableSelection>::show(const sources::postgres::TableSelection& value) {
  std::string names;
  for (const auto& rule : value.rules) names += (names.empty() ? "" : ", ") + rule.pattern.text();
  return '[' + names + ']';
}

}  // namespace sluice
