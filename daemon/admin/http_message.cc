#include "daemon/admin/http_message.h"

#include <nlohmann/json.hpp>

namespace sluice::admin {

std::string_view status_title(int status) {
  switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Error";
  }
}

HttpResponse error_response(int status, std::string_view code, std::string_view message) {
  const nlohmann::json body = {{"type", "urn:sluice:problem:" + std::string(code)},
                               {"title", status_title(status)},
                               {"status", status},
                               {"code", code},
                               {"detail", message}};
  return {status, "application/problem+json", body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"};
}

}  // namespace sluice::admin
