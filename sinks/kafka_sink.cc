// Messages in Kafka's topics; exactly once (G24): records and positions in one transaction.
//
//   open    new producer -> progress topic there? -> read it: another installation's? -> init_transactions (fences older producers)
//           -> read the rest: how far we got
//   write   begin, messages into the client's queue
//   flush   every message answered                               == every verdict is known ==
//   commit  positions into the progress topic, commit
//
// A failed transaction is not mended: it is aborted, the lane calls open() and writes again what was not refused.  While a transaction
// is known to fail (doomed_) further records are not sent, and flush() still tells the verdicts that are known.
//
// A broker refuses whole batches.  So a refusal counts only where the message was alone in its batch: larger than a batch may be, or
// sent by a producer that sends each message alone (isolating_), which open() starts after a refusal that names nobody.
//
// at_least_once has no transactions and no positions: flush() waits for the answers, and the keeper holds the position.

#include <memory>

#include "core/registry.h"
#include "sinks/kafka/broker_errors.h"
#include "sinks/kafka/producer_internal.h"
#include "sinks/kafka/progress_log_internal.h"
#include "sinks/kafka/topics_internal.h"

namespace sluice {

namespace sinks {

namespace {

constexpr std::string_view kProgressTopic = "__sluice_progress.";
constexpr std::chrono::milliseconds kAbortPatience{3000};
constexpr int kWatermarkMs = 10000;
constexpr std::uint64_t kLeastBatchBytes = 1024;

// One compacted partition.  Small segments: only closed ones are compacted, and open() reads all of it.
NewTopic progress_topic(const std::string& name, std::int32_t replication) {
  return {name,
          1,
          replication,
          {{"cleanup.policy", "compact"}, {"segment.bytes", "16777216"}, {"segment.ms", "3600000"}, {"min.cleanable.dirty.ratio", "0.1"}}};
}

class KafkaSink final : public Sink {
 public:
  KafkaSink(const KafkaSinkConfig& config, const BuildContext& context, Composer composer)
      : config_(config),
        exactly_once_(config.delivery == KafkaDelivery::kExactlyOnce),
        instance_(context.instance),
        client_id_("sluice." + context.outside_name() + "." + context.component),
        transactional_id_(config.transactional_id.empty() ? client_id_ : config.transactional_id),
        progress_name_(std::string(kProgressTopic) + context.outside_name()),
        log_(context.log),
        faults_(context.faults),
        statistics_(context.metrics),
        composer_(std::move(composer)) {}
  ~KafkaSink() override { drop_producer(); }

  Result<std::optional<Checkpoint>> open(std::stop_token stop) override;
  Status write(const BatchView& view, Rejects& rejects, std::stop_token stop) override;
  Status flush(Rejects& rejects, std::stop_token stop) override;
  Status commit(const CommitRequest& request, std::stop_token stop) override;
  Status close(Closing how) override;

 private:
  void drop_producer();
  Status start_producer();
  Result<Checkpoint> take_over(std::stop_token stop);
  Status prepare_progress_topic(std::stop_token stop);
  Result<std::int64_t> progress_end();
  Status check_instance(const ProgressLog& log) const;

  Status begin();
  Status write_record(const Batch& batch, std::uint32_t index, const std::stop_token& stop);
  Status settle(const std::vector<Producer::Failure>& failures, Rejects& rejects);
  bool was_alone(const Producer::Failure& failure) const;

  Status store(const CommitRequest& request, std::stop_token stop);
  Status send_progress(const Checkpoint& moved, std::span<const std::string> forgotten, const std::stop_token& stop);
  Status leave_isolation();
  // Ends the transaction, so that readers are not held up while the lane backs off.
  Status give_up(Status failed);

  const KafkaSinkConfig config_;
  const bool exactly_once_;
  const std::string instance_, client_id_, transactional_id_, progress_name_;
  Logger& log_;
  FaultPoints& faults_;
  KafkaStatistics statistics_;
  Composer composer_;

  std::unique_ptr<Producer> producer_;
  std::unique_ptr<Topics> topics_;  // goes before the producer
  rd_kafka_topic_t* progress_ = nullptr;
  Checkpoint checkpoint_;  // as it is committed
  bool in_transaction_ = false;
  bool doomed_ = false;     // the transaction cannot be committed
  bool isolating_ = false;  // each message is sent alone
  bool isolate_next_ = false;
  bool was_fenced_ = false;
  std::uint64_t batch_bytes_ = 0;  // limit of a batch; 0: the client's

