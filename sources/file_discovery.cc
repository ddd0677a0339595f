#include "sources/file_discovery.h"

#include <glob.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace sluice::sources {

std::map<FileId, std::string> matching_files(const std::vector<std::string>& patterns) {
  std::map<FileId, std::string> files;
  for (const std::string& pattern : patterns) {
    glob_t found{};
    if (::glob(pattern.c_str(), GLOB_BRACE, nullptr, &found) == 0) {
      for (std::size_t i = 0; i < found.gl_pathc; ++i) {
        struct stat status {};
        if (::stat(found.gl_pathv[i], &status) == 0 && S_ISREG(status.st_mode)) files.emplace(file_id(status), found.gl_pathv[i]);
      }
    }
    ::globfree(&found);
  }
  return files;
}

std::set<std::string> base_directories(const std::vector<std::string>& patterns) {
  std::set<std::string> directories;
  for (const std::string& pattern : patterns) {
    directories.insert(directory_of(pattern.substr(0, pattern.find_first_of("*?[{"))));
  }
  return directories;
}

std::string find_by_identity(const std::string& directory, const FileId& id) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    struct stat status {};
    if (::stat(it->path().c_str(), &status) == 0 && S_ISREG(status.st_mode) && file_id(status) == id) return it->path().string();
  }
  return {};
}

bool is_on_device(const std::string& path, const FileId& id) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && file_id(status).device == id.device;
}

bool is_gone_from(const std::string& path, const FileId& id) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return file_id(status) != id;
  // Directories may have been removed with the file: the nearest one that is left must be on its device.
  std::string directory = path;
  while (errno == ENOENT && directory != "." && directory != "/") {
    directory = directory_of(directory);
    if (::stat(directory.c_str(), &status) == 0) return file_id(status).device == id.device;
  }
  return false;
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

unsigned shard_of(const FileId& id, unsigned shards) {
  const std::uint64_t mixed = (id.inode ^ id.device << 32) * 0x9e3779b97f4a7c15ULL;
  return static_cast<unsigned>((mixed >> 32) % shards);
}

}  // namespace sluice::sources
