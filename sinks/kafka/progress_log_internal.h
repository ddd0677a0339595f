#pragma once
// The progress topic as open() reads it (G24).  The lane thread only; lives as long as one open().
//
// At read_committed a reader sees nothing beyond the oldest open transaction of the topic.  Other sinks of the pipeline write to it too,
// so our last position may stand behind a transaction of theirs: read_up_to() therefore reads up to an end that was taken from the whole
// log, and waits for such a transaction to be decided.

#include <cstdint>
#include <functional>
#include <map>
#include <stop_token>
#include <string>

#include "core/result.h"
#include "sinks/kafka/client_internal.h"
#include "sinks/kafka/progress_record.h"

namespace sluice::sinks {

class ProgressLog {
 public:
  // `prefix`: "<transactional.id>/"; keys that do not begin with it are another sink's.
  static Result<ProgressLog> open(const ClientSettings& settings, const std::string& topic, std::string prefix);

  ProgressLog(ProgressLog&&) = default;
  ProgressLog& operator=(ProgressLog&&) = delete;
  ~ProgressLog();

  // Reads what is decided by now: up to the oldest open transaction, at most to offset `end` (the topic may grow all the time).  Waits
  // for nobody, so it is the look to take before init_transactions(): until that is called, a predecessor that was killed inside its
  // commit has a transaction open here.
  Status read_decided(std::int64_t end, std::stop_token stop);
  // Reads on until offset `end` (not included).  kTransient progress_unsettled when another producer's transaction stays open.
  Status read_up_to(std::int64_t end, std::stop_token stop);

  // By checkpoint key "<source>/<partition>".
  const std::map<std::string, ProgressRecord, std::less<>>& records() const { return records_; }

 private:
  ProgressLog(ClientHandle client, TopicHandle topic, std::string prefix);
  Status start();
  Status read_while(const std::function<bool()>& more, const std::stop_token& stop);
  Status take(const rd_kafka_message_t& message);

  ClientHandle client_;
  TopicHandle topic_;  // after the client: goes before it
  std::string prefix_;
  std::int64_t next_ = 0;  // offset
  bool started_ = false;
  bool met_end_ = false;  // of what is decided
  std::map<std::string, ProgressRecord, std::less<>> records_;
};

}  // namespace sluice::sinks
