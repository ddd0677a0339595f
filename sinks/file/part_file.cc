#include "sinks/file/part_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

namespace sluice::sinks {

Status PartFile::ensure_open() {
  if (file_) return {};
  using Mode = storage::FileHandle::Mode;
  // The first write makes the file; a file of that number can only be a leftover, which open() has removed.
  file_ =
      SLUICE_TRY(storage::FileHandle::open(path_, length_ == 0 ? Mode::kReplace : Mode::kReadWrite, scope_, storage::FileHandle::kShared));
  if (!file_) return Error(ErrorKind::kTransient, "io_error", "\"" + path_ + "\" was removed while it was being written");
  return {};
}

Status PartFile::recover(std::uint64_t committed) {
  file_ = SLUICE_TRY(storage::FileHandle::open(path_, storage::FileHandle::Mode::kReadWrite, scope_));
  const std::uint64_t found = file_ ? SLUICE_TRY(file_->size()) : 0;
  if (!file_ || found < committed) {
    return Error(
        ErrorKind::kFatal, "part_missing",
        fmt::format("\"{}\" holds {} bytes, {} are committed: somebody removed or cut it, these rows are lost", path_, found, committed));
  }
  if (found > committed) SLUICE_TRY(file_->truncate(committed));
  length_ = committed;
  synced_ = committed;
  return {};
}

Status PartFile::write_out(Compressor* compressor) {
  if (buffer.empty()) return {};
  SLUICE_TRY(ensure_open());
  std::string_view bytes = buffer;
  if (compressor != nullptr) {
    frame_.clear();
    SLUICE_TRY(compressor->append_frame(buffer, frame_));
    bytes = frame_;
  }
  SLUICE_TRY(file_->write_all(bytes));
  length_ += bytes.size();
  buffer.clear();
  return {};
}

Status PartFile::sync() {
  SLUICE_TRY(ensure_open());
  struct stat found {};
  if (::fstat(file_->descriptor(), &found) != 0) return storage::errno_error(errno, "look at", path_);
  if (found.st_nlink == 0) return Error(ErrorKind::kTransient, "io_error", "\"" + path_ + "\" was removed while it was being written");
  SLUICE_TRY(file_->sync());
  synced_ = length_;
  return {};
}

Result<std::string> PartFile::beginning(std::size_t bytes) {
  SLUICE_TRY(ensure_open());
  std::string result(bytes, '\0');
  result.resize(SLUICE_TRY(file_->pread(result, 0)));
  return result;
}

}  // namespace sluice::sinks
