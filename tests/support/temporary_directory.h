#pragma once
// A folder of a test's own, removed with all that is in it.

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include <unistd.h>

namespace sluice::testing {

class TemporaryDirectory {
 public:
  // kMemory: in a tmpfs where there is one.  A simulated crash needs no disk, and thousands of fsync would wait for it.
  enum class Place { kDisk, kMemory };

  explicit TemporaryDirectory(Place place = Place::kDisk) {
    std::string name = (base(place) / "sluice-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  static std::filesystem::path base(Place place) {
    if (place == Place::kMemory && ::access("/dev/shm", W_OK) == 0) return "/dev/shm";
    return std::filesystem::temp_directory_path();
  }

  std::string path_;
};

}  // namespace sluice::testing
