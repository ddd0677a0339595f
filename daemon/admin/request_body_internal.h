#pragma once
// Bodies of requests as JSON, with every way in which they can be wrong.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>

#include "daemon/admin/http_message.h"
#include "pipeline/checkpoint_store.h"

namespace sluice::admin {

// The body as a JSON object; an empty body is an empty object.  Else the answer: 415 for another content type than JSON's, 400 bad_json,
// 408.  A web page's form cannot send JSON's content type, which is the second guard against pages of other origins.
std::variant<nlohmann::json, HttpResponse> json_body(const HttpRequest& request);

// 400 bad_request with what is wrong.
HttpResponse bad_request(std::string_view message);

// {"major": "12", "minor": "0", "resume": "<hex>", "retired": false} both ways; reading throws std::invalid_argument with a message.
nlohmann::json position_json(const Position& position);
Position position_of(const nlohmann::json& json);

}  // namespace sluice::admin
