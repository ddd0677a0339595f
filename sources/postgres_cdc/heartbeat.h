#pragma once
// The logical message that moves the slot of a database that is not written to (`heartbeat_message`).

#include <string_view>

namespace sluice::sources::postgres {

// Never becomes a record, whatever `messages` says.
inline constexpr std::string_view kHeartbeatPrefix = "sluice.heartbeat";

}  // namespace sluice::sources::postgres
