#include "daemon/admin/request_body_internal.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "daemon/admin/http_request_head.h"

namespace sluice::admin {

namespace {

using nlohmann::json;

constexpr int kDepth = 32;  // nested arrays and objects; ours have four

bool is_json_type(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  return equal_ignoring_case(type, "application/json");
}

// The parser recurses, so depth is counted before it starts.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text) {
      if (c == '\\') ++i;
      in_text = c != '"';
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

std::uint64_t number_of(const json& parent, const char* name) {
  const auto found = parent.find(name);
  if (found == parent.end()) throw std::invalid_argument(std::string("a position needs \"") + name + "\"");
  if (found->is_number_unsigned()) return found->get<std::uint64_t>();
  if (!found->is_string()) throw std::invalid_argument(std::string("\"") + name + "\" must be a whole number, or one as text");
  const auto& text = found->get_ref<const std::string&>();
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size())
    throw std::invalid_argument(std::string("\"") + name + "\" must be a whole number of at most 64 bits");
  return value;
}

std::string bytes_of(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned value = 0;
    const char* const end = hex.data() + std::min(i + 2, hex.size());
    const auto [stop, problem] = std::from_chars(hex.data() + i, end, value, 16);
    if (problem != std::errc() || stop != hex.data() + i + 2) throw std::invalid_argument("\"resume\" must be pairs of hexadecimal digits");
    bytes += static_cast<char>(value);
  }
  return bytes;
}

}  // namespace

HttpResponse bad_request(std::string_view message) { return error_response(400, "bad_request", message); }

std::variant<json, HttpResponse> json_body(const HttpRequest& request) {
  const auto text = request.body ? request.body() : std::string();
  if (!text) return error_response(408, "request_timeout", "the body did not come to its end in time");
  if (text->empty()) return json::object();
  if (!is_json_type(request.content_type)) {
    return error_response(415, "unsupported_media_type", "send the body as Content-Type: application/json");
  }
  json body = too_deep(*text) ? json(json::value_t::discarded) : json::parse(*text, nullptr, false);
  if (body.is_discarded()) return error_response(400, "bad_json", "the body is no JSON");
  if (!body.is_object()) return error_response(400, "bad_json", "the body must be a JSON object");
  return body;
}

json position_json(const Position& position) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string resume;
  for (const char c : position.resume) {
    const auto byte = static_cast<unsigned char>(c);
    resume += kDigits[byte >> 4U];
    resume += kDigits[byte & 15U];
  }
  return {{"major", std::to_string(position.done.major)},
          {"minor", std::to_string(position.done.minor)},
          {"resume", resume},
          {"retired", position.retired}};
}

Position position_of(const json& value) {
  if (!value.is_object()) throw std::invalid_argument("a position is an object with \"major\", \"minor\" and \"resume\"");
  for (const auto& [name, ignored] : value.items()) {
    if (name != "major" && name != "minor" && name != "resume" && name != "retired")
      throw std::invalid_argument("a position has no \"" + name + "\"");
  }
  Position position{{number_of(value, "major"), number_of(value, "minor")}, {}, false};
  if (const auto resume = value.find("resume"); resume != value.end()) {
    if (!resume->is_string()) throw std::invalid_argument("\"resume\" must be text");
    position.resume = bytes_of(resume->get_ref<const std::string&>());
  }
  if (const auto retired = value.find("retired"); retired != value.end()) {
    if (!retired->is_boolean()) throw std::invalid_argument("\"retired\" must be true or false");
    position.retired = retired->get<bool>();
  }
  return position;
}

}  // namespace sluice::admin
