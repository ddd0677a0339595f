#pragma once
// A file in the making: .<number>.part in the staging directory.  Encoded records gather in `buffer` and reach the kernel in large writes.
//
// States:  fresh (no file yet) -> written (length > committed) -> synced -> committed (by the manifest) -> written -> ...
//
// Owned by the sink; its thread only.  The destructor gives up what is not written.

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "core/result.h"
#include "formats/codec.h"
#include "sinks/file/compressor.h"
#include "storage/durable_file.h"

namespace sluice::sinks {

class PartFile {
 public:
  // Bytes of encoded records per write(2): large enough that the call costs little (50 ns per record of 200 bytes), small enough for
  // 256 open files.
  static constexpr std::size_t kBufferBytes = 64 * 1024;
  // Per compressed frame: twice gzip's window, so that cutting the stream into frames costs 2-4 % of size.
  static constexpr std::size_t kFrameBytes = 128 * 1024;

  PartFile(std::uint64_t part_number, std::string path, std::string part_target, storage::FaultScope scope)
      : number(part_number), target(std::move(part_target)), path_(std::move(path)), scope_(scope) {}

  // Takes up a part that open() found: cut to its committed length.  kFatal part_missing when it is gone or shorter.
  Status recover(std::uint64_t committed);

  // Hands the buffer to the kernel, as one frame if `compressor` is not null.
  Status write_out(Compressor* compressor);
  Status sync();
  // Closes the descriptor; the next write opens the file again.  The buffer must be empty.
  void release() {
    file_.reset();
    std::string().swap(buffer);
    std::string().swap(frame_);
  }

  bool is_open() const { return file_.has_value(); }
  bool is_empty() const { return length_ == 0 && buffer.empty(); }
  bool unsynced() const { return length_ != synced_ || !buffer.empty(); }
  std::uint64_t length() const { return length_; }  // bytes given to the kernel
  const std::string& path() const { return path_; }
  // The first bytes of the file.
  Result<std::string> beginning(std::size_t bytes);

  const std::uint64_t number;
  const std::string target;
  std::string buffer;
  std::string layout;
  std::unique_ptr<Encoder> encoder;                      // of this file, where the format has a state per file; else null
  std::int64_t made_at = 0;                              // microseconds since 1970 UTC
  std::chrono::steady_clock::time_point made_at_steady;  // what its age is measured by
  std::list<PartFile*>::iterator use;                    // its place in the sink's order of use
  bool resting = false;                                  // written out and closed to save a descriptor
  bool full = false;                                     // to be sealed by the next commit; nothing more is added

 private:
  Status ensure_open();

  std::string path_;
  storage::FaultScope scope_;
  std::optional<storage::FileHandle> file_;
  std::string frame_;
  std::uint64_t length_ = 0;
  std::uint64_t synced_ = 0;
};

}  // namespace sluice::sinks
