#include "daemon/admin/json_text_internal.h"

#include <nlohmann/json.hpp>

#include "core/civil_time.h"

namespace sluice::admin {

namespace {

using nlohmann::json;

std::string_view kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidConfig: return "invalid_config";
    case ErrorKind::kBadRecord: return "bad_record";
    case ErrorKind::kTransient: return "transient";
    case ErrorKind::kCommitUnknown: return "commit_unknown";
    case ErrorKind::kFatal: return "fatal";
    case ErrorKind::kCancelled: return "cancelled";
  }
  return "";
}

}  // namespace

HttpResponse json_response(int status, const json& body) {
  return {status, "application/json", body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"};
}

json last_error_json(const std::optional<pipeline::LastError>& error) {
  if (!error) return nullptr;
  return {{"kind", kind_name(error->kind)}, {"code", error->code}, {"message", error->message}, {"at", time_json(error->at)}};
}

json time_json(std::int64_t utc_microseconds) {
  if (utc_microseconds == 0) return nullptr;
  std::array<char, kTimeTextBytes> text{};
  return std::string(text.data(), write_timestamp(text.data(), utc_microseconds));
}

}  // namespace sluice::admin
