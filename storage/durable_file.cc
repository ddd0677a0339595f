#include "storage/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace sluice::storage {

namespace {

static_assert(FileHandle::kWorkingDirectory == AT_FDCWD);

struct Verdict {
  ErrorKind kind;
  std::string_view code;
};

Verdict verdict(int number) {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return {ErrorKind::kTransient, "disk_full"};
    case EACCES:
    case EPERM: return {ErrorKind::kFatal, "permission_denied"};
    case EISDIR:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case ENOENT:
    case EEXIST:
    case EINVAL:
    case ENXIO: return {ErrorKind::kFatal, "path_unusable"};
    default: return {ErrorKind::kTransient, "io_error"};
  }
}

int open_flags(FileHandle::Mode mode) {
  constexpr int kAlways = O_CLOEXEC | O_NOFOLLOW;
  switch (mode) {
    case FileHandle::Mode::kRead: return kAlways | O_RDONLY;
    case FileHandle::Mode::kReadWrite: return kAlways | O_RDWR | O_APPEND;
    case FileHandle::Mode::kCreate: return kAlways | O_RDWR | O_APPEND | O_CREAT | O_EXCL;
    case FileHandle::Mode::kReplace: return kAlways | O_RDWR | O_APPEND | O_CREAT | O_TRUNC;
    case FileHandle::Mode::kAppend: return kAlways | O_RDWR | O_APPEND | O_CREAT;
  }
  return kAlways | O_RDONLY;
}

// Calls `attempt` until it is not interrupted by a signal.
template <typename Attempt>
auto uninterrupted(Attempt attempt) {
  auto result = attempt();
  while (result < 0 && errno == EINTR) result = attempt();
  return result;
}

Status make_directory(const std::string& path, unsigned permissions) {
  if (::mkdir(path.c_str(), permissions) == 0) return sync_directory(parent_directory(path));
  if (errno != EEXIST) return errno_error(errno, "create directory", path);
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return errno_error(errno, "look at", path);
  if (!S_ISDIR(found.st_mode)) return errno_error(ENOTDIR, "create directory", path);
  return {};
}

}  // namespace

Error errno_error(int number, std::string_view step, std::string_view path) {
  const Verdict known = verdict(number);
  std::string message(step);
  message += " \"";
  message += path;
  message += "\": ";
  message += std::generic_category().message(number);
  return Error(known.kind, known.code, std::move(message));
}

void FaultScope::before(std::string_view step) const { points.reach(std::string(who).append(".before_").append(step)); }
void FaultScope::after(std::string_view step) const { points.reach(std::string(who).append(".after_").append(step)); }

Result<std::optional<FileHandle>> FileHandle::open(const std::string& path, Mode mode, const FaultScope& scope, unsigned permissions,
                                                   int directory) {
  if (const int injected = scope.points.failure(scope.who, "open"); injected != 0) return errno_error(injected, "open", path);
  const int descriptor = uninterrupted([&] { return ::openat(directory, path.c_str(), open_flags(mode), permissions); });
  if (descriptor >= 0) return std::optional<FileHandle>(FileHandle(descriptor, path, scope));
  const bool may_be_missing = mode == Mode::kRead || mode == Mode::kReadWrite;
  if (errno == ENOENT && may_be_missing) return std::optional<FileHandle>();
  return errno_error(errno, "open", path);
}

FileHandle::FileHandle(FileHandle&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)), scope_(other.scope_) {}

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
  if (this == &other) return *this;
  std::destroy_at(this);
  return *std::construct_at(this, std::move(other));
}

FileHandle::~FileHandle() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status FileHandle::check_injected(std::string_view step) const {
  const int injected = scope_.points.failure(scope_.who, step);
  if (injected != 0) return errno_error(injected, step, path_);
  return {};
}

