#include "sinks/file/destination.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <utility>

namespace sluice::sinks {

namespace {

constexpr std::string_view kPartSuffix = ".part";
constexpr mode_t kDirectoryPermissions = 0755;  // narrowed by the umask

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

int open_directory(int parent, const char* name) { return ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }

// One level down, made if it is missing.
Result<Descriptor> enter(int parent, const std::string& name) {
  int found = open_directory(parent, name.c_str());
  if (found < 0 && errno == ENOENT) {
    if (::mkdirat(parent, name.c_str(), kDirectoryPermissions) != 0 && errno != EEXIST)
      return storage::errno_error(errno, "create directory", name);
    if (::fsync(parent) != 0 && errno != EINVAL) return storage::errno_error(errno, "fsync directory above", name);
    found = open_directory(parent, name.c_str());
  }
  if (found < 0) return storage::errno_error(errno, "open directory", name);
  return Descriptor(found);
}

// The directory that `relative` names below `root`, level by level, so that no level is a symbolic link.
Result<Descriptor> walk(int root, std::string_view relative) {
  Descriptor current(::fcntl(root, F_DUPFD_CLOEXEC, 0));
  if (current.number() < 0) return storage::errno_error(errno, "open", relative);
  while (!relative.empty()) {
    const std::size_t slash = relative.find('/');
    const std::string name(relative.substr(0, slash));
    relative = slash == std::string_view::npos ? std::string_view() : relative.substr(slash + 1);
    if (name.empty() || name == ".") continue;
    current = SLUICE_TRY(enter(current.number(), name));
  }
  return current;
}

std::string_view directory_of(std::string_view relative) {
  const std::size_t slash = relative.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : relative.substr(0, slash);
}

std::string name_of(std::string_view relative) {
  const std::size_t slash = relative.rfind('/');
  return std::string(slash == std::string_view::npos ? relative : relative.substr(slash + 1));
}

Error bad_path(std::string_view relative, std::string_view why) {
  return Error(ErrorKind::kBadRecord, "bad_path", fmt::format("the record's path \"{}\" {}", relative, why));
}

Status check_names(std::string_view relative) {
  if (relative.size() > Destination::kMaxPathBytes) return bad_path(relative.substr(0, 80), "is too long");
  if (relative.find('\0') != std::string_view::npos) return bad_path(relative, "holds a NUL");
  for (std::string_view rest = relative; !rest.empty();) {
    const std::size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (name == "..") return bad_path(relative, "leaves its directory");
    if (name == ".sluice") return bad_path(relative, "names sluice's own directory");
    if (name.size() > Destination::kMaxNameBytes) return bad_path(relative.substr(0, 80), "holds a name that is too long");
  }
  return {};
}

bool same_file(int a_directory, const std::string& a, int b_directory, const std::string& b) {
  struct stat first {};
  struct stat second {};
  return ::fstatat(a_directory, a.c_str(), &first, AT_SYMLINK_NOFOLLOW) == 0 &&
         ::fstatat(b_directory, b.c_str(), &second, AT_SYMLINK_NOFOLLOW) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

// rename() that never overwrites; by a hard link where the file system has no such rename.  0 or an errno.
int move_without_overwriting(const std::string& from, int directory, const std::string& name) {
  if (::renameat2(AT_FDCWD, from.c_str(), directory, name.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS && errno != EEXIST) return errno;
  const bool linked = ::linkat(AT_FDCWD, from.c_str(), directory, name.c_str(), 0) == 0;
  // A crash between link and unlink leaves both names; then only the second step is missing.
  if (!linked && !(errno == EEXIST && same_file(AT_FDCWD, from, directory, name))) return errno;
  return ::unlink(from.c_str()) == 0 ? 0 : errno;
}

}  // namespace

Destination::Destination(std::string root, std::string_view pipeline, std::string_view sink, storage::FaultScope scope)
    : root_(std::move(root)), staging_(fmt::format("{}/.sluice/{}.{}", root_ == "/" ? "" : root_, pipeline, sink)), scope_(scope) {}

Destination::~Destination() { close(); }

void Destination::close() {
  if (lock_descriptor_ >= 0) ::close(std::exchange(lock_descriptor_, -1));
  if (root_descriptor_ >= 0) ::close(std::exchange(root_descriptor_, -1));
}

Result<bool> Destination::open() {
  close();
  SLUICE_TRY(storage::make_directories(root_, kDirectoryPermissions));
  SLUICE_TRY(storage::make_directories(staging_, kDirectoryPermissions));
  root_descriptor_ = ::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root_descriptor_ < 0) return storage::errno_error(errno, "open directory", root_);
  const std::string lock = staging_ + "/.lock";
  lock_descriptor_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, storage::FileHandle::kPrivate);
  if (lock_descriptor_ < 0) return storage::errno_error(errno, "open", lock);
  if (::flock(lock_descriptor_, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return storage::errno_error(errno, "lock", lock);
}

std::string Destination::part_path(std::uint64_t number) const { return fmt::format("{}/.{:08}{}", staging_, number, kPartSuffix); }

Result<std::vector<std::uint64_t>> Destination::list_parts() const {
  struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> directory(::opendir(staging_.c_str()));
  if (!directory) return storage::errno_error(errno, "list", staging_);
  std::vector<std::uint64_t> numbers;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    std::string_view name = entry->d_name;
    if (!name.starts_with('.') || !name.ends_with(kPartSuffix)) continue;
    name.remove_prefix(1);
    name.remove_suffix(kPartSuffix.size());
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size()) numbers.push_back(number);
  }
  if (errno != 0) return storage::errno_error(errno, "list", staging_);
  return numbers;
}

Status Destination::sync_staging() const { return storage::sync_directory(staging_); }

Status Destination::prepare(std::string_view relative) const {
  SLUICE_TRY(check_names(relative));
  auto directory = walk(root_descriptor_, directory_of(relative));
  if (directory || directory.error().code() != "path_unusable") return directory ? Status() : Status(std::move(directory).error());
  return bad_path(relative, "cannot be made: " + directory.error().message());
}

Result<bool> Destination::exists(std::string_view relative) const {
  const Descriptor directory = SLUICE_TRY(walk(root_descriptor_, directory_of(relative)));
  struct stat found {};
  if (::fstatat(directory.number(), name_of(relative).c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno == ENOENT) return false;
  return storage::errno_error(errno, "look at", relative);
}

Status Destination::publish(std::uint64_t number, const std::string& relative) {
  const std::string part = part_path(number);
  const Descriptor directory = SLUICE_TRY(walk(root_descriptor_, directory_of(relative)));
  unsynced_.emplace(directory_of(relative));
  const std::string name = name_of(relative);
  scope_.points.reach("file_sink.before_seal_rename");
  const int injected = scope_.points.failure(scope_.who, "seal_rename");
  const int problem = injected != 0 ? injected : move_without_overwriting(part, directory.number(), name);
  if (problem == EEXIST) {
    return Error(ErrorKind::kFatal, "file_exists",
                 fmt::format("finish \"{}/{}\": a file that is not ours has this name; move it away, the rows wait in \"{}\"", root_,
                             relative, part));
  }
  if (problem == EXDEV) {
    return Error(ErrorKind::kFatal, "path_unusable",
                 fmt::format("finish \"{}/{}\": it is on another file system than \"{}\"; begin the sink's path in that directory", root_,
                             relative, staging_));
  }
  if (problem != 0 && problem != ENOENT) return storage::errno_error(problem, "rename", part);
  scope_.points.reach("file_sink.after_seal_rename");
  return {};
}

Status Destination::sync_published() {
  if (unsynced_.empty()) return {};
  scope_.points.reach("file_sink.before_seal_sync");
  for (const std::string& relative : unsynced_) {
    const Descriptor directory = SLUICE_TRY(walk(root_descriptor_, relative));
    if (::fsync(directory.number()) != 0 && errno != EINVAL) return storage::errno_error(errno, "fsync directory", relative);
  }
  unsynced_.clear();
  scope_.points.reach("file_sink.after_seal_sync");
  return {};
}

std::string numbered_path(std::string_view relative, std::uint64_t number) {
  const std::size_t slash = relative.rfind('/');
  const std::size_t name = slash == std::string_view::npos ? 0 : slash + 1;
  std::size_t suffix = relative.rfind('.');
  const std::string_view last = suffix == std::string_view::npos ? std::string_view() : relative.substr(suffix);
  if (last == ".gz" || last == ".zst") {
    const std::size_t before = suffix > 0 ? relative.rfind('.', suffix - 1) : std::string_view::npos;
    if (before != std::string_view::npos && before > name) suffix = before;
  }
  if (suffix == std::string_view::npos || suffix <= name) suffix = relative.size();  // no suffix, or a hidden file's name
  return fmt::format("{}-{:08}{}", relative.substr(0, suffix), number, relative.substr(suffix));
}

}  // namespace sluice::sinks
