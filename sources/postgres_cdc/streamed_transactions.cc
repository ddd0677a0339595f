#include "sources/postgres_cdc/streamed_transactions.h"

#include <algorithm>
#include <filesystem>
#include <vector>

namespace sluice::sources::postgres {

namespace {

Error violation(const std::string& what) { return {ErrorKind::kFatal, "protocol_violation", "read changes from PostgreSQL: " + what}; }

Error too_large(const SpoolSettings& settings) {
  const std::string limit = settings.folder.empty() ? std::to_string(settings.memory_bytes) + " bytes of memory"
                                                    : "`spill_limit` of " + std::to_string(settings.disk_bytes) + " bytes";
  return {ErrorKind::kTransient, "spill_limit_reached", "the changes of transactions that still run exceed the " + limit};
}

}  // namespace

Status StreamedTransactions::remove_leftovers() {
  if (settings_.folder.empty()) return {};
  std::error_code error;
  std::filesystem::remove_all(settings_.folder, error);
  if (error) return storage::errno_error(error.value(), "remove", settings_.folder);
  return {};
}

void StreamedTransactions::clear() {
  block_ = nullptr;
  running_.clear();
}

Status StreamedTransactions::start(const StreamStartMessage& message) {
  if (in_block()) return violation("a block begins inside another");
  auto& transaction = running_[message.xid];
  if (message.first != (transaction == nullptr))
    return violation("a block of transaction " + std::to_string(message.xid) + " that is not the next one");
  if (!transaction) {
    const std::string path = settings_.folder + '/' + std::to_string(message.xid) + ".changes";
    // The spool can neither be copied nor moved.
    transaction.reset(new StreamedTransaction{TransactionSpool(path, use_, faults_), {}, {}, {}});
  }
  block_ = transaction.get();
  return {};
}

Status StreamedTransactions::stop() {
  if (!in_block()) return violation("a block ends that did not begin");
  block_ = nullptr;
  return {};
}

// A transaction that is not known has sent nothing, so there is nothing to leave out.
void StreamedTransactions::abort(const StreamAbortMessage& message) {
  const auto found = running_.find(message.xid);
  if (found == running_.end()) return;
  if (message.subxid == message.xid) {
    running_.erase(found);
  } else {
    found->second->rolled_back.insert(message.subxid);
  }
}

Status StreamedTransactions::note_relation(std::string_view message) {
  const PgoutputMessage& decoded = *SLUICE_TRY(decoder_.decode(message, Framing::kInBlock));
  const auto& relation = std::get<RelationMessage>(decoded);
  block_->wanted_relations[relation.id] = filter_.wants(relation.schema, relation.table);
  return {};
}

Status StreamedTransactions::keep(Lsn lsn, std::uint64_t arrival, std::string_view message) {
  const std::optional<ChangeHead> head = change_head(message);
  if (!head) return violation("a message inside a block that is cut short");
  SpoolEntry entry{head->xid, lsn, message};
  switch (head->type) {
    case 'R':
      SLUICE_TRY(note_relation(message));
      entry.place = arrival;
      break;
    case 'I':
    case 'U':
    case 'D': {
      const auto wanted = block_->wanted_relations.find(head->relation);
      if (wanted != block_->wanted_relations.end() && !wanted->second) entry.message = {};
      break;
    }
    case 'T': break;
    case 'O': {
      const PgoutputMessage& decoded = *SLUICE_TRY(decoder_.decode(message, Framing::kInBlock));
      block_->origin = std::get<OriginMessage>(decoded).name;
      return {};
    }
    case 'Y':
    case 'M': return {};  // not asked for, or of no use
    default: return violation("a message of type " + std::to_string(static_cast<int>(head->type)) + " inside a block");
  }
  block_->spool.append(entry);
  return use_.memory > settings_.memory_bytes ? make_room() : Status();
}

// T4.  Down to half of the budget at a time, so that a file is written in large pieces however many transactions run.
Status StreamedTransactions::make_room() {
  if (settings_.folder.empty()) return too_large(settings_);
  SLUICE_TRY(storage::make_directories(settings_.folder));
  std::vector<StreamedTransaction*> largest;
  for (const auto& [xid, transaction] : running_) largest.push_back(transaction.get());
  std::sort(largest.begin(), largest.end(), [](const auto* a, const auto* b) { return a->spool.memory() > b->spool.memory(); });
  for (StreamedTransaction* transaction : largest) {
    if (use_.memory <= settings_.memory_bytes / 2) break;
    if (use_.disk + transaction->spool.memory() > settings_.disk_bytes) return too_large(settings_);
    SLUICE_TRY(transaction->spool.spill());
  }
  return {};
}

Result<std::unique_ptr<StreamedTransaction>> StreamedTransactions::take(std::uint32_t xid) {
  const auto found = running_.find(xid);
  if (in_block() || found == running_.end())
    return violation("the commit of transaction " + std::to_string(xid) + ", of which nothing was sent");
  auto transaction = std::move(found->second);
  running_.erase(found);
  return transaction;
}

}  // namespace sluice::sources::postgres
