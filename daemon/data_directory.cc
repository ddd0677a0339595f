#include "daemon/data_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "storage/durable_file.h"

namespace sluice::daemon {

namespace {

constexpr mode_t kOwnerOnly = 0700;
constexpr std::string_view kShares = "\nshared\n";  // behind the id

Error unusable(const std::string& path, std::string_view doing) {
  return {ErrorKind::kFatal, "data_directory_unusable", fmt::format("{} \"{}\": {}", doing, path, std::strerror(errno))};
}

Error unusable(const Error& cause) { return {ErrorKind::kFatal, "data_directory_unusable", cause.message()}; }

// Made, with its parents, for the owner only; one that is there stays as it is.  True: it was made.
Result<bool> make_directory(const std::string& path) {
  struct stat info {};
  const bool was_there = ::stat(path.c_str(), &info) == 0;
  auto made = storage::make_directories(path, kOwnerOnly);
  if (!made) return unusable(made.error());
  if (::stat(path.c_str(), &info) != 0) return unusable(path, "look at the data directory");
  if (!S_ISDIR(info.st_mode)) {
    errno = ENOTDIR;
    return unusable(path, "use the data directory");
  }
  return !was_there;
}

// What dead letters hold is nobody else's business.  Only for directories of ours: --data-dir may name one that others use, too.
Status make_private(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return unusable(path, "look at the data directory");
  if ((info.st_mode & 0777U) != kOwnerOnly && ::chmod(path.c_str(), kOwnerOnly) != 0) return unusable(path, "set mode 0700 of the data directory");
  return {};
}

std::string random_id() {
  std::array<unsigned char, 16> bytes{};
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t count = ::getrandom(bytes.data() + filled, bytes.size() - filled, 0);
    if (count > 0) filled += static_cast<std::size_t>(count);
  }
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

bool is_id(std::string_view text) {
  return text.size() == 32 && std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

struct Instance {
  std::string id;
  bool shares = false;  // the directory was there before us
};

// The id and a line feed; in a directory that was there before us then kShares and another.
Result<Instance> load_instance(const std::string& directory, bool made, FaultPoints& faults) {
  const std::string path = directory + "/instance";
  auto stored = storage::read_file(path, 4096);
  if (!stored) return unusable(stored.error());
  if (*stored) {
    const std::string& text = **stored;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string id = text.substr(0, end);
    if (is_id(id)) return Instance{std::move(id), text.substr(end).starts_with(kShares)};
    return Error(ErrorKind::kFatal, "data_directory_unusable",
                 fmt::format("\"{}\" does not hold an instance id of 32 hexadecimal digits; sinks know this installation by it, so restore it from a backup", path));
  }
  Instance result{random_id(), !made};
  auto written = storage::replace_file(path, result.id + (made ? "\n" : std::string(kShares)), faults, "data_directory");
  if (!written) return unusable(written.error());
  return result;
}

}  // namespace

Result<DataDirectory> DataDirectory::open(const std::string& path, FaultPoints& faults) {
  const bool made = SLUICE_TRY(make_directory(path));
  const std::string lock_path = path + "/lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return unusable(lock_path, "open");
  DataDirectory directory(path, lock);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return Error(ErrorKind::kFatal, "data_directory_in_use", fmt::format("another daemon uses the data directory \"{}\"; give this one its own with --data-dir", path));
    }
    return unusable(lock_path, "lock");
  }
  Instance instance = SLUICE_TRY(load_instance(path, made, faults));
  directory.instance_ = std::move(instance.id);
  directory.shares_ = instance.shares;
  if (!directory.shares_) SLUICE_TRY(make_private(path));
  return directory;
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)), instance_(std::move(other.instance_)), shares_(other.shares_) {}

DataDirectory& DataDirectory::operator=(DataDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  std::swap(instance_, other.instance_);
  std::swap(shares_, other.shares_);
  return *this;
}

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) ::close(lock_);  // closing drops the lock; the file stays, for a removed one could be locked twice
}

Result<std::string> DataDirectory::pipeline_directory(const std::string& pipeline) const {
  std::string path = path_ + "/" + pipeline;
  SLUICE_TRY(make_directory(path));
  if (!shares_) SLUICE_TRY(make_private(path));
  return path;
}

bool data_directory_in_use(const std::string& path) {
  const int lock = ::open((path + "/lock").c_str(), O_RDWR | O_CLOEXEC);
  if (lock < 0) return false;
  const bool taken = ::flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(lock);
  return taken;
}

std::string default_data_directory() {
  const char* state = std::getenv("STATE_DIRECTORY");
  if (state == nullptr || *state == '\0') return "./sluice-data";
  // systemd gives a list when a unit has several; the first is ours.
  const std::string_view all = state;
  return std::string(all.substr(0, all.find(':')));
}

}  // namespace sluice::daemon
