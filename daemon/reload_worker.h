#pragma once
// Reloads that a signal asks for, on a thread of their own: one drains pipelines and may take as long as their shutdown_timeout.

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "daemon/admin/control.h"

namespace sluice::daemon {

// Signals that come while a reload is under way are one more reload after it.  Main thread; `control` outlives it and logs what comes of it.
class ReloadWorker {
 public:
  explicit ReloadWorker(admin::ReloadControl& control) : control_(control), thread_([this](const std::stop_token& stop) { work(stop); }) {}

  void ask() {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
    changed_.notify_all();
  }
  void request_stop() { thread_.request_stop(); }

 private:
  void work(const std::stop_token& stop);

  admin::ReloadControl& control_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool wanted_ = false;
  std::jthread thread_;
};

}  // namespace sluice::daemon
