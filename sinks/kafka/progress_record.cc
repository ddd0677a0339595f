#include "sinks/kafka/progress_record.h"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "formats/json_writer.h"

namespace sluice::sinks {

namespace {

constexpr int kVersion = 1;

// RFC 4648 section 4, padded; nullopt for anything else.
std::optional<std::string> decode_base64(std::string_view text) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return std::nullopt;
  std::string result;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t bits = 0;
    int padding = 0;
    for (const char c : text.substr(i, 4)) {
      const std::size_t digit = kAlphabet.find(c);
      const bool pad = c == '=' && i + 4 == text.size();
      if (digit == std::string_view::npos && !pad) return std::nullopt;
      if (!pad && padding != 0) return std::nullopt;
      padding += pad ? 1 : 0;
      bits = (bits << 6U) | (pad ? 0U : static_cast<std::uint32_t>(digit));
    }
    if (padding > 2) return std::nullopt;
    for (int byte = 0; byte < 3 - padding; ++byte)
      result.push_back(static_cast<char>((bits >> (16U - 8U * static_cast<unsigned>(byte))) & 0xffU));
  }
  return result;
}

std::optional<std::uint64_t> decode_number(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  const auto& text = found->get_ref<const std::string&>();
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error corrupt(std::string_view value) {
  return {ErrorKind::kFatal, "progress_corrupt",
          "the progress topic holds \"" + std::string(value.substr(0, 200)) + "\" where a position should be"};
}

}  // namespace

std::string write_progress(const ProgressRecord& record) {
  std::string out = "{\"v\":1,\"instance\":";
  append_json_string(record.instance, out);
  out += ",\"major\":\"" + std::to_string(record.position.done.major) + "\",\"minor\":\"" + std::to_string(record.position.done.minor) +
         "\",\"resume\":\"";
  append_base64(record.position.resume, out);
  out += record.position.retired ? "\",\"retired\":true}" : "\",\"retired\":false}";
  return out;
}

Result<ProgressRecord> read_progress(std::string_view value) {
  const nlohmann::json object = nlohmann::json::parse(value, nullptr, false);
  if (!object.is_object()) return corrupt(value);
  const auto version = object.find("v");
  if (version == object.end() || !version->is_number_integer()) return corrupt(value);
  if (version->get<int>() > kVersion) {
    return Error(ErrorKind::kFatal, "progress_newer",
                 "the progress topic was written by a newer sluice (version " + std::to_string(version->get<int>()) + ")");
  }
  const auto major = decode_number(object, "major");
  const auto minor = decode_number(object, "minor");
  const auto instance = object.find("instance");
  const auto resume = object.find("resume");
  const auto retired = object.find("retired");
  const bool complete = major && minor && instance != object.end() && instance->is_string() && resume != object.end() &&
                        resume->is_string() && retired != object.end() && retired->is_boolean();
  if (!complete) return corrupt(value);
  auto bytes = decode_base64(resume->get_ref<const std::string&>());
  if (!bytes) return corrupt(value);
  return ProgressRecord{instance->get<std::string>(), {{*major, *minor}, *std::move(bytes), retired->get<bool>()}};
}

}  // namespace sluice::sinks
