#include "sources/postgres_cdc/slot_intent.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

namespace sluice::sources::postgres {

namespace {

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, const std::string& text) { return fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0; }

std::string content_of(const std::string& system_id, const std::string& slot) { return system_id + ' ' + slot + '\n'; }

}  // namespace

bool SlotIntent::holds(const std::string& system_id, const std::string& slot) const {
  if (path_.empty()) return false;
  std::ifstream file(path_);
  std::string line;
  return std::getline(file, line) && line + '\n' == content_of(system_id, slot);
}

Status SlotIntent::write(const std::string& system_id, const std::string& slot) const {
  if (path_.empty()) return {};
  const Descriptor file(path_, O_WRONLY | O_CREAT | O_TRUNC);
  if (write_all(file.get(), content_of(system_id, slot)) && ::fsync(Descriptor(folder_, O_RDONLY | O_DIRECTORY).get()) == 0) return {};
  return Error(ErrorKind::kTransient, "state_unwritable", "write \"" + path_ + "\": " + std::strerror(errno));
}

void SlotIntent::remove() const {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace sluice::sources::postgres
