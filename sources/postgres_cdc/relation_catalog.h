#pragma once
// What pgoutput does not say of a relation and the server's catalogue does.
//
// The log says how a row is laid out: names, types and the replica identity come from the Relation message, always.  The catalogue adds
// what that message lacks: how types are spelled, what domains and arrays are made of, the labels of enumerations, defaults, NOT NULL
// and the order of the key's columns.  The catalogue is as of now, the log may be older.  So a column of the message counts as the
// catalogue's only where name and type are equal; else it is nullable and has no default, and a type that is gone is read as text.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/metrics.h"
#include "core/result.h"
#include "sources/postgres_cdc/catalog_connection.h"
#include "sources/postgres_cdc/column_codec.h"
#include "sources/postgres_cdc/pgoutput_decoder.h"
#include "sources/postgres_cdc/table_filter.h"

namespace sluice::sources::postgres {

struct ColumnType {
  std::string name;                      // as the server spells the type, "numeric(10,2)"; empty when it no longer exists
  std::string base_type;                 // the same with domains resolved; empty where there are none
  std::vector<std::string> labels = {};  // of an enumeration, or of the elements of an array of one
  ColumnCodec codec = {};
  bool operator==(const ColumnType&) const = default;
};

struct RelationTypes {
  struct Column {
    ColumnType type;
    std::string default_expression = {};
    bool nullable = true;
    bool operator==(const Column&) const = default;
  };
  std::vector<Column> columns;     // as many as the message has
  std::vector<std::uint32_t> key;  // indices into columns, in the order of the key; see key_columns()
  bool operator==(const RelationTypes&) const = default;
};

class RelationCatalog {
 public:
  virtual ~RelationCatalog() = default;
  // Once per Relation message of a table that is wanted.  kTransient: ask again after a reconnect.  kFatal key_column_missing.
  virtual Result<RelationTypes> describe(const RelationMessage& relation) = 0;
  // The server describes all relations again from here on, whether or not they changed.
  virtual void begin_session() {}
};

// What the catalogue says of one table.
struct CatalogTable {
  struct Column {
    std::string name;
    std::uint32_t type = 0;
    std::int32_t modifier = -1;
    bool not_null = false;
    std::string default_expression;
  };
  std::vector<Column> columns;
  std::vector<std::string> primary_key, identity_index;  // in the order of the index; identity_index: of REPLICA IDENTITY USING INDEX
};

// Which columns are the key of a relation's rows, in order: the table's `key:`; else the replica identity that the message flags (the
// primary key, or the index of USING INDEX); where that is the whole row or nothing, the primary key.  kFatal key_column_missing when a
// column of `key:` is not in the message.
Result<std::vector<std::uint32_t>> key_columns(const RelationMessage& relation, const CatalogTable& table, const TableRule* rule);

// Asks the server, over a connection of its own that is opened when it is needed.  One thread.
class ServerRelationCatalog final : public RelationCatalog {
 public:
  // `filter` and `changes` outlive it; `changes` counts relations that were described differently than before.
  ServerRelationCatalog(ConnectOptions options, const TableFilter& filter, Counter& changes)
      : options_(std::move(options)), filter_(filter), changes_(changes) {}

  Result<RelationTypes> describe(const RelationMessage& relation) override;
  void begin_session() override { ++session_; }
  // Gives the connection back; the next describe() opens another.
  void disconnect() { connection_.reset(); }
  bool connected() const { return connection_ != nullptr; }
  // The token of the call that is running: the waits of describe() end with it.
  void use(std::stop_token stop) { stop_ = std::move(stop); }

 private:
  using TypeKey = std::pair<std::uint32_t, std::int32_t>;  // oid, modifier
  struct Known {
    CatalogTable table;
    std::uint64_t session = 0;  // in which it was read
    bool used = false;          // by a Relation message of that session
    std::optional<std::pair<RelationMessage, RelationTypes>> described;
  };

  Result<RelationTypes> ask(const RelationMessage& relation);
  Status load_tables(std::uint32_t wanted);
  Status load_types(const RelationMessage& relation);
  Status load_labels(const std::map<std::uint32_t, std::vector<TypeKey>>& enumerations);
  Result<CatalogRows> query(const std::string& sql);

  const ConnectOptions options_;
  const TableFilter& filter_;
  Counter& changes_;
  std::stop_token stop_;
  std::unique_ptr<CatalogConnection> connection_;
  std::uint64_t session_ = 1;
  std::unordered_map<std::uint32_t, Known> known_;
  std::map<TypeKey, ColumnType> types_;  // read in this session
  std::uint64_t types_session_ = 0;
};

}  // namespace sluice::sources::postgres
