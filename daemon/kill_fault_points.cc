#include "daemon/kill_fault_points.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>

namespace sluice::daemon {

namespace {

// Any thread.
class KillFaultPoints final : public FaultPoints {
 public:
  KillFaultPoints(std::string point, std::uint64_t passages, int trace) : point_(std::move(point)), left_(passages), trace_(trace) {}
  ~KillFaultPoints() override {
    if (trace_ >= 0) ::close(trace_);
  }
  KillFaultPoints(const KillFaultPoints&) = delete;
  KillFaultPoints& operator=(const KillFaultPoints&) = delete;

  void reach(std::string_view point) override {
    if (trace_ >= 0) note(point);
    if (point == point_ && left_.fetch_sub(1) == 1) std::raise(SIGKILL);
  }

 private:
  // Written at once and without a buffer: the process may be killed in the next moment.
  void note(std::string_view point) {
    const std::lock_guard lock(mutex_);
    if (!seen_.emplace(point).second) return;
    const std::string line = std::string(point) + "\n";
    if (::write(trace_, line.data(), line.size()) < 0) return;  // a test that finds too few points fails by itself
  }

  const std::string point_;
  std::atomic<std::uint64_t> left_;
  const int trace_;
  std::mutex mutex_;
  std::set<std::string, std::less<>> seen_;
};

}  // namespace

Result<std::unique_ptr<FaultPoints>> make_fault_points(std::string_view setting, const std::string& trace) {
  if (setting.empty() && trace.empty()) return std::make_unique<FaultPoints>();
  std::string_view point;
  std::uint64_t passages = 0;
  if (!setting.empty()) {
    const std::size_t colon = setting.rfind(':');
    const std::string_view number = colon == std::string_view::npos ? std::string_view() : setting.substr(colon + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), passages);
    if (error != std::errc() || end != number.data() + number.size() || passages == 0 || colon == 0) {
      return Error(ErrorKind::kInvalidConfig, "bad_value",
                   "SLUICE_FAULT_POINT must be \"<name>:<passage>\", got \"" + std::string(setting) + "\"");
    }
    point = setting.substr(0, colon);
  }
  const int file = trace.empty() ? -1 : ::open(trace.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (!trace.empty() && file < 0) return Error(ErrorKind::kInvalidConfig, "bad_value", "SLUICE_FAULT_TRACE: cannot open \"" + trace + "\"");
  return std::unique_ptr<FaultPoints>(std::make_unique<KillFaultPoints>(std::string(point), passages, file));
}

}  // namespace sluice::daemon
