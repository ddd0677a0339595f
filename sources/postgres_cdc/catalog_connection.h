#pragma once
// Questions to the server's catalogue, through libpqxx.  What streams or waits long (replication, COPY, the creation of a slot) goes
// through connection.h instead.

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "sources/postgres_cdc/connection.h"

namespace sluice::sources::postgres {

using CatalogRow = std::vector<std::optional<std::string>>;  // nullopt: null
using CatalogRows = std::vector<CatalogRow>;

// One thread at a time.  A failed call leaves it unusable.
class CatalogConnection {
 public:
  // As Connection::connect(): at most 10 s, the same settings of the session.
  static Result<std::unique_ptr<CatalogConnection>> open(const ConnectOptions& options, std::stop_token stop);
  ~CatalogConnection();
  CatalogConnection(const CatalogConnection&) = delete;
  CatalogConnection& operator=(const CatalogConnection&) = delete;

  // One statement outside of a transaction, which the server ends after 15 s.  `doing` begins the message of an error.  A stop request
  // ends it at once with kCancelled; else errors as postgres_error() says.
  Result<CatalogRows> query(const std::string& sql, std::string_view doing, std::stop_token stop);

 private:
  class Link;
  explicit CatalogConnection(std::unique_ptr<Link> link);
  std::unique_ptr<Link> link_;
};

}  // namespace sluice::sources::postgres
