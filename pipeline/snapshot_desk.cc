#include "pipeline/snapshot_desk.h"

namespace sluice::pipeline {

namespace {

constexpr std::chrono::seconds kPatience{30};

Error busy(const char* why) { return {ErrorKind::kTransient, "source_busy", why}; }

}  // namespace

Status SnapshotDesk::ask(std::span<const std::string> tables, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  if (closed_) return Error(ErrorKind::kFatal, "not_running", "the pipeline does not run");
  if (waiting_) return busy("another wish for a snapshot is waiting");
  tables_.assign(tables.begin(), tables.end());
  answer_.reset();
  waiting_ = true;
  const bool answered = changed_.wait_for(lock, stop, kPatience, [&] { return answer_.has_value(); });
  waiting_ = false;
  if (!answered) return busy("the source did not come by in time, because a sink holds it up; nothing was asked of it");
  return *std::exchange(answer_, std::nullopt);
}

void SnapshotDesk::answer(Source& source) {
  const std::lock_guard lock(mutex_);
  if (!waiting_ || answer_) return;
  answer_ = source.request_snapshot(tables_);
  changed_.notify_all();
}

void SnapshotDesk::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  if (waiting_ && !answer_) answer_ = Error(ErrorKind::kFatal, "not_running", "the pipeline stopped meanwhile");
  changed_.notify_all();
}

}  // namespace sluice::pipeline
