#pragma once
// Positions in PostgreSQL's write-ahead log.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/position.h"

namespace sluice::sources::postgres {

// Byte position in the log; 0 is none.
using Lsn = std::uint64_t;

// Microseconds from 1970-01-01 to 2000-01-01, the zero of the server's clock.
inline constexpr std::int64_t kServerEpoch = 946'684'800'000'000;

// "16/B374D848", as the server writes it.
std::string lsn_text(Lsn lsn);
std::optional<Lsn> parse_lsn(std::string_view text);

// How the source's position maps to a checkpoint (G3, G8).  `resume` is what the server is asked to start from and the only thing
// that is ever confirmed to it.  It is a function of `done` alone, whatever happened on the way there (a reconnect, a keepalive):
//
//   done                     resume    stands for
//   (C, n), n rows of the    C         inside the transaction that commits at C: a stream started at C begins with that transaction,
//     transaction are done             and everything that committed before C is done
//   (C, kEnd)                end LSN   the whole transaction is done
//   (W-1, kEnd)              W         nothing was in flight when the server had decoded the log up to W
//
// A commit record may begin exactly at W, hence W-1.  Records begin at multiples of 8, so W-1 is never the LSN of a commit.
struct StreamPosition {
  Ordinal done;
  Lsn resume = 0;

  bool inside_transaction() const { return done.minor != Ordinal::kEnd; }
  static StreamPosition quiet_at(Lsn lsn) { return {{lsn - 1, Ordinal::kEnd}, lsn}; }

  bool operator==(const StreamPosition&) const = default;
};

// The text of Position::resume: "pg1 <lsn> <timeline> <protocol>[+messages] <publication>".
struct ResumePoint {
  Lsn lsn = 0;
  std::uint32_t timeline = 0;  // of the server that sent it
  // What decides how rows are counted: pgoutput's proto_version, the publication, and whether logical messages count too.
  std::uint32_t protocol = 1;
  std::string publication;
  bool messages = false;

  std::string encode() const;
  static std::optional<ResumePoint> decode(std::string_view text);
};

}  // namespace sluice::sources::postgres
