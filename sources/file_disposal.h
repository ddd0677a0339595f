#pragma once
// What happens to a file that has been read, once every sink has all of it.

#include <string>
#include <vector>

#include "core/build_context.h"
#include "core/position.h"
#include "sources/file_bytes.h"

namespace sluice::sources {

// keep | delete | {move: DIRECTORY}
struct WhenDone {
  enum class Action : std::uint8_t { kKeep, kDelete, kMove } action = Action::kKeep;
  std::string directory;  // of kMove
};

// A file that has been read to its end and waits for the acknowledgement.
struct DoneFile {
  FileId id;
  std::string path;
  std::string key;    // its checkpoint key; empty: nothing came of it
  Position position;  // of its last record
};

// Owned by FileSource; one thread.  A file is never touched before the acknowledged checkpoint covers it, nor when its path names another
// one by then.  A failure is logged and the file stays.  Fault points file_source.{before,after}_{delete,move}.
class FileDisposal {
 public:
  FileDisposal(const WhenDone& when_done, const BuildContext& context) : when_done_(when_done), context_(context) {}

  void add(DoneFile file);
  void dispose(const Checkpoint& acknowledged);
  void clear() { waiting_.clear(); }

 private:
  void remove_file(const std::string& path);
  bool move_file(const std::string& path) const;
  void complain(std::string_view what, const std::string& path, int cause);

  const WhenDone when_done_;
  const BuildContext context_;
  std::vector<DoneFile> waiting_;
};

}  // namespace sluice::sources
