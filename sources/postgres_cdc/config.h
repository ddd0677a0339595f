#pragma once
// What a user writes under `postgres_cdc:`.

#include <chrono>
#include <string>
#include <vector>

#include "core/config_fields.h"
#include "sources/postgres_cdc/session.h"

namespace sluice::sources::postgres {

// What stands under one table of the mapping form of `tables`.
struct TableSettings {
  std::vector<std::string> columns;
  std::string where;
  std::vector<std::string> key;

  static const ConfigFields<TableSettings>& fields();
};

// `[public.orders, "shop.*"]`, or `{public.orders: {columns: [id, total], where: "id > 0", key: [id]}, "shop.*": }`.
struct TableSelection {
  std::vector<TableRule> rules;  // in the order of the file

  TableSelection() = default;
  TableSelection(const std::vector<std::string>& patterns);  // for callers without a file; what is no pattern is left out
};

struct PostgresCdcConfig {
  ConnectionUrl url;
  TableSelection tables;
  std::vector<std::string> exclude;
  std::string publication;  // empty: sluice_<pipeline>
  std::string slot;         // empty: sluice_<pipeline>
  SnapshotMode snapshot = SnapshotMode::kInitial;
  SnapshotMethod snapshot_method = SnapshotMethod::kKeys;
  std::uint64_t snapshot_workers = 2;
  std::uint64_t snapshot_chunk_rows = 50'000;
  std::chrono::milliseconds heartbeat{10'000};
  bool adopt = false;
  MessageMode messages = MessageMode::kIgnore;
  ByteSize spill_limit{10ULL * 1024 * 1024 * 1024};
  ByteSize wal_budget{50ULL * 1024 * 1024 * 1024};
  bool heartbeat_message = false;
  bool failover = true;

  static const ConfigFields<PostgresCdcConfig>& fields();
};

// "sluice_<pipeline>" as a PostgreSQL name: `-` becomes `_`.
std::string default_name(std::string_view pipeline);

// `instance`: of BuildContext; empty: sessions of ours are not known by their name.
// kInvalidConfig bad_value: a name over 63 characters, which the server would cut.
Result<SessionSettings> session_settings(const PostgresCdcConfig& config, const std::string& pipeline, const std::string& component,
                                         const std::string& state_directory, const std::string& instance = {});

}  // namespace sluice::sources::postgres

namespace sluice {

template <>
struct ConfigType<sources::postgres::TableSelection> {
  static bool bind(const ConfigNode& node, sources::postgres::TableSelection& out, BindContext& context);
  static std::string type_name() { return "list of tables, or mapping of tables to {columns, where, key}"; }
  static ValueShape shape() {
    const ValueShape name = shape_of<std::string>();
    return shapes::any_of(shapes::list_of(name), shapes::map_of(name, shape_of<sources::postgres::TableSettings>()));
  }
  static std::string show(const sources::postgres::TableSelection& value);
};

template <>
struct EnumNames<sources::postgres::MessageMode> {
  using Mode = sources::postgres::MessageMode;
  static constexpr std::array kNames = {std::pair{std::string_view{"ignore"}, Mode::kIgnore},
                                        std::pair{std::string_view{"emit"}, Mode::kEmit}};
};

template <>
struct EnumNames<sources::postgres::SnapshotMethod> {
  using Method = sources::postgres::SnapshotMethod;
  static constexpr std::array kNames = {std::pair{std::string_view{"keys"}, Method::kKeys},
                                        std::pair{std::string_view{"blocks"}, Method::kBlocks}};
};

template <>
struct EnumNames<sources::postgres::SnapshotMode> {
  using Mode = sources::postgres::SnapshotMode;
  static constexpr std::array kNames = {
      std::pair{std::string_view{"initial"}, Mode::kInitial}, std::pair{std::string_view{"never"}, Mode::kNever},
      std::pair{std::string_view{"only"}, Mode::kOnly}, std::pair{std::string_view{"always"}, Mode::kAlways}};
};

}  // namespace sluice
