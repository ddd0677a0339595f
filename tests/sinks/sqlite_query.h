#pragma once
// Looking into a database beside the sink, with a connection of its own.

#include <string>

namespace sluice::testing {

// One line per row: values as SQLite's quote() shows them, but reals in shortest form.
std::string query(const std::string& path, const std::string& sql);
void execute(const std::string& path, const std::string& sql);

// While it lives every write of SQLite fails with ENOSPC.
class FullDisk {
 public:
  FullDisk();
  ~FullDisk();
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
};

}  // namespace sluice::testing
