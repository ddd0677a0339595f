#include "daemon/open_dead_letters.h"

#include "dlq/dead_letter_store.h"

namespace sluice::daemon {

Result<std::unique_ptr<DeadLetterQueue>> open_dead_letters(const pipeline::Definition& definition,
                                                           const pipeline::Environment& environment) {
  dlq::SqliteDeadLetterStore::Options options{definition.name, definition.config_hash, definition.dead_letters.retention};
  const Labels labels{{"pipeline", definition.name}};
  const dlq::SqliteDeadLetterStore::Gauges gauges{
      &environment.metrics.gauge("sluice_dead_letters_stored", "Dead letters that wait for a decision.", labels),
      &environment.metrics.gauge("sluice_dead_letters_oldest_timestamp_seconds",
                                 "When the oldest dead letter that waits came; 0: none waits.", labels)};
  auto store = dlq::SqliteDeadLetterStore::open(environment.state_directory + "/dead_letters.db", std::move(options), environment.clock,
                                                environment.faults, gauges);
  if (!store) return std::move(store).error();
  return std::unique_ptr<DeadLetterQueue>(std::move(store).value());
}

}  // namespace sluice::daemon
