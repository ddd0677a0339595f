#pragma once
// The directory below which a file sink writes, and how a finished file gets its place in it.
//
//   <root>/                             the constant beginning of the path template up to its last '/'
//   <root>/.sluice/<pipeline>.<sink>/   staging: .manifest, .lock, .<number>.part (hidden from readers that look into hidden folders too)
//   <root>/de/out-00000005.json         a sealed file, under the name that the template gave
//
// Parts are staged beside each other, and not beside their final names, so that open() finds leftovers by listing one directory.
// Nothing below the root is reached through a symbolic link, and no path leaves the root.
// Owned by the sink; its thread only.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "storage/durable_file.h"

namespace sluice::sinks {

class Destination {
 public:
  // Longest path below the root and longest name in it, in bytes; leaves room for a number (NAME_MAX is 255).
  static constexpr std::size_t kMaxPathBytes = 2048;
  static constexpr std::size_t kMaxNameBytes = 240;

  Destination(std::string root, std::string_view pipeline, std::string_view sink, storage::FaultScope scope);
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;
  ~Destination();

  // Makes the directories and takes the staging directory's lock, which a crash gives back.  False: another process has it.
  Result<bool> open();
  void close();

  std::string manifest_path() const { return staging_ + "/.manifest"; }
  std::string part_path(std::uint64_t number) const;
  // Numbers of the parts in the staging directory; other names there are left alone.
  Result<std::vector<std::uint64_t>> list_parts() const;
  Status sync_staging() const;

  // kBadRecord bad_path where `relative` could not become a file below the root; makes the directories on its way.
  Status prepare(std::string_view relative) const;
  Result<bool> exists(std::string_view relative) const;

  // Renames a part to its final path, which must not exist (kFatal file_exists); a part that is gone has been renamed before.
  // Durable after sync_published().
  Status publish(std::uint64_t number, const std::string& relative);
  Status sync_published();

 private:
  std::string root_;
  std::string staging_;
  storage::FaultScope scope_;
  int root_descriptor_ = -1;
  int lock_descriptor_ = -1;
  std::set<std::string> unsynced_;  // directories below the root that got a new name
};

// "x.json", 7 -> "x-00000007.json"; "x.json.gz" -> "x-00000007.json.gz".
std::string numbered_path(std::string_view relative, std::uint64_t number);

}  // namespace sluice::sinks
