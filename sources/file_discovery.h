#pragma once
// Which files there are, by name and by identity.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sources/file_bytes.h"

namespace sluice::sources {

// The files that the patterns match now: regular ones, each once, by any one of its names.
std::map<FileId, std::string> matching_files(const std::vector<std::string>& patterns);

// The directories that the patterns begin in: up to the last '/' before the first wildcard.
std::set<std::string> base_directories(const std::vector<std::string>& patterns);

// Path of the file of this identity in `directory`, whatever its name; empty: none.
std::string find_by_identity(const std::string& directory, const FileId& id);

// True when `path` exists and is on the device that the file is, or was, on.
bool is_on_device(const std::string& path, const FileId& id);

// True when it is certain that `path` names the file no more.  A directory that cannot be looked into, or whose file system is not
// mounted, proves nothing.
bool is_gone_from(const std::string& path, const FileId& id);

// The part before the last '/'; "." if there is none.
std::string directory_of(const std::string& path);

// Spreads files over shards; the same after every start.
unsigned shard_of(const FileId& id, unsigned shards);

}  // namespace sluice::sources
