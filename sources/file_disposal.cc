#include "sources/file_disposal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "storage/durable_file.h"

namespace sluice::sources {

namespace {

bool is_covered(const DoneFile& file, const Checkpoint& acknowledged) {
  if (file.key.empty()) return true;
  const auto found = acknowledged.find(file.key);
  return found != acknowledged.end() && found->second.done >= file.position.done;
}

bool is_still_there(const DoneFile& file) {
  struct stat status {};
  return ::stat(file.path.c_str(), &status) == 0 && file_id(status) == file.id;
}

}  // namespace

void FileDisposal::add(DoneFile file) {
  if (when_done_.action != WhenDone::Action::kKeep) waiting_.push_back(std::move(file));
}

void FileDisposal::dispose(const Checkpoint& acknowledged) {
  std::erase_if(waiting_, [&](const DoneFile& file) {
    if (!is_covered(file, acknowledged)) return false;
    if (is_still_there(file)) remove_file(file.path);
    return true;
  });
}

void FileDisposal::remove_file(const std::string& path) {
  if (when_done_.action == WhenDone::Action::kDelete) {
    context_.faults.reach("file_source.before_delete");
    if (::unlink(path.c_str()) != 0) complain("delete", path, errno);
    context_.faults.reach("file_source.after_delete");
    return;
  }
  context_.faults.reach("file_source.before_move");
  if (!move_file(path)) complain("move", path, errno);
  context_.faults.reach("file_source.after_move");
}

// Never over another file: a number is added to a name that is taken.
bool FileDisposal::move_file(const std::string& path) const {
  constexpr int kMaxAttempts = 10'000;
  const std::string target = when_done_.directory + '/' + path.substr(path.rfind('/') + 1);
  constexpr unsigned kMode = 0755;                                            // as mkdir -p of most users would have it
  static_cast<void>(storage::make_directories(when_done_.directory, kMode));  // where it cannot be made, the rename says why
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const std::string name = attempt == 0 ? target : target + '.' + std::to_string(attempt);
    if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, name.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno != EEXIST) return false;
  }
  return false;
}

void FileDisposal::complain(std::string_view what, const std::string& path, int cause) {
  context_.log.error("cannot " + std::string(what) + " a file that has been read",
                     {{"component", context_.component}, {"path", path}, {"cause", std::generic_category().message(cause)}});
}

}  // namespace sluice::sources
