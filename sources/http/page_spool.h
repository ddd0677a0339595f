#pragma once
// Pages that were fetched and are not durable in every sink yet, as files.  A page that some sink has and another has not is read again
// from here after a crash, not from the server, which may give something else by then: so a record keeps its name (G1).
//
//   <folder>/page-<number>:  "sluice page 1\n" <sha-256 of the rest> "\n" <size of state> "\n" <state> <content type> "\n" <body>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/fault_points.h"
#include "core/result.h"

namespace sluice::sources {

struct SpooledPage {
  std::string state;  // behind the page, as write_poll_state() gives it
  std::string content_type;
  std::string body;
};

// One thread.
class PageSpool {
 public:
  PageSpool(std::string folder, FaultPoints& faults) : folder_(std::move(folder)), faults_(faults) {}

  // Finds what is there and forgets pages up to `done`.  kFatal position_lost for a file that is damaged.
  Status open(std::uint64_t done);
  // Durable when it returns; errors of storage/durable_file.h.
  Status put(std::uint64_t number, const SpooledPage& page);
  // nullopt: it is not here.
  Result<std::optional<SpooledPage>> get(std::uint64_t number) const;
  // Removes the pages up to `number`.  Failures leave a file that the next open() removes.
  void forget(std::uint64_t number);
  bool empty() const { return pages_.empty(); }
  std::uint64_t first() const { return pages_.empty() ? 0 : pages_.begin()->first; }
  std::uint64_t last() const { return pages_.empty() ? 0 : pages_.rbegin()->first; }

 private:
  std::string path_of(std::uint64_t number) const { return folder_ + "/page-" + std::to_string(number); }

  const std::string folder_;
  FaultPoints& faults_;
  std::map<std::uint64_t, std::string> pages_;  // number -> path
};

}  // namespace sluice::sources
