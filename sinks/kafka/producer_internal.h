#pragma once
// One life of a producer: idempotent, with or without transactions.  After any failure the sink drops it and starts another one; that is
// cheaper to get right than to mend one (and librdkafka's fatal errors cannot be mended).
//
// The lane thread owns and calls it.  The event thread records failed deliveries under the mutex; as librdkafka counts a message until
// its event is destroyed, drain() returns only after every failure is recorded.

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <thread>
#include <vector>

#include "core/result.h"
#include "sinks/kafka/client_internal.h"
#include "sinks/kafka/composer.h"
#include "sinks/kafka/statistics.h"

namespace sluice::sinks {

class Producer {
 public:
  // A message that was not delivered.
  struct Failure {
    std::uint64_t tag = 0;  // as given to send()
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    std::size_t bytes = 0;                    // of key and value
    const rd_kafka_topic_t* topic = nullptr;  // null: the transaction failed, not a message
    std::string text = {};
  };
  struct Outgoing {
    std::string_view key, value;  // data() == nullptr: null on the wire
    std::span<const MessageHeader> headers;
    std::int32_t partition = RD_KAFKA_PARTITION_UA;
    std::uint64_t tag = 0;
  };

  static Result<std::unique_ptr<Producer>> start(const ClientSettings& settings, Logger& log, KafkaStatistics& statistics);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  rd_kafka_t* client() const { return client_.get(); }
  const LastError& last_error() const { return last_error_; }
  std::uint64_t batch_bytes() const { return batch_bytes_; }  // the limit of one batch; a larger message goes alone

  // Takes the transactional id: older producers of it are fenced, their open transactions decided.  Waits up to 30 s.
  Status init_transactions(std::stop_token stop);
  Status begin_transaction();
  // Copies the message into the client's queue; waits while that is full.  kBadRecord message_too_large: it is not sent.
  Status send(rd_kafka_topic_t* topic, const Outgoing& message, std::stop_token stop);
  // Waits until every message sent is answered, or given up after a failure in a transaction.
  Status drain(std::stop_token stop);
  // kCommitUnknown when the answer is lost; kTransient when the transaction is certain to be aborted.
  Status commit_transaction(std::stop_token stop);
  // Tries for `patience`; what it leaves open the next init_transactions() ends.
  bool abort_transaction(std::chrono::milliseconds patience);

  bool failed() const;                 // some delivery failed, or the whole transaction
  std::optional<Error> fatal() const;  // why the client is beyond use
  std::vector<Failure> take_failures();

 private:
  Producer(ClientHandle client, Logger& log, KafkaStatistics& statistics);
  Error why(rd_kafka_resp_err_t code, std::string_view detail) const;
  rd_kafka_resp_err_t enqueue(rd_kafka_topic_t* topic, const Outgoing& message);
  void serve(const std::stop_token& stop);
  void take(rd_kafka_event_t* event);
  void take_deliveries(rd_kafka_event_t* event);
  void take_log(const rd_kafka_event_t* event);

  ClientHandle client_;
  const bool transactional_;
  std::uint64_t batch_bytes_ = 0;
  LastError last_error_;
  ClientLog log_;
  KafkaStatistics& statistics_;
  mutable std::mutex mutex_;
  std::vector<Failure> failures_;
  QueueHandle events_;
  std::jthread thread_;  // last: ends before what it uses goes
};

}  // namespace sluice::sinks
