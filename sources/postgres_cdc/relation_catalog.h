#pragma once
// What pgoutput does not say of a relation and the server's catalog does.

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/result.h"
#include "sources/postgres_cdc/column_codec.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/pgoutput_decoder.h"

namespace sluice::sources::postgres {

struct RelationTypes {
  struct Column {
    std::string name;  // as the server spells the type, "numeric(10,2)"; empty when it no longer exists
    ColumnCodec codec;
  };
  std::vector<Column> columns;           // as many as the message has
  std::vector<std::string> primary_key;  // asked for only where the whole row is the replica identity
};

class RelationCatalog {
 public:
  virtual ~RelationCatalog() = default;
  // Once per Relation message of a table that is wanted.  kTransient: ask again after a reconnect.
  virtual Result<RelationTypes> describe(const RelationMessage& relation) = 0;
};

// Asks the server, over a connection of its own that is opened when it is needed.  One thread.
class ServerRelationCatalog final : public RelationCatalog {
 public:
  ServerRelationCatalog(ConnectOptions options, std::stop_token stop) : options_(std::move(options)), stop_(std::move(stop)) {}

  Result<RelationTypes> describe(const RelationMessage& relation) override;
  // Gives the connection back; the next describe() opens another.
  void disconnect() { connection_.reset(); }
  bool connected() const { return connection_ != nullptr; }
  // The token of the call that is running: the waits of describe() end with it.
  void use(std::stop_token stop) { stop_ = std::move(stop); }

 private:
  Result<RelationTypes> ask(const RelationMessage& relation);

  const ConnectOptions options_;
  std::stop_token stop_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace sluice::sources::postgres
