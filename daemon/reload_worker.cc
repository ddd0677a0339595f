#include "daemon/reload_worker.h"

namespace sluice::daemon {

namespace {

constexpr std::chrono::milliseconds kBusy{100};  // while a reload that was asked for over HTTP is under way

}  // namespace

void ReloadWorker::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return wanted_; })) {
    wanted_ = false;
    lock.unlock();
    const auto report = control_.reload(admin::ReloadControl::Mode::kApply, stop);
    lock.lock();
    if (report || report.error().code() != "reload_running") continue;
    wanted_ = true;
    changed_.wait_for(lock, stop, kBusy, [] { return false; });
  }
}

}  // namespace sluice::daemon
