#include "sources/postgres_cdc/session.h"

#include <algorithm>
#include <charconv>

#include "sources/postgres_cdc/made_note.h"
#include "sources/postgres_cdc/slot_health.h"

namespace sluice::sources::postgres {

namespace {

using namespace std::chrono_literals;

// Where wal_sender_timeout is off or very long, a status goes out this often all the same.
constexpr std::chrono::milliseconds kLongestStatusInterval{10'000};

Error fatal(std::string_view code, std::string message) { return {ErrorKind::kFatal, code, std::move(message)}; }

// G2: the log that the position belongs to is that of this server, or one that this server's log continues.
Status check_origin(Connection& connection, const ServerIdentity& server, const KnownPosition& known, std::stop_token stop) {
  const PartitionName& ours = known.partition;
  if (ours.system_id != server.system_id || ours.database != server.database) {
    return fatal("origin_changed", "the position is of database \"" + ours.database + "\" of the server with system id " + ours.system_id +
                                       ", and `url` leads to \"" + server.database + "\" of " + server.system_id);
  }
  // A transaction that is half read must be on the way whole: its commit record begins at the resume point.
  const Lsn needed = known.position.resume + (known.position.inside_transaction() ? 1 : 0);
  if (known.resume.timeline != server.timeline) {
    const std::optional<Lsn> left = SLUICE_TRY(timeline_switch(connection, server.timeline, known.resume.timeline, stop));
    if (left && *left >= needed) return {};
    const std::string where = left ? "leaves timeline " + std::to_string(known.resume.timeline) + " at " + lsn_text(*left)
                                   : "does not come from timeline " + std::to_string(known.resume.timeline);
    return fatal("origin_changed", "the server is on timeline " + std::to_string(server.timeline) + ", which " + where +
                                       ": changes up to " + lsn_text(needed) +
                                       " that were read are not part of it (mend: sluice resync PIPELINE; from PostgreSQL 17 on "
                                       "synchronized_standby_slots on the primary keeps the stream behind its standbys)");
  }
  if (server.flushed < needed) {
    return fatal("origin_changed", "the server's log ends at " + lsn_text(server.flushed) + ", before the position " + lsn_text(needed) +
                                       ": it was restored from an older copy");
  }
  return {};
}

Status check_slot_kind(const SlotHealth& slot, const SessionSettings& settings, const ServerIdentity& server) {
  if (slot.plugin == "pgoutput" && slot.database == server.database) return {};
  return fatal("slot_mismatch", "the replication slot \"" + settings.slot + "\" is of plug-in \"" + slot.plugin + "\" and database \"" +
                                    slot.database + "\", not pgoutput and \"" + server.database + "\"");
}

// G11: the slot still has what the position asks for.
Status check_position(const std::optional<SlotHealth>& slot, const SessionSettings& settings, const KnownPosition& known) {
  const std::string from = "go on from " + lsn_text(known.position.resume) + " with the replication slot \"" + settings.slot + "\": ";
  constexpr std::string_view kMend = " (mend: sluice resync PIPELINE)";
  if (!slot) return fatal("position_lost", from + "the slot no longer exists" + std::string(kMend));
  if (slot->lost())
    return fatal("position_lost",
                 from + "the server has given up the slot and removed its log: " + lost_because(*slot) + std::string(kMend));
  if (slot->confirmed > known.position.resume) {
    return fatal("position_lost", from + "the slot was already confirmed up to " + lsn_text(slot->confirmed) +
                                      ", changes in between are gone" + std::string(kMend));
  }
  if (known.position.inside_transaction() && known.resume.publication != settings.publication) {
    return fatal("slot_options_changed", from +
                                             "the position stands inside a transaction whose rows were counted through the publication \"" +
                                             known.resume.publication + "\"; change `publication` while the pipeline is caught up");
  }
  return {};
}

struct Setup {
  Connection& connection;
  const SessionSettings& settings;
  const ServerIdentity& server;
  Logger& log;
  FaultPoints& faults;
  std::stop_token stop;

  PublicationWish wish(PublicationCreation creation) const { return {settings.publication, settings.publication_owner, creation}; }
  SlotFailover failover() const { return settings.failover ? SlotFailover::kOn : SlotFailover::kOff; }
  Status publish(PublicationCreation creation) const { return ensure_publication(connection, wish(creation), settings.filter, log, stop); }
};

KnownPosition fresh_position(const Setup& setup, Lsn lsn) {
  KnownPosition fresh;
  fresh.partition = {setup.server.system_id, setup.server.timeline, setup.server.database};
  fresh.position = StreamPosition::quiet_at(lsn);
  return fresh;
}

// What the slot's creation exported lives until the connection's next command: another session takes it over.
Status hold_snapshot(const Setup& setup, const CreatedSlot& created, Session& session) {
  if (created.snapshot.empty()) return {};
  const ConnectOptions options{setup.settings.connect.url, setup.settings.connect.application_name + " snapshot"};
  setup.faults.reach("postgres_cdc.before_snapshot_export");
  session.anchor = SLUICE_TRY(adopt_snapshot(options, created.snapshot, created.lsn, setup.stop));
  setup.faults.reach("postgres_cdc.after_snapshot_export");
  return {};
}

Result<KnownPosition> create_everything(const Setup& setup, const SlotIntent& intent, Session& session) {
  const std::string& system_id = setup.server.system_id;
  const MadeNote made(setup.settings.state_directory, setup.settings.component);
  const std::string& publication = setup.settings.publication;
  if (!SLUICE_TRY(published_state(setup.connection, publication, setup.stop)))
    SLUICE_TRY(made.add(MadeNote::Kind::kPublication, system_id, publication, setup.faults));
  setup.faults.reach("postgres_cdc.before_publication");
  SLUICE_TRY(setup.publish(PublicationCreation::kAllowed));
  SLUICE_TRY(made.add(MadeNote::Kind::kSlot, system_id, setup.settings.slot, setup.faults));
  SLUICE_TRY(intent.write(setup.server.system_id, setup.settings.slot, setup.faults));
  setup.faults.reach("postgres_cdc.before_slot_creation");
  const SlotSnapshot wish = setup.settings.snapshot == SnapshotMode::kNever ? SlotSnapshot::kNone : SlotSnapshot::kExported;
  const CreatedSlot created = SLUICE_TRY(create_slot(setup.connection, setup.settings.slot, setup.failover(), wish, setup.stop));
  setup.faults.reach("postgres_cdc.after_slot_creation");
  setup.log.info("created the replication slot", {{"slot", setup.settings.slot}, {"lsn", lsn_text(created.lsn)}});
  SLUICE_TRY(hold_snapshot(setup, created, session));
  return fresh_position(setup, created.lsn);
}

// G11: without a checkpoint a slot is only taken when it is known to be ours or we are told to.
Result<KnownPosition> take_slot(const Setup& setup, const SlotHealth& slot, const SlotIntent& intent) {
  const std::string& name = setup.settings.slot;
  const bool ours = SLUICE_TRY(intent.holds(setup.server.system_id, name));
  if (!setup.settings.adopt && !ours) {
    return fatal("slot_without_checkpoint", "the replication slot \"" + name + "\" exists, confirmed up to " + lsn_text(slot.confirmed) +
                                                ", but this pipeline has no checkpoint: changes before that are gone (mend: `adopt: true` "
                                                "goes on from there; SELECT pg_drop_replication_slot('" +
                                                name + "') starts anew)");
  }
  if (slot.lost())
    return fatal("position_lost", "take over the replication slot \"" + name + "\": the server has removed its log: " + lost_because(slot) +
                                      " (mend: SELECT pg_drop_replication_slot('" + name + "'))");
  SLUICE_TRY(setup.publish(PublicationCreation::kTooLate));
  return fresh_position(setup, slot.confirmed);
}

// What the publication sent in the last session it must send still: else somebody took a table out of it, and to put it back here would
// hide the gap.
Status check_published(const Setup& setup) {
  std::optional<PublishedState> before = SLUICE_TRY(publication_note(setup.settings, setup.server.system_id).read());
  if (!before) return {};
  if (setup.settings.publication_owner == PublicationOwner::kTheUsers) {  // they rule over it; ensure_publication() says what is missing
    before->all_operations = false;
    before->schemas.clear();
  }
  const std::string& name = setup.settings.publication;
  const std::optional<PublishedState> now = SLUICE_TRY(published_state(setup.connection, name, setup.stop));
  std::optional<Error> loss = SLUICE_TRY(publication_loss(setup.connection, name, *before, now, setup.settings.filter, setup.stop));
  if (loss) return *std::move(loss);
  return {};
}

Result<KnownPosition> find_start(const Setup& setup, const std::optional<KnownPosition>& known, const std::optional<SlotHealth>& slot,
                                 Session& session) {
  const SlotIntent intent(setup.settings.state_directory, setup.settings.component);
  if (slot) SLUICE_TRY(check_slot_kind(*slot, setup.settings, setup.server));
  if (!known) return slot ? take_slot(setup, *slot, intent) : create_everything(setup, intent, session);
  SLUICE_TRY(check_position(slot, setup.settings, *known));
  SLUICE_TRY(check_published(setup));
  SLUICE_TRY(setup.publish(PublicationCreation::kTooLate));
  if (known->durable != 0) intent.remove();
  return *known;
}

// Our own last session may still hold the slot when its connection broke on the way: known by its process, or, when this process has had
// no session yet, by its application name, which holds the random id of our data directory (one daemon at a time has that, G30).
bool is_our_own(const SlotHealth& slot, const SessionSettings& settings, int stale_pid) {
  if (stale_pid != 0) return slot.active_pid == stale_pid;
  return settings.unique_application && slot.reader_application == settings.connect.application_name;
}

// Ends a stale session of ours.  Best effort: START_REPLICATION has the last word.
Status claim_slot(const Setup& setup, const std::optional<SlotHealth>& slot, int stale_pid) {
  if (!slot || slot->active_pid == 0) return {};
  if (!is_our_own(*slot, setup.settings, stale_pid)) {
    return Error(ErrorKind::kTransient, "slot_in_use",
                 "read from the replication slot \"" + setup.settings.slot + "\": process " + std::to_string(slot->active_pid) +
                     " of the server reads from it" + (slot->reader.empty() ? "" : " for " + slot->reader) +
                     "; it is tried again (mend, if that reader must not be: SELECT pg_terminate_backend(" +
                     std::to_string(slot->active_pid) + "); a slot has one reader, so another pipeline needs a `slot` of its own)");
  }
  const std::string wait = setup.connection.server_version() >= 140000 ? ", 5000" : "";  // milliseconds, until it has ended
  SLUICE_TRY(setup.connection.query("SELECT pg_terminate_backend(" + std::to_string(slot->active_pid) + wait + ")", "end the last session",
                                    setup.stop));
  setup.log.info("ended our last session, which still held the replication slot", {{"slot", setup.settings.slot}});
  return {};
}

// A slot made by an older version, or before the server was upgraded.
Status follow_to_standbys(const Setup& setup, const std::optional<SlotHealth>& slot) {
  const bool wanted = setup.settings.failover && setup.connection.server_version() >= kFailoverVersion;
  if (!wanted || !slot || slot->failover) return {};
  SLUICE_TRY(enable_failover(setup.connection, setup.settings.slot, setup.stop));
  setup.log.info("the replication slot follows to standbys from now on", {{"slot", setup.settings.slot}});
  return {};
}

// A process of the server that has looked at tables and types keeps what it saw, and then reads older rows of its log as if they were laid
// out that way: garbage, or an error (decision 0041).  So the stream gets a process that has looked at nothing.
Status reconnect(const Setup& setup, Connection& connection) {
  { const Connection done = std::move(connection); }  // first, for a server whose walsenders are counted
  connection = SLUICE_TRY(Connection::connect(setup.settings.connect, Connection::Mode::kReplication, setup.stop));
  const ServerIdentity now = SLUICE_TRY(identify_server(connection, setup.stop));
  if (now.system_id == setup.server.system_id && now.timeline == setup.server.timeline) {
    SLUICE_TRY(connection.query("SET search_path = " + std::string(kReadingSearchPath), "open a session for the stream", setup.stop));
    return {};
  }
  return Error(ErrorKind::kTransient, "connection_lost", "connect to PostgreSQL: `url` leads to another server than a moment ago");
}

Status start_stream(const Setup& setup, const StreamOptions& options, Lsn from) {
  const std::string command = start_command(setup.connection, setup.settings.slot, from, options, setup.settings.publication);
  SLUICE_TRY(setup.connection.query(command, "read from the replication slot \"" + setup.settings.slot + "\"", setup.stop));
  return {};
}

ReplicationReader::Options reader_options(const SessionSettings& settings, const ServerIdentity& server, const KnownPosition& start) {
  ReplicationReader::Options options;
  options.acknowledged = start.durable;
  options.status_interval = std::min(settings.heartbeat, kLongestStatusInterval);
  if (server.wal_sender_timeout > 0ms) options.status_interval = std::min(options.status_interval, server.wal_sender_timeout / 4);  // G9
  options.status_interval = std::max(options.status_interval, std::chrono::milliseconds(10));
  options.silence_limit = std::max({settings.silence_limit, server.wal_sender_timeout, options.status_interval * 4});
  return options;
}

}  // namespace

PublicationNote publication_note(const SessionSettings& settings, const std::string& system_id) {
  return {settings.state_directory, settings.component, system_id + ' ' + settings.publication};
}

std::optional<PartitionName> PartitionName::parse(std::string_view text) {
  const std::size_t first = text.find('/');
  const std::size_t second = first == std::string_view::npos ? first : text.find('/', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  PartitionName name;
  name.system_id = text.substr(0, first);
  name.database = text.substr(second + 1);
  const char* const end = text.data() + second;
  const auto [parsed, error] = std::from_chars(text.data() + first + 1, end, name.timeline);
  if (error != std::errc() || parsed != end) return std::nullopt;
  return name;
}

Result<std::optional<KnownPosition>> known_position(const Checkpoint& from, std::string_view source) {
  const std::string prefix = checkpoint_key(source, "");
  std::optional<KnownPosition> best;
  for (const auto& [key, stored] : from) {
    if (stored.retired || !std::string_view(key).starts_with(prefix)) continue;
    if (SnapshotPartition::parse(std::string_view(key).substr(prefix.size()))) continue;
    const auto partition = PartitionName::parse(std::string_view(key).substr(prefix.size()));
    const auto resume = ResumePoint::decode(stored.resume);
    if (!partition || !resume)
      return fatal("position_unreadable", "the checkpoint of \"" + key + "\" holds the position \"" + stored.resume +
                                              "\", which this version does not understand");
    if (best && stored.done <= best->position.done) continue;
    best = KnownPosition{*partition, {stored.done, resume->lsn}, *resume, resume->lsn};
  }
  return best;
}

Result<Session> open_session(const SessionSettings& settings, const std::optional<KnownPosition>& known, int stale_pid, bool streaming,
                             Logger& log, FaultPoints& faults, std::stop_token stop) {
  Connection connection = SLUICE_TRY(Connection::connect(settings.connect, Connection::Mode::kReplication, stop));
  const ServerIdentity server = SLUICE_TRY(identify_server(connection, stop));
  if (known) SLUICE_TRY(check_origin(connection, server, *known, stop));
  const ResumePoint* inside = known && known->position.inside_transaction() ? &known->resume : nullptr;
  const StreamOptions options = SLUICE_TRY(choose_stream_options(connection.server_version(), inside, {settings.messages, streaming}));
  const std::optional<SlotHealth> slot = SLUICE_TRY(slot_health(connection, settings.slot, stop));
  const Setup setup{connection, settings, server, log, faults, stop};
  Session session;
  session.tables = SLUICE_TRY(tables_digest(connection, settings.publication, stop));
  session.start = SLUICE_TRY(find_start(setup, known, slot, session));
  session.start.resume = {session.start.position.resume, server.timeline, options.protocol, settings.publication, options.messages};
  SLUICE_TRY(remember_published(connection, publication_note(settings, server.system_id), settings.publication, faults, stop));
  SLUICE_TRY(claim_slot(setup, slot, stale_pid));
  SLUICE_TRY(follow_to_standbys(setup, slot));
  SLUICE_TRY(reconnect(setup, connection));
  SLUICE_TRY(start_stream(setup, options, session.start.position.resume));
  session.reader = std::make_unique<ReplicationReader>(std::move(connection), reader_options(settings, server, session.start));
  return session;
}

}  // namespace sluice::sources::postgres