Status FileHandle::write_all(std::string_view bytes) {
  if (Status injected = check_injected("write"); !injected) return injected;
  while (!bytes.empty()) {
    const ssize_t written = uninterrupted([&] { return ::write(descriptor_, bytes.data(), bytes.size()); });
    if (written < 0) return errno_error(errno, "write", path_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::size_t> FileHandle::pread(std::span<char> out, std::uint64_t offset) const {
  const ssize_t got = uninterrupted([&] { return ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset)); });
  if (got < 0) return errno_error(errno, "read", path_);
  return static_cast<std::size_t>(got);
}

Status FileHandle::sync() {
  if (Status injected = check_injected("fsync"); !injected) return injected;
  if (uninterrupted([&] { return ::fsync(descriptor_); }) != 0) return errno_error(errno, "fsync", path_);
  return {};
}

Status FileHandle::truncate(std::uint64_t size) {
  if (Status injected = check_injected("truncate"); !injected) return injected;
  if (uninterrupted([&] { return ::ftruncate(descriptor_, static_cast<off_t>(size)); }) != 0) return errno_error(errno, "truncate", path_);
  return {};
}

Result<std::uint64_t> FileHandle::size() const {
  struct stat found {};
  if (::fstat(descriptor_, &found) != 0) return errno_error(errno, "look at", path_);
  return static_cast<std::uint64_t>(found.st_size);
}

Status sync_directory(const std::string& path) {
  const int descriptor = uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor < 0) return errno_error(errno, "open directory", path);
  const int result = uninterrupted([&] { return ::fsync(descriptor); });
  const int number = errno;
  ::close(descriptor);
  // EINVAL: a file system that cannot sync directories (some FUSE and network mounts) keeps their names in order by itself.
  if (result != 0 && number != EINVAL) return errno_error(number, "fsync directory", path);
  return {};
}

Status replace_file(const std::string& path, std::string_view bytes, FaultPoints& faults, std::string_view who, unsigned permissions) {
  const FaultScope scope{faults, who};
  const std::string temporary = path + ".tmp";
  {
    scope.before("write");
    std::optional<FileHandle> file = SLUICE_TRY(FileHandle::open(temporary, FileHandle::Mode::kReplace, scope, permissions));
    SLUICE_TRY(file->write_all(bytes));
    scope.after("write");
    scope.before("fsync");
    SLUICE_TRY(file->sync());
    scope.after("fsync");
  }
  scope.before("rename");
  if (const int injected = faults.failure(who, "rename"); injected != 0) return errno_error(injected, "rename", temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return errno_error(errno, "rename", temporary);
  scope.after("rename");
  scope.before("directory_sync");
  if (const int injected = faults.failure(who, "directory_sync"); injected != 0) return errno_error(injected, "fsync directory", path);
  SLUICE_TRY(sync_directory(parent_directory(path)));
  scope.after("directory_sync");
  return {};
}

Result<std::optional<std::string>> read_file(const std::string& path, std::uint64_t limit) {
  FaultPoints none;
  std::optional<FileHandle> file = SLUICE_TRY(FileHandle::open(path, FileHandle::Mode::kRead, {none, "read_file"}));
  if (!file) return std::optional<std::string>();
  const std::uint64_t size = SLUICE_TRY(file->size());
  if (size > limit) return errno_error(EINVAL, "read (larger than " + std::to_string(limit) + " bytes)", path);
  std::string content(static_cast<std::size_t>(size), '\0');
  std::size_t done = 0;
  while (done < content.size()) {
    const std::size_t got = SLUICE_TRY(file->pread(std::span(content).subspan(done), done));
    if (got == 0) break;
    done += got;
  }
  content.resize(done);
  return std::optional<std::string>(std::move(content));
}

Status make_directories(const std::string& path, unsigned permissions) {
  for (std::size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    if (path[end - 1] == '/') continue;
    SLUICE_TRY(make_directory(path.substr(0, end), permissions));
  }
  if (path.empty() || path.back() == '/') return {};
  return make_directory(path, permissions);
}

std::string parent_directory(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

}  // namespace sluice::storage
