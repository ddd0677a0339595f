#pragma once
// Row changes of a PostgreSQL database through a logical replication slot and pgoutput.
//
// Two threads: the shard's, which calls the interface and decodes, and the reader's (replication_reader.h), which talks to the server
// whatever the pipeline does (G9).  One partition (session.h); ordinals and positions as lsn.h says (G3, G8).

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "core/build_context.h"
#include "core/source.h"
#include "sources/postgres_cdc/auth_refusals.h"
#include "sources/postgres_cdc/change_assembler.h"
#include "sources/postgres_cdc/message_buffer.h"
#include "sources/postgres_cdc/relation_catalog.h"
#include "sources/postgres_cdc/session.h"
#include "sources/postgres_cdc/slot_monitor.h"

namespace sluice::sources::postgres {

class PostgresCdcSource final : public Source {
 public:
  PostgresCdcSource(SessionSettings settings, const BuildContext& context);

  // Creates publication and slot when there is neither a position nor a slot.  Waits for the server up to a few times 15 s, a minute
  // for a slot that has to wait for running transactions; ends within 1 s of a stop request.
  Status open(const Checkpoint& from, std::stop_token stop) override;
  // After kTransient the next call opens a session first, which may take as long as open().
  Result<SourceState> read(BatchBuilder& out, std::stop_token stop) override;
  Status acknowledge(const Checkpoint& done) override;
  Status close() override;

 private:
  Status start_session(std::stop_token stop);
  void end_session();
  Status fill(BatchBuilder& out, std::stop_token stop);
  void publish_position(BatchBuilder& out);
  void note_lag(BatchBuilder& out);
  Error without_streaming(const Error& cause);

  const SessionSettings settings_;
  const std::string component_;
  BuildContext context_;
  ServerRelationCatalog catalog_;
  Gauge& lag_bytes_;
  SlotMonitor monitor_;
  AuthRefusals refusals_;

  std::optional<KnownPosition> known_;  // as of the start of the session; where the next one begins once this ended
  std::unique_ptr<ChangeAssembler> assembler_;
  std::unique_ptr<ReplicationReader> reader_;  // null between sessions
  MessageBlock block_;                         // messages taken from the reader and not decoded yet
  std::string partition_, key_;
  int stale_pid_ = 0;
  bool spool_failed_ = false;  // the next session is one without streaming
  std::chrono::steady_clock::time_point last_quiet_move_;
};

}  // namespace sluice::sources::postgres
