#pragma once
// Where a daemon keeps its positions and dead letters: one daemon per directory (G30).
//
//   <dir>/lock                held with flock while the daemon runs
//   <dir>/instance            a random id, the same for the directory's whole life (G24, G30)
//   <dir>/<pipeline>/         checkpoint, dead letters, state of components

#include <string>

#include "core/fault_points.h"
#include "core/result.h"

namespace sluice::daemon {

// Holds the lock as long as it lives.  One thread.
class DataDirectory {
 public:
  // Makes the directory where there is none.  One that we made has mode 0700, and so has all in it; one that was there before us (`.`, a
  // mounted volume) keeps its mode, and what we make in it is private.  Fault points data_directory.before_* / after_* around the
  // writing of `instance`.  kFatal data_directory_in_use: another daemon holds it; data_directory_unusable: anything else.
  static Result<DataDirectory> open(const std::string& path, FaultPoints& faults);

  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&& other) noexcept;
  ~DataDirectory();

  const std::string& path() const { return path_; }
  const std::string& instance() const { return instance_; }  // 32 hexadecimal digits

  // "<dir>/<pipeline>", made if need be.
  Result<std::string> pipeline_directory(const std::string& pipeline) const;

 private:
  DataDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_;
  std::string instance_;
  bool shares_ = false;  // the directory was there before us
};

// Whether a daemon holds the directory now; false when there is no such directory.
bool data_directory_in_use(const std::string& path);

// $STATE_DIRECTORY (set by systemd), else ./sluice-data.
std::string default_data_directory();

}  // namespace sluice::daemon
