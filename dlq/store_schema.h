#pragma once
// The tables of a dead-letter store, and how an older file becomes one of today (G29).
//
//   lots           where letters come from: stage, source, partition; and how far every lane has settled that partition
//   dead_letters   one row a letter, named by (lot, major, minor, sub) (G18); `id` is the durable sequence in which they came
//   replays        the durable sequence of G20: one row for each time that a letter is sent on its way again
//   store_state    the store's identity and its counters
//
// Whether a letter that waits is pending or open is not written into its row: it follows from its ordinal and what its lot has settled,
// so a commit that opens a million letters writes one row.

#include <cstdint>
#include <memory>
#include <string>

#include "core/fault_points.h"
#include "core/position.h"
#include "core/result.h"

namespace sluice::storage {
class SqliteDatabase;
}

namespace sluice::dlq {

// Version of the file's tables (PRAGMA user_version).
inline constexpr int kStoreVersion = 3;

// dead_letters.state; a waiting letter is pending or open.
enum class LetterState : std::uint8_t { kWaiting = 0, kReplaying = 1, kReplayed = 2, kDiscarded = 3 };

// replays.outcome
enum class ReplayOutcome : std::uint8_t { kUnderWay = 0, kReplayed = 1, kRefusedAgain = 2, kPutBack = 3 };

// An ordinal's half as SQLite's signed integer, in the same order.
constexpr std::int64_t to_column(std::uint64_t number) { return static_cast<std::int64_t>(number ^ (1ULL << 63U)); }
constexpr std::uint64_t from_column(std::int64_t column) { return static_cast<std::uint64_t>(column) ^ (1ULL << 63U); }

// SQL, for a query over `dead_letters d JOIN lots l ON l.id = d.lot`: 1 when the waiting letter is pending.
inline constexpr const char* kIsPending =
    "(CASE WHEN d.refused_in IS NOT NULL THEN d.refused_in > (SELECT value FROM store_state WHERE name = 'replays_settled')"
    " ELSE l.settled_major IS NULL OR d.major > l.settled_major OR (d.major = l.settled_major AND d.minor > l.settled_minor) END)";

// Opens the file, made if there is none, mode 0600; migrates an older one.  kFatal newer_state when a newer sluice wrote it.
// Fault points dead_letter_store.{before,after}_migration around each step.
Result<std::unique_ptr<storage::SqliteDatabase>> open_store(const std::string& path, FaultPoints& faults);

}  // namespace sluice::dlq
