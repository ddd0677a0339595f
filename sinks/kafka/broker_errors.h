#pragma once
// Kafka's answers as errors of ours.  The kind follows the protocol's own column "retriable" (https://kafka.apache.org/protocol, Error
// Codes): what may mend by itself or by somebody creating a topic is kTransient; what is forbidden stays forbidden and is kFatal.
//
//   code                       kind        what happened
//   broker_unreachable         transient   no broker answers, or not in time
//   authentication_failed      transient   wrong name or password; passwords rotate, so it is tried again
//   tls_failed                 transient   no TLS with the broker
//   topic_unknown              transient   the topic does not exist, or no longer
//   topic_forbidden            fatal       no right to write to (or describe) the topic
//   transactional_id_forbidden fatal       no right to use the transactional id
//   cluster_forbidden          fatal       no right to write at all
//   fenced                     transient   another producer took the transactional id; the sink looks once whose it is (G24)
//   transaction_aborted        transient   the transaction cannot be committed; everything is written again
//   not_enough_replicas        transient   fewer replicas in sync than the topic asks for
//   topic_name_invalid         bad record
//   message_too_large          bad record
//   record_refused             bad record  the broker's validation (a compacted topic wants keys, ...)
//   kafka_error                transient   anything else

#include <string>
#include <string_view>

#include "core/result.h"

namespace sluice::sinks {

// `code` is an rd_kafka_resp_err_t; `detail` is librdkafka's sentence; `topic` may be empty.
Error broker_error(int code, std::string_view detail, std::string_view topic = {});

// The broker looked at the record and will not have it, however often it is tried.
bool is_refusal(int code);

}  // namespace sluice::sinks
