#include "sources/postgres_cdc/transaction_spool.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace sluice::sources::postgres {

namespace {

constexpr std::string_view kWho = "postgres_spool";
// Many transactions may run with a few rows each: the first block is small, the later ones as large as one write should be.
constexpr std::size_t kFirstBlock = 4 * 1024;
constexpr std::size_t kLargestBlock = 256 * 1024;
constexpr std::size_t kWindow = 256 * 1024;

struct Head {
  std::uint32_t size = 0;
  std::uint32_t xid = 0;
  std::uint64_t place = 0;
};
static_assert(sizeof(Head) == 16);

Head head_at(const std::string& bytes, std::size_t at) {
  Head head;
  std::memcpy(&head, bytes.data() + at, sizeof head);
  return head;
}

SpoolEntry entry_at(const std::string& bytes, std::size_t at, const Head& head) {
  return {head.xid, head.place, std::string_view(bytes).substr(at + sizeof head, head.size)};
}

}  // namespace

TransactionSpool::~TransactionSpool() {
  use_.memory -= memory_;
  use_.disk -= on_disk_;
  if (on_disk_ != 0) ::unlink(path_.c_str());
}

std::string& TransactionSpool::block_for(std::size_t bytes) {
  if (!blocks_.empty() && blocks_.back().capacity() - blocks_.back().size() >= bytes) return blocks_.back();
  const std::size_t usual = blocks_.empty() ? kFirstBlock : std::min(blocks_.back().capacity() * 2, kLargestBlock);
  std::string& block = blocks_.emplace_back();
  block.reserve(std::max(usual, bytes));
  memory_ += block.capacity();
  use_.memory += block.capacity();
  return block;
}

void TransactionSpool::append(const SpoolEntry& entry) {
  const Head head{static_cast<std::uint32_t>(entry.message.size()), entry.xid, entry.place};
  std::string& block = block_for(sizeof head + entry.message.size());
  char raw[sizeof head];
  std::memcpy(raw, &head, sizeof head);
  block.append(raw, sizeof raw).append(entry.message);
}

Status TransactionSpool::spill() {
  // Opened for each spill: any number of transactions may run, and each is spilled only when it has grown.
  using storage::FileHandle;
  const FileHandle::Mode mode = on_disk_ == 0 ? FileHandle::Mode::kReplace : FileHandle::Mode::kAppend;
  std::optional<FileHandle> file = SLUICE_TRY(FileHandle::open(path_, mode, {faults_, kWho}));
  for (; !blocks_.empty(); blocks_.pop_front()) {
    const std::string& block = blocks_.front();
    on_disk_ += block.size();
    use_.disk += block.size();
    SLUICE_TRY(file->write_all(block));
    memory_ -= block.capacity();
    use_.memory -= block.capacity();
  }
  return {};
}

// Makes at least `bytes` of the file stand in the window from window_at_ on.
Status TransactionSpool::fill_window(std::size_t bytes) {
  if (!file_) {
    file_ = SLUICE_TRY(storage::FileHandle::open(path_, storage::FileHandle::Mode::kRead, {faults_, kWho}));
    if (!file_) return Error(ErrorKind::kTransient, "io_error", "read \"" + path_ + "\": somebody has removed it");
  }
  window_.erase(0, window_at_);
  window_at_ = 0;
  std::size_t have = window_.size();
  window_.resize(std::max(kWindow, bytes));
  while (have < bytes) {
    const std::size_t got = SLUICE_TRY(file_->pread({window_.data() + have, window_.size() - have}, read_));
    if (got == 0) return Error(ErrorKind::kTransient, "io_error", "read \"" + path_ + "\": it is shorter than what was written");
    have += got;
    read_ += got;
  }
  window_.resize(have);
  return {};
}

Result<std::optional<SpoolEntry>> TransactionSpool::next() {
  if (read_ < on_disk_ || window_at_ < window_.size()) {
    if (window_.size() - window_at_ < sizeof(Head)) SLUICE_TRY(fill_window(sizeof(Head)));
    const Head head = head_at(window_, window_at_);
    const std::size_t whole = sizeof head + head.size;
    if (window_.size() - window_at_ < whole) SLUICE_TRY(fill_window(whole));
    const SpoolEntry entry = entry_at(window_, window_at_, head);
    window_at_ += whole;
    return std::optional(entry);
  }
  if (!blocks_.empty() && block_at_ == blocks_.front().size()) {
    memory_ -= blocks_.front().capacity();
    use_.memory -= blocks_.front().capacity();
    blocks_.pop_front();
    block_at_ = 0;
  }
  if (blocks_.empty()) return std::optional<SpoolEntry>();
  const Head head = head_at(blocks_.front(), block_at_);
  const SpoolEntry entry = entry_at(blocks_.front(), block_at_, head);
  block_at_ += sizeof head + head.size;
  return std::optional(entry);
}

}  // namespace sluice::sources::postgres
