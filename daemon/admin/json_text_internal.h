#pragma once
// Pieces of JSON that several groups of routes share.

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "daemon/admin/http_listener.h"
#include "pipeline/status.h"

namespace sluice::admin {

// Text that is no UTF-8 (a file name in an error message) is shown with replacement characters.
HttpResponse json_response(int status, const nlohmann::json& body);

// {"kind","code","message","at"} or null.
nlohmann::json last_error_json(const std::optional<pipeline::LastError>& error);

// RFC 3339; null for 0.
nlohmann::json time_json(std::int64_t utc_microseconds);

}  // namespace sluice::admin
