#pragma once
// sluice_http_requests_total{status}, the same in every component that speaks HTTP.  Any thread.

#include <initializer_list>
#include <map>
#include <string>

#include "core/metrics.h"

namespace sluice::net {

class HttpRequestCounters {
 public:
  // `statuses`: series that are there from the start; any other status counts as "other", 0 as "none" (no answer came).
  HttpRequestCounters(Metrics& metrics, std::initializer_list<int> statuses) {
    for (const int status : statuses) by_status_.emplace(status, &series(metrics, std::to_string(status)));
    by_status_.emplace(0, &series(metrics, "none"));
    other_ = &series(metrics, "other");
  }
  void count(int status) const {
    const auto found = by_status_.find(status);
    (found == by_status_.end() ? other_ : found->second)->add();
  }

 private:
  static Counter& series(Metrics& metrics, const std::string& status) {
    return metrics.counter("sluice_http_requests_total", "HTTP requests by the status of their answer.", {{"status", status}});
  }
  std::map<int, Counter*> by_status_;
  Counter* other_ = nullptr;
};

}  // namespace sluice::net
