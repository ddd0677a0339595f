#pragma once
// `dead_letters.copy_to`: one more lane, which reads the store of the dead letters (G18).  At least once; the store is the truth, and
// nothing ever waits for the copy.

#include <memory>
#include <optional>
#include <stop_token>

#include "core/sink.h"
#include "dlq/letter_feed.h"
#include "pipeline/backoff.h"
#include "pipeline/runtime.h"

namespace sluice::pipeline {

// One letter is one record: id, pipeline, stage, phase, component, code, message, source, partition, major, minor, sub, key, first_seen,
// last_seen, attempts, config_hash, raw, input, record; its key is `id`.
class LetterCopier {
 public:
  // `definition` and `runtime` outlive it.
  LetterCopier(const SinkDefinition& definition, Runtime& runtime);
  ~LetterCopier();

  // The thread: until `stop`, then what is there is copied once more without a second try.  Failures are reported, counted in
  // sluice_dead_letter_copy_failures_total, and tried again for good.
  void run(std::stop_token stop);

 private:
  Result<bool> copy_some(std::stop_token stop);
  Status open(std::stop_token stop);
  std::shared_ptr<Batch> make_batch(const std::vector<dlq::StoredLetter>& letters);
  void close();

  const SinkDefinition& definition_;
  Runtime& runtime_;
  std::shared_ptr<const BatchOrigin> origin_;
  SchemaRef schema_;
  std::unique_ptr<dlq::LetterFeed> feed_;
  std::unique_ptr<Sink> sink_;  // null: to be built and opened
  Backoff backoff_;
  Counter& copied_;
  Counter& failures_;
};

}  // namespace sluice::pipeline
