#pragma once
// Files whose content must survive a crash of the process or of the machine.
//
// Rules that every caller relies on:
//   1. Nothing is durable before sync() (file content) and sync_directory() (names) have returned success.
//   2. After a failed sync() the kernel may have dropped the dirty pages: what was written since the last good sync() must be written
//      again, never synced again (https://wiki.postgresql.org/wiki/Fsync_Errors).
//   3. replace_file() is atomic: after a crash the path holds the old content or the new one, whole.
//
// Errors, everywhere: kTransient `disk_full` (ENOSPC, EDQUOT, EFBIG), kTransient `io_error` (EIO, EROFS, too many open files, ...: an
// operator can mend it while we wait), kFatal `permission_denied` (EACCES, EPERM), kFatal `path_unusable` (a directory in the way, a
// symbolic link where none may be, a name too long).  Messages name the step, the path and the errno.
// Blocking; any thread, one at a time per object.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/fault_points.h"
#include "core/result.h"

namespace sluice::storage {

// The Error for `number` (an errno) met while trying to `step` ("write", "rename", ...) at `path`.
Error errno_error(int number, std::string_view step, std::string_view path);

// Who is at work: the first half of fault point names, and where tests inject failures.  Both outlive the handle.
struct FaultScope {
  FaultPoints& points;
  std::string_view who;  // static text: "file_sink", "checkpoint_store"

  void before(std::string_view step) const;  // reaches "<who>.before_<step>"
  void after(std::string_view step) const;   // reaches "<who>.after_<step>"
};

// An open file.  The destructor closes it and makes nothing durable.
class FileHandle {
 public:
  enum class Mode : std::uint8_t {
    kRead,       // must exist
    kReadWrite,  // must exist; writes go to the end
    kCreate,     // must not exist; writes go to the end
    kReplace,    // created, or emptied when it exists; writes go to the end
    kAppend,     // created when it does not exist; writes go to the end
  };
  static constexpr unsigned kPrivate = 0600;  // owner only
  static constexpr unsigned kShared = 0644;   // narrowed by the umask

  // Never follows a symbolic link in the last component.  nullopt: there is no such file (kRead, kReadWrite only).
  // `directory` is an open directory's descriptor that a relative `path` starts from, or kWorkingDirectory.
  static constexpr int kWorkingDirectory = -100;  // AT_FDCWD
  static Result<std::optional<FileHandle>> open(const std::string& path, Mode mode, const FaultScope& scope,
                                                unsigned permissions = kPrivate, int directory = kWorkingDirectory);

  FileHandle(FileHandle&& other) noexcept;
  FileHandle& operator=(FileHandle&& other) noexcept;
  ~FileHandle();

  // All of `bytes` or an error, after which some of them may stand in the file.
  Status write_all(std::string_view bytes);
  // Up to out.size() bytes from `offset`; 0 at the end of the file.
  Result<std::size_t> pread(std::span<char> out, std::uint64_t offset) const;
  Status sync();
  // Cuts the file to `size` bytes; not durable before sync().
  Status truncate(std::uint64_t size);
  Result<std::uint64_t> size() const;

  const std::string& path() const { return path_; }
  int descriptor() const { return descriptor_; }

 private:
  FileHandle(int descriptor, std::string path, const FaultScope& scope) : descriptor_(descriptor), path_(std::move(path)), scope_(scope) {}
  Status check_injected(std::string_view step) const;

  int descriptor_;
  std::string path_;
  FaultScope scope_;
};

// Makes the names in the directory durable: files created, renamed or removed there before the call.
Status sync_directory(const std::string& path);

// Writes `path`.tmp, syncs it, renames it over `path` and syncs the directory.  Fault points before and after each step: write, fsync,
// rename, directory_sync.  An error before the rename leaves the old content; one after it, either (rule 3).
Status replace_file(const std::string& path, std::string_view bytes, FaultPoints& faults, std::string_view who,
                    unsigned permissions = FileHandle::kPrivate);

// The whole content; nullopt: there is no such file.  More than `limit` bytes is kFatal `path_unusable`.
Result<std::optional<std::string>> read_file(const std::string& path, std::uint64_t limit = 64ULL * 1024 * 1024);

// Makes `path` and what is missing above it, each new name durable.  An existing directory is left as it is.
Status make_directories(const std::string& path, unsigned permissions = 0700);

// The part before the last '/', "." if there is none, "/" for a name in the root.
std::string parent_directory(std::string_view path);

}  // namespace sluice::storage
