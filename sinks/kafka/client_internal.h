#pragma once
// One librdkafka client of either kind, and the thread that takes its events: errors, statistics, its log, failed deliveries.
//
// Owned by the sink's lane thread.  The event thread touches only what the mutex guards, and the metrics.

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "core/logger.h"
#include "core/result.h"
#include "sinks/kafka/client_settings.h"
#include "sinks/kafka/handles_internal.h"

namespace sluice::sinks {

// kInvalidConfig when librdkafka does not take the settings.  `events`: which of RD_KAFKA_EVENT_* stand in the client's queue.
Result<ClientHandle> make_client(rd_kafka_type_t type, const ClientSettings& settings, int events);

// What went wrong last with the connections; answers "why" after a timeout.  Any thread.
class LastError {
 public:
  void set(rd_kafka_resp_err_t code, std::string text) {
    const std::lock_guard lock(mutex_);
    code_ = code;
    text_ = std::move(text);
  }
  // True once it is known that waiting alone will not help: TLS or the login is refused.
  bool refused() const {
    const std::lock_guard lock(mutex_);
    return code_ == RD_KAFKA_RESP_ERR__AUTHENTICATION || code_ == RD_KAFKA_RESP_ERR__SSL;
  }
  // The Error for a call that ended with `code`, told by its cause where that is known.
  Error explain(rd_kafka_resp_err_t code, std::string_view detail, std::string_view topic = {}) const;

 private:
  mutable std::mutex mutex_;
  rd_kafka_resp_err_t code_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::string text_;
};

// Passes warnings of librdkafka on, one per facility ("FAIL", "TXNERR") and interval.  The event thread only.
class ClientLog {
 public:
  explicit ClientLog(Logger& log) : log_(log) {}
  void pass(const rd_kafka_event_t* event);

 private:
  Logger& log_;
  std::vector<std::pair<std::string, std::chrono::steady_clock::time_point>> last_;
};

}  // namespace sluice::sinks
