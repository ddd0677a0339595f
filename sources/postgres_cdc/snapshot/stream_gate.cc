#include "sources/postgres_cdc/snapshot/stream_gate.h"

#include <algorithm>

#include "sources/postgres_cdc/position_words.h"
#include "sources/postgres_cdc/wire_reader.h"

namespace sluice::sources::postgres {

namespace {

// Between a snapshot and its horizon lie microseconds of log; more than this is one very large transaction.
constexpr std::size_t kMostKept = 32 * 1024 * 1024;
// Enough to see that a transaction which was given out is still not visible: only its own session's last steps are missing.
constexpr std::size_t kMostPassed = 100'000;

}  // namespace

std::optional<VisibleTransactions> VisibleTransactions::parse(std::string_view text) {
  VisibleTransactions result;
  if (!parse_number(next_word(text, ':'), result.xmin) || !parse_number(next_word(text, ':'), result.xmax)) return std::nullopt;
  while (!text.empty()) {
    if (!parse_number(next_word(text, ','), result.running.emplace_back())) return std::nullopt;
  }
  std::sort(result.running.begin(), result.running.end());
  return result;
}

bool VisibleTransactions::sees(std::uint32_t xid) const {
  // The epoch that brings it nearest to xmax.
  const auto distance = static_cast<std::int32_t>(xid - static_cast<std::uint32_t>(xmax));
  const std::uint64_t full = xmax + static_cast<std::uint64_t>(static_cast<std::int64_t>(distance));
  if (full >= xmax) return false;
  return full < xmin || !std::binary_search(running.begin(), running.end(), full);
}

bool StreamGate::look_for(VisibleTransactions visible, Lsn horizon) {
  const bool sees_all = std::all_of(passed_.begin(), passed_.end(), [&](std::uint32_t xid) { return visible.sees(xid); });
  if (!sees_all) return false;
  passed_.clear();
  visible_ = std::move(visible);
  horizon_ = horizon;
  state_ = State::kPassing;
  return true;
}

bool StreamGate::admit(std::string_view copy_data) {
  const Mark mark = read(copy_data);
  const bool is_transaction = mark.kind == Mark::Kind::kTransaction;
  const bool beyond = mark.lsn >= horizon_ && (is_transaction || (mark.kind == Mark::Kind::kQuiet && !inside_));
  if (state_ == State::kPassing && beyond) state_ = State::kStanding;
  if (state_ == State::kPassing && is_transaction && !visible_.sees(mark.xid)) state_ = State::kLooking;
  if (state_ == State::kOpen || state_ == State::kPassing) return note_passed(mark), true;
  if (kept_.empty()) {
    kept_.emplace_back(copy_data);
    kept_bytes_ = copy_data.size();
  }
  inside_ahead_ = false;
  for (auto message = kept_.begin(); message != kept_.end() && state_ == State::kLooking; ++message) judge_ahead(read(*message));
  return false;
}

void StreamGate::pass(std::string_view copy_data) {
  constexpr std::size_t kHeader = 1 + 3 * 8;  // 'w', two positions, a time
  if (copy_data.size() <= kHeader || copy_data[0] != 'w') return;
  const char type = copy_data[kHeader];
  if (type == 'B' || type == 'C' || type == 'c') note_passed(read(copy_data));
}

void StreamGate::look(std::string_view copy_data) {
  kept_.emplace_back(copy_data);
  kept_bytes_ += copy_data.size();
  judge_ahead(read(copy_data));
  if (state_ == State::kLooking && kept_bytes_ > kMostKept) state_ = State::kOpen;
}

void StreamGate::judge_ahead(const Mark& mark) {
  const bool is_transaction = mark.kind == Mark::Kind::kTransaction;
  const bool beyond = mark.lsn >= horizon_ && (is_transaction || (mark.kind == Mark::Kind::kQuiet && !inside_ahead_));
  if (beyond) {
    state_ = State::kStanding;
  } else if (is_transaction && visible_.sees(mark.xid)) {
    state_ = State::kOpen;  // the snapshot stands for no place
  }
  if (mark.begins) inside_ahead_ = true;
  if (mark.kind == Mark::Kind::kEnd) inside_ahead_ = false;
}

void StreamGate::note_passed(const Mark& mark) {
  if (mark.begins) inside_ = true;
  if (mark.kind == Mark::Kind::kEnd) inside_ = false;
  if (mark.kind != Mark::Kind::kTransaction) return;
  if (passed_.size() >= kMostPassed) passed_.erase(passed_.begin(), passed_.begin() + static_cast<std::ptrdiff_t>(kMostPassed / 2));
  passed_.push_back(mark.xid);
}

StreamGate::Mark StreamGate::read(std::string_view copy_data) {
  WireReader in(copy_data);
  const char type = in.byte();
  const Lsn lsn = in.integer<Lsn>();
  if (type == 'k') return {Mark::Kind::kQuiet, lsn, 0, false};
  in.integer<Lsn>();
  in.integer<std::int64_t>();
  switch (in.byte()) {
    case 'B': {  // begin: commit LSN, time, xid
      Mark mark{Mark::Kind::kTransaction, in.integer<Lsn>(), 0, true};
      in.integer<std::int64_t>();
      mark.xid = in.integer<std::uint32_t>();
      return mark;
    }
    case 'c': {  // stream commit: xid, flags, commit LSN
      Mark mark{Mark::Kind::kTransaction, 0, in.integer<std::uint32_t>(), false};
      in.byte();
      mark.lsn = in.integer<Lsn>();
      return mark;
    }
    case 'C': return {Mark::Kind::kEnd, 0, 0, false};
    default: return {};
  }
}

void StreamGate::pop_front() {
  kept_bytes_ -= kept_.front().size();
  kept_.pop_front();
}

void StreamGate::forget() {
  kept_.clear();
  kept_bytes_ = 0;
  inside_ = false;
  state_ = State::kOpen;
}

}  // namespace sluice::sources::postgres
