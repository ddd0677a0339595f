#pragma once
// What the file sink knows to be committed: the one file whose rename is the commit (G22).
//
// Text, one fact a line, '%', control characters and bytes above 0x7e of names as %XX; kept in
// `<root>/.sluice/<pipeline>.<sink>/.manifest`:
//
//   sluice-file-manifest 1
//   instance 5f3a9c...
//   next 12                                         number of the next part
//   open 7 123456 1700000000000000 json out.json    number, committed bytes, made at (microseconds since 1970), layout, target
//   sealed 5 98304 de/out-00000005.json             number, bytes, final path: may still have to be renamed
//   position 22 0 0 6162 files/1:2:0                 major, minor, retired, resume in hex ("-" if empty), checkpoint key
//   end 1c291ca3                                    CRC-32 (zlib) of everything before this line
//
// Any thread; no I/O.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/position.h"
#include "core/result.h"

namespace sluice::sinks {

struct OpenPart {
  std::uint64_t number = 0;
  std::uint64_t length = 0;  // bytes that are committed; what stands behind them is cut off by open()
  std::int64_t made_at = 0;  // microseconds since 1970 UTC
  std::string layout;        // format and compression it was begun with; another one cannot go on in the same file
  std::string target;        // relative to the root, as the path template gave it
};

struct SealedPart {
  std::uint64_t number = 0;
  std::uint64_t length = 0;
  std::string final_path;  // relative to the root
};

struct FileManifest {
  static constexpr unsigned kVersion = 1;

  std::string instance;
  std::uint64_t next_number = 1;
  std::vector<OpenPart> open;
  std::vector<SealedPart> sealed;
  Checkpoint checkpoint;
};

std::string serialize_manifest(const FileManifest& manifest);

// kFatal `newer_state` for a version beyond kVersion (G29), kFatal `manifest_corrupt` for anything that serialize_manifest() did not write.
Result<FileManifest> parse_manifest(std::string_view text);

}  // namespace sluice::sinks
