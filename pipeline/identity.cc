#include "pipeline/identity.h"

#include <fmt/format.h>

#include <filesystem>
#include <sstream>

#include "storage/durable_file.h"

namespace sluice::pipeline {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "sluice-identity";
constexpr unsigned kVersion = 1;
constexpr std::size_t kLimit = 4096;  // bytes of the file

std::string path_in(const std::string& state_directory) { return state_directory + "/identity"; }

Error unreadable(const std::string& path) {
  return {ErrorKind::kFatal, "identity_unreadable",
          fmt::format("\"{}\" is damaged; sinks know the pipeline by what it said, so restore it from a backup", path)};
}

Result<Identity> parse(const std::string& path, const std::string& text) {
  std::istringstream in(text);
  std::string magic, key, value;
  unsigned version = 0;
  if (!(in >> magic >> version) || magic != kMagic) return unreadable(path);
  if (version > kVersion)
    return Error(ErrorKind::kFatal, "identity_too_new", fmt::format("\"{}\" was written by a newer version of sluice", path));
  Identity result;
  while (in >> key >> value) {
    if (key == "known_as") result.known_as = value;
    if (key == "sources" && value != "-") result.sources = value;
    if (key == "renaming_to") result.renaming_to = value;
  }
  if (result.known_as.empty() || !text.ends_with('\n')) return unreadable(path);
  return result;
}

}  // namespace

Result<std::optional<Identity>> read_identity(const std::string& state_directory) {
  const std::string path = path_in(state_directory);
  const std::optional<std::string> text = SLUICE_TRY(storage::read_file(path, kLimit));
  if (!text) return std::optional<Identity>();
  return std::optional<Identity>(SLUICE_TRY(parse(path, *text)));
}

Status write_identity(const std::string& state_directory, const Identity& identity, FaultPoints& faults) {
  std::string text = fmt::format("{} {}\nknown_as {}\nsources {}\n", kMagic, kVersion, identity.known_as,
                                 identity.sources.empty() ? "-" : identity.sources);
  if (!identity.renaming_to.empty()) text += "renaming_to " + identity.renaming_to + "\n";
  return storage::replace_file(path_in(state_directory), text, faults, "identity");
}

Result<Identity> settle_identity(const std::string& state_directory, const std::string& name, const std::string& sources,
                                 FaultPoints& faults) {
  const std::optional<Identity> stored = SLUICE_TRY(read_identity(state_directory));
  if (!stored) {
    if (const std::string other = other_known_as(state_directory, name); !other.empty()) {
      return Error(ErrorKind::kInvalidConfig, "name_taken",
                   fmt::format("the pipeline \"{}\" was once called \"{}\", and its sinks still know it by that name: two pipelines would "
                               "take each other's positions; choose another name",
                               other, name));
    }
  } else if (!stored->renaming_to.empty() && stored->renaming_to != name) {
    return Error(ErrorKind::kFatal, "rename_unfinished",
                 fmt::format("the pipeline \"{0}\" is half renamed: run sluice positions rename {0} {1} again", name, stored->renaming_to));
  }
  const Identity wanted{stored ? stored->known_as : name, sources, {}};
  if (!stored || *stored != wanted) SLUICE_TRY(write_identity(state_directory, wanted, faults));
  return wanted;
}

std::string other_known_as(const std::string& state_directory, const std::string& name) {
  const fs::path own = fs::path(state_directory).lexically_normal();
  std::error_code error;
  if (!fs::exists(own.parent_path() / "instance", error)) return {};  // no data directory, as in tests
  for (fs::directory_iterator it(own.parent_path(), error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->path() == own || !fs::is_regular_file(it->path() / "identity", ignored)) continue;
    const auto identity = read_identity(it->path().string());
    if (identity && *identity && (*identity)->known_as == name) return it->path().filename().string();
  }
  return {};
}

}  // namespace sluice::pipeline
