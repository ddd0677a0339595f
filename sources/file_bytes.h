#pragma once
// The bytes of one file as a stream of known offsets, decompressed where need be.

#include <sys/stat.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.h"

namespace sluice::sources {

// What tells one file from another while both exist; an inode number is reused when a file is gone.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  auto operator<=>(const FileId&) const = default;
};

// Owns a file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();
  bool is_open() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// Opens for reading.  kTransient file_unreadable; its message has the path and the cause.
Result<FileDescriptor> open_file(const std::string& path);
// Reads until `size` bytes are there or the file ends.  kTransient file_unreadable.
Result<std::size_t> read_at(int fd, char* out, std::size_t size, std::uint64_t offset);
FileId file_id(const struct stat& status);

enum class Compression : std::uint8_t { kAuto, kNone, kGzip, kZstd };

// By the magic bytes at the beginning of a file (RFC 1952, RFC 8878); kAuto: too few bytes to tell.
Compression detect_compression(std::string_view beginning);

// What stands behind the last byte that can be read now.
enum class StreamEnd : std::uint8_t {
  kClean,        // a plain file's end, or the end of a compressed frame
  kInsideFrame,  // a compressed frame goes on: the rest is not written yet, or was cut off
  kCorrupt,      // nothing further can be decompressed
};

// One open file.  One thread; keeps the descriptor it is given.
class FileBytes {
 public:
  virtual ~FileBytes() = default;

  // How many bytes, up to `wanted`, can be read at `offset` now; fewer than wanted: the end is reached, and end() says which.
  // kTransient: try again.
  virtual Result<std::size_t> available(std::uint64_t offset, std::size_t wanted) = 0;
  // Reads what available() has promised for this offset, or less where the file was truncated since.
  virtual Result<std::size_t> read(std::uint64_t offset, char* out, std::size_t size) = 0;
  virtual StreamEnd end() const = 0;
  virtual bool compressed() const = 0;
  virtual int fd() const = 0;
};

// `compression` is not kAuto.
std::unique_ptr<FileBytes> make_file_bytes(FileDescriptor file, Compression compression);

}  // namespace sluice::sources
