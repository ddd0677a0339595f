// Codes that `sluice doctor` alone has.
#include "daemon/error_codes.h"

#include <array>

namespace sluice::daemon {

namespace {

constexpr auto kCodes = std::to_array<ErrorCode>({
    {"columns_lack_identity", "doctor",
     "A column list lacks columns of the replica identity: the server refuses every update and delete of the table.",
     "columns: of a table without its key.", "Add the key's columns."},
    {"filter_outside_identity", "doctor",
     "A row filter uses columns outside the replica identity: the server refuses every update and delete of the table.",
     "where: over other columns.", "REPLICA IDENTITY FULL, or another where."},
    {"few_free_senders", "doctor", "max_wal_senders is nearly used up.", "Standbys and other readers.", "Raise it."},
    {"generated_columns", "doctor", "Generated columns are not in the log.", "PostgreSQL before 18.", "Compute them with set."},
    {"identity_full", "doctor", "REPLICA IDENTITY FULL logs the whole old row with every update and delete.", "It was chosen.",
     "Nothing; it costs log."},
    {"no_replica_identity", "doctor, stops", "A table has neither a primary key nor a replica identity.", "A table without a key.",
     "A primary key, or REPLICA IDENTITY FULL."},
    {"not_a_table", "doctor", "A view or a foreign table: its changes are not in the log.", "A pattern that matches too much.",
     "Name the tables behind it."},
    {"partition_identity_differs", "doctor", "Partitions have another replica identity than their parent.",
     "ALTER TABLE on the parent alone.", "Give each partition the same."},
    {"key_not_in_identity", "doctor", "key: names columns that updates and deletes do not carry.", "The replica identity is another key.",
     "REPLICA IDENTITY FULL, or USING INDEX."},
    {"publication_all_tables", "doctor", "The publication holds all tables.", "It was made so.", "Nothing."},
    {"publication_lacks_operations", "doctor", "The publication leaves out inserts, updates, deletes or truncates.", "publish = .. of it.",
     "ALTER PUBLICATION .. SET (publish = ..), if that was not meant."},
    {"publication_will_be_created", "doctor", "The first start creates the publication.", "It is not there yet.", "Nothing."},
    {"tables_will_be_published", "doctor", "The first start adds tables to the publication.", "They are new in the file.", "Nothing."},
    {"row_security", "doctor", "Row security hides rows from the snapshot.", "Policies on the table.", "A role with BYPASSRLS."},
    {"slot_idle_timeout", "doctor", "PostgreSQL 18 gives up the slot of a pipeline that is stopped for so long.",
     "idle_replication_slot_timeout.", "Set it to 0."},
    {"slot_not_failover", "doctor", "The slot is not synchronised to standbys.", "failover: false, or an older slot.",
     "The next start gives it to it, with failover: true."},
    {"slot_state", "doctor", "What the slot does.", "For the record.", "Nothing."},
    {"slot_will_be_created", "doctor", "The first start creates the slot.", "It is not there yet.", "Nothing."},
    {"table_not_logged", "doctor", "An UNLOGGED table: its changes are not in the log.", "It was made so.", "ALTER TABLE .. SET LOGGED"},
    {"table_without_key", "doctor", "REPLICA IDENTITY FULL without a primary key.", "A table without a key.",
     "Sinks that upsert need key."},
    {"toast_unchanged", "doctor", "An update that does not touch a large value leaves it out of the log.", "TOAST.",
     "Nothing; sinks that upsert keep the old value."},
    {"wal_budget_beyond_limit", "doctor", "The slot is given up before wal_budget raises its alarm.", "max_slot_wal_keep_size is smaller.",
     "A smaller wal_budget."},
    {"wal_sender_timeout_off", "doctor", "A lost connection holds the slot for long.", "wal_sender_timeout is 0.", "60s"},
    {"wal_sender_timeout_short", "doctor", "A short stall ends the stream.", "wal_sender_timeout is below a few seconds.", "60s"},
    {"wal_unlimited", "doctor", "A stopped pipeline fills the server's disk in the end.", "max_slot_wal_keep_size is -1.",
     "Set it, and watch sluice_postgres_wal_retained_bytes."},
    {"progress_partitions", "doctor", "The progress topic must have one partition.", "It was made by hand.",
     "Make it anew with one, compacted."},
    {"topic_compacted", "doctor", "The topic is compacted: records without a key are refused.", "cleanup.policy=compact.", "key: [id]"},
    {"topic_not_replicated", "doctor", "The topic has one replica in a cluster of several brokers.", "The cluster's default.",
     "Raise its replication."},
    {"topic_will_be_created", "doctor", "The first record creates the topic.", "create_topics.", "Nothing."},
    {"topic_without_leader", "doctor", "A partition of the topic has no leader.", "A broker is down.", "Start it."},
    {"topics_by_template", "doctor", "Names that depend on the record are not looked at.", "topic: is a template.", "Nothing."},
});

}  // namespace

std::span<const ErrorCode> doctor_codes() { return kCodes; }

}  // namespace sluice::daemon
