#pragma once
// Names and positions of files that outlive a rename, a truncation and the reuse of an inode number (G2).
//
//   partition   <device>:<inode>:<generation>      generation: hash of the bytes up to the end of the first record (at most 1 KiB), 16 hex
//                                                  digits, and ".2", ".3" where that name is taken by other content
//   done        (offset of the last record, 0)     offsets count bytes of the decompressed stream
//   resume      1 <offset> <head> <tail>[ end]     offset: behind the last record; head: hash of the first min(1024, offset) bytes; tail:
//   of the last
//                                                  min(64, offset) bytes before offset; end: nothing behind can be read (damaged)
//
// All of resume follows from the content before offset, so equal `done` means equal `resume` (G3), and a file is the one
// that a position is about exactly if it is that long and both hashes agree.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sources/file_bytes.h"

namespace sluice::sources {

inline constexpr std::size_t kHeadBytes = 1024;
inline constexpr std::size_t kTailBytes = 64;

std::uint64_t content_hash(std::string_view bytes);  // FNV-1a

struct FileResume {
  std::uint64_t offset = 0;
  std::uint64_t head = 0;
  std::uint64_t tail = 0;
  bool ended = false;
};

std::string write_resume(const FileResume& resume);
std::optional<FileResume> parse_resume(std::string_view text);

// "<device>:<inode>:", what the names of all generations begin with.
std::string partition_prefix(const FileId& id);
std::string partition_name(const FileId& id, std::string_view first_bytes, unsigned attempt);
std::optional<FileId> partition_file(std::string_view partition);

// What has been seen of a file's beginning and of the bytes before an offset.
class FileContent {
 public:
  // Takes the next bytes of the stream.
  void consume(std::string_view bytes);
  std::uint64_t offset() const { return offset_; }
  const std::string& head() const { return head_; }
  const std::string& tail() const { return tail_; }
  FileResume resume() const;

  // Reads what it has to know of a file that is to be read from `offset` on.
  static Result<FileContent> at(FileBytes& bytes, std::uint64_t offset);
  // True when the file still has this content before offset().
  Result<bool> still_in(FileBytes& bytes) const;

 private:
  std::uint64_t offset_ = 0;
  std::string head_;  // first kHeadBytes bytes
  std::string tail_;  // last kTailBytes bytes before offset_
};

}  // namespace sluice::sources