  std::vector<std::shared_ptr<const Batch>> batches_;  // of this transaction; a tag names one of them and a record of it
};

// 0 is the sink's own.
std::uint64_t make_tag(std::size_t batch, std::uint32_t index) { return (static_cast<std::uint64_t>(batch + 1) << 32U) | index; }

// ---- open ---------------------------------------------------------------------------------------------------------------------------

void KafkaSink::drop_producer() {
  batches_.clear();
  progress_ = nullptr;
  topics_.reset();
  producer_.reset();
  in_transaction_ = false;
  doomed_ = false;
}

Status KafkaSink::start_producer() {
  drop_producer();
  isolating_ = std::exchange(isolate_next_, false);
  const std::string_view id = exactly_once_ ? std::string_view(transactional_id_) : std::string_view();
  const ClientSettings settings = SLUICE_TRY(producer_settings(config_, client_id_, id, {isolating_, batch_bytes_}));
  producer_ = SLUICE_TRY(Producer::start(settings, log_, statistics_));
  topics_ = std::make_unique<Topics>(producer_->client(), config_.create_topics, producer_->last_error(), faults_);
  return {};
}

Result<std::optional<Checkpoint>> KafkaSink::open(std::stop_token stop) {
  SLUICE_TRY(start_producer());
  if (!exactly_once_) return std::optional<Checkpoint>();
  auto found = take_over(std::move(stop));
  if (!found) {
    drop_producer();
    return std::move(found).error();
  }
  checkpoint_ = std::move(found).value();
  was_fenced_ = false;
  return std::optional<Checkpoint>(checkpoint_);
}

Result<Checkpoint> KafkaSink::take_over(std::stop_token stop) {
  SLUICE_TRY(prepare_progress_topic(stop));
  const ClientSettings settings = SLUICE_TRY(reader_settings(config_, client_id_));
  ProgressLog log = SLUICE_TRY(ProgressLog::open(settings, progress_name_, transactional_id_ + "/"));
  // A look before we take the transactional id from a producer that may be at work.
  const std::int64_t before = SLUICE_TRY(progress_end());
  SLUICE_TRY(log.read_decided(before, stop));
  SLUICE_TRY(check_instance(log));
  faults_.reach("kafka_sink.before_init");
  SLUICE_TRY(producer_->init_transactions(stop));
  faults_.reach("kafka_sink.after_init");
  const std::int64_t end = SLUICE_TRY(progress_end());
  SLUICE_TRY(log.read_up_to(end, stop));
  SLUICE_TRY(check_instance(log));
  Checkpoint result;
  for (const auto& [key, record] : log.records()) result[key] = record.position;
  return result;
}

Status KafkaSink::prepare_progress_topic(std::stop_token stop) {
  const NewTopic wanted = progress_topic(progress_name_, config_.create_topics.replication);
  auto found = topics_->ensure(wanted, stop);
  if (!found) return std::move(found).error().context("progress topic");
  progress_ = *found;
  const auto policy = topic_setting(producer_->client(), progress_name_, "cleanup.policy", stop);
  if (!policy || *policy == "compact") return {};
  return Error(ErrorKind::kFatal, "progress_not_compacted",
               "topic \"" + progress_name_ + "\" has cleanup.policy=" + *policy +
                   ", so Kafka would forget positions: set it to compact (kafka-configs --alter --topic " + progress_name_ +
                   " --add-config cleanup.policy=compact)");
}

// The end of the whole log, open transactions included (the producer reads at read_uncommitted).
Result<std::int64_t> KafkaSink::progress_end() {
  std::int64_t low = 0, high = 0;
  const rd_kafka_resp_err_t code =
      rd_kafka_query_watermark_offsets(producer_->client(), progress_name_.c_str(), 0, &low, &high, kWatermarkMs);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return high;
  return producer_->last_error().explain(code, "asking for the end of the progress topic");
}

// G24, G30.
Status KafkaSink::check_instance(const ProgressLog& log) const {
  for (const auto& [key, record] : log.records()) {
    if (record.instance == instance_) continue;
    return Error(ErrorKind::kFatal, was_fenced_ ? "fenced" : "other_instance",
                 "another installation of sluice (" + record.instance + ") writes with the transactional id \"" + transactional_id_ +
                     "\": stop one of them, or give this sink its own transactional_id");
  }
  return {};
}

// ---- write ---------------------------------------------------------------------------------------------------------------------------

Status KafkaSink::begin() {
  if (!exactly_once_ || in_transaction_) return {};
  faults_.reach("kafka_sink.before_begin");
  SLUICE_TRY(producer_->begin_transaction());
  in_transaction_ = true;
  faults_.reach("kafka_sink.after_begin");
  return {};
}

Status KafkaSink::write(const BatchView& view, Rejects& rejects, std::stop_token stop) {
  if (!producer_) return Error(ErrorKind::kTransient, "transaction_aborted", "there is no producer");
  if (doomed_ || view.selected.empty()) return {};
  if (Status begun = begin(); !begun) return give_up(std::move(begun));
  batches_.push_back(view.batch);
  faults_.reach("kafka_sink.before_messages");
  for (const std::uint32_t index : view.selected) {
    Status written = write_record(*view.batch, index, stop);
    if (written) continue;
    if (written.error().kind() == ErrorKind::kBadRecord) {
      statistics_.refused.add();
      rejects.add(view, index, std::move(written).error());
      continue;
    }
    if (producer_->fatal() || !producer_->failed()) return give_up(std::move(written));
    doomed_ = true;  // flush() tells of whom
    break;
  }
  faults_.reach("kafka_sink.after_messages");
  return {};
}

Status KafkaSink::write_record(const Batch& batch, std::uint32_t index, const std::stop_token& stop) {
  SLUICE_TRY(composer_.compose(batch, batch.records()[index]));
  bool first = true;
  for (const MessageBuffer::Message& message : composer_.messages()) {
    rd_kafka_topic_t* topic = SLUICE_TRY(topics_->find(composer_.topic(message), stop));
    const Producer::Outgoing outgoing{composer_.key(message), composer_.value(message), composer_.headers(message), RD_KAFKA_PARTITION_UA,
                                      make_tag(batches_.size() - 1, index)};
    Status sent = producer_->send(topic, outgoing, stop);
    if (!sent && sent.error().kind() == ErrorKind::kBadRecord && !first) doomed_ = true;  // half of the record stands in the transaction
    if (!sent) return sent;
    first = false;
  }
  return {};
}

// ---- flush --------------------------------------------------------------------------------------------------------------------------

Status KafkaSink::flush(Rejects& rejects, std::stop_token stop) {
  if (!producer_ || batches_.empty()) return {};
  faults_.reach("kafka_sink.before_flush");
  if (Status answered = producer_->drain(std::move(stop)); !answered) return give_up(std::move(answered));
  faults_.reach("kafka_sink.after_flush");
  if (auto fatal = producer_->fatal()) return give_up(*std::move(fatal));
  const auto failures = producer_->take_failures();
  if (failures.empty()) return {};
  Status settled = settle(failures, rejects);
  return settled ? std::move(settled) : give_up(std::move(settled));
}

// Only a message that was alone in its batch was refused itself.
bool KafkaSink::was_alone(const Producer::Failure& failure) const {
  const bool by_size = failure.code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && failure.bytes > producer_->batch_bytes();
  return isolating_ || by_size;
}

// Rejects what was refused.  An error when something else is wrong and nothing was refused.
Status KafkaSink::settle(const std::vector<Producer::Failure>& failures, Rejects& rejects) {
  std::optional<Error> other;
  bool refused = false, in_company = false;
  std::uint64_t last = 0;
  for (const Producer::Failure& failure : failures) {
    const char* topic = failure.topic != nullptr ? rd_kafka_topic_name(failure.topic) : "";
    if (is_refusal(failure.code) && failure.tag == 0) continue;  // said of the transaction; its messages say it of themselves
    if (!is_refusal(failure.code)) {
      Error error = producer_->last_error().explain(failure.code, failure.text, topic);
      // What the client gave up because of the first failure says nothing.
      if (!other || other->code() == "transaction_aborted") other = std::move(error);
    } else if (!was_alone(failure)) {
      in_company = true;
    } else if (failure.tag != std::exchange(last, failure.tag)) {  // several messages of one record stand together
      refused = true;
      statistics_.refused.add();
      const auto& batch = batches_[(failure.tag >> 32U) - 1];
      rejects.add({batch, {}}, static_cast<std::uint32_t>(failure.tag), broker_error(failure.code, {}, topic));
    }
  }
  if (in_company) {
    isolate_next_ = true;
    batch_bytes_ = std::max(kLeastBatchBytes, producer_->batch_bytes() / 2);
  }
  if (other && !refused && !in_company) return *std::move(other);
  doomed_ = exactly_once_ || in_company || other.has_value();
  return {};
}

// ---- commit -------------------------------------------------------------------------------------------------------------------------

Status KafkaSink::commit(const CommitRequest& request, std::stop_token stop) {
  if (!producer_) return Error(ErrorKind::kTransient, "transaction_aborted", "there is no producer");
  if (doomed_) {
    // The lane writes again what was not refused; there is nothing to wait for.
    return give_up(Error(ErrorKind::kTransient, "transaction_aborted", "a broker refused records; the others are written again")
                       .retry_after(std::chrono::milliseconds(0)));
  }
  if (!exactly_once_) {
    batches_.clear();
    return leave_isolation();
  }
  Status stored = store(request, std::move(stop));
  return stored ? leave_isolation() : give_up(std::move(stored));
}

Status KafkaSink::store(const CommitRequest& request, std::stop_token stop) {
  // Merged, not overwritten: `through` may be behind what the topic says, and then only `retired` counts.
  Checkpoint moved;
  for (const auto& [key, position] : request.through) {
    const auto known = checkpoint_.find(key);
    Checkpoint merged;
    if (known != checkpoint_.end()) merged.insert(*known);
    advance(merged, {{key, position}});
    if (known == checkpoint_.end() || known->second != merged.begin()->second) moved.merge(merged);
  }
  if (!in_transaction_ && moved.empty() && request.forgotten.empty()) return {};
  SLUICE_TRY(begin());
  faults_.reach("kafka_sink.before_progress");
  SLUICE_TRY(send_progress(moved, request.forgotten, stop));
  faults_.reach("kafka_sink.before_commit");
  SLUICE_TRY(producer_->commit_transaction(std::move(stop)));
  in_transaction_ = false;
  batches_.clear();
  statistics_.committed.add();
  faults_.reach("kafka_sink.after_commit");
  if (faults_.failure("kafka_sink", "commit_answer") != 0)
    return Error(ErrorKind::kCommitUnknown, "broker_unreachable", "the commit's answer is missing");
  advance(checkpoint_, moved);
  for (const std::string& key : request.forgotten) checkpoint_.erase(key);
  return {};
}

// G24; forgotten keys as tombstones (G4).
Status KafkaSink::send_progress(const Checkpoint& moved, std::span<const std::string> forgotten, const std::stop_token& stop) {
  const auto send = [&](const std::string& name, std::string_view value) -> Status {
    const std::string key = transactional_id_ + "/" + name;
    Status sent = producer_->send(progress_, {key, value, {}, 0, 0}, stop);
    if (sent || sent.error().kind() != ErrorKind::kBadRecord) return sent;
    return Error(ErrorKind::kFatal, "progress_too_large", "the position of " + name + ": " + sent.error().message());
  };
  for (const auto& [key, position] : moved) SLUICE_TRY(send(key, write_progress({instance_, position})));
  for (const std::string& key : forgotten) {
    if (!moved.contains(key)) SLUICE_TRY(send(key, {}));
  }
  return {};
}

// After the commit, back to batches: a new producer, since the size of batches is fixed for a producer's life.
Status KafkaSink::leave_isolation() {
  if (!isolating_) return {};
  auto opened = open({});
  if (opened || opened.error().kind() == ErrorKind::kTransient) return {};
  return std::move(opened).error();
}

Status KafkaSink::give_up(Status failed) {
  if (failed.error().code() == "fenced") was_fenced_ = true;
  if (in_transaction_) {
    faults_.reach("kafka_sink.before_abort");
    const bool reachable = failed.error().code() != "broker_unreachable" && !was_fenced_;
    if (reachable && producer_->abort_transaction(kAbortPatience)) statistics_.aborted.add();
    faults_.reach("kafka_sink.after_abort");
  }
  drop_producer();
  return failed;
}

Status KafkaSink::close(Closing how) {
  if (producer_ && in_transaction_ && how == Closing::kAbandon) producer_->abort_transaction(kAbortPatience);
  drop_producer();
  return {};
}

Result<std::unique_ptr<Sink>> build(const KafkaSinkConfig& config, const BuildContext& context) {
  const std::string progress = std::string(kProgressTopic) + context.outside_name();
  if (const std::string wrong = wrong_topic_name(progress); !wrong.empty()) {
    return Error(ErrorKind::kInvalidConfig, "bad_value", "the pipeline's name cannot be part of the progress topic's: " + wrong);
  }
  return std::unique_ptr<Sink>(std::make_unique<KafkaSink>(config, context, SLUICE_TRY(Composer::build(config, context))));
}

Guarantee guarantee(const KafkaSinkConfig& config) {
  if (config.delivery == KafkaDelivery::kExactlyOnce)
    return {true, "records and positions are committed in one transaction; read with isolation.level=read_committed"};
  return {false, "delivery: at_least_once writes records again after a failure"};
}

constexpr std::string_view kExample = R"(
brokers: [localhost:9092]
topic: shop.${meta.table}
format: json
delivery: exactly_once
compression: zstd
create_topics: {partitions: 6, replication: 1, config: {retention.ms: "604800000"}}
per_table:
  shop.orders: {topic: orders, key: [id]}
properties: {linger.ms: "5"}
)";

}  // namespace

}  // namespace sinks

void register_kafka_sink(Registry& registry);
void register_kafka_sink(Registry& registry) {
  registry.add(SinkType<sinks::KafkaSinkConfig>{
      {"kafka", "Messages in Kafka's topics, exactly once by transactions.", sinks::kExample, &sinks::kafka_sink_fields()},
      sinks::build,
      sinks::guarantee});
}

}  // namespace sluice
