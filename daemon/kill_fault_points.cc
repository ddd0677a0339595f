#include "daemon/kill_fault_points.h"

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <string>

namespace sluice::daemon {

namespace {

// Any thread.
class KillFaultPoints final : public FaultPoints {
 public:
  KillFaultPoints(std::string point, std::uint64_t passages) : point_(std::move(point)), left_(passages) {}

  void reach(std::string_view point) override {
    if (point == point_ && left_.fetch_sub(1) == 1) std::raise(SIGKILL);
  }

 private:
  const std::string point_;
  std::atomic<std::uint64_t> left_;
};

}  // namespace

Result<std::unique_ptr<FaultPoints>> make_fault_points(std::string_view setting) {
  if (setting.empty()) return std::make_unique<FaultPoints>();
  const std::size_t colon = setting.rfind(':');
  std::uint64_t passages = 0;
  const std::string_view number = colon == std::string_view::npos ? std::string_view() : setting.substr(colon + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), passages);
  if (error != std::errc() || end != number.data() + number.size() || passages == 0 || colon == 0) {
    return Error(ErrorKind::kInvalidConfig, "bad_value", "SLUICE_FAULT_POINT must be \"<name>:<passage>\", got \"" + std::string(setting) + "\"");
  }
  return std::unique_ptr<FaultPoints>(std::make_unique<KillFaultPoints>(std::string(setting.substr(0, colon)), passages));
}

}  // namespace sluice::daemon
