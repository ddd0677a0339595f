#pragma once
// Pieces of JSON that several groups of routes share.

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "core/result.h"
#include "daemon/admin/http_message.h"
#include "pipeline/status.h"

namespace sluice::admin {

// Text that is no UTF-8 (a file name in an error message) is shown with replacement characters.
HttpResponse json_response(int status, const nlohmann::json& body);

// {"kind","code","message","at"} or null.
nlohmann::json last_error_json(const std::optional<pipeline::LastError>& error);

// RFC 3339; null for 0.
nlohmann::json time_json(std::int64_t utc_microseconds);

// One pipeline as GET /api/v1/pipelines/{pipeline} shows it.
nlohmann::json pipeline_json(const pipeline::PipelineStatus& status);

HttpResponse unknown_pipeline();  // 404
// What `error` is as an answer: 404 unknown_pipeline, 422 for what is wrong in itself, 503 for what may pass, else 409.
HttpResponse refused(const Error& error);
HttpResponse not_offered();  // 503

}  // namespace sluice::admin
