#include "sinks/file/manifest.h"

#include <fmt/format.h>
#include <zlib.h>

#include <charconv>
#include <optional>

namespace sluice::sinks {

namespace {

constexpr std::string_view kMagic = "sluice-file-manifest ";
constexpr std::string_view kHexDigits = "0123456789abcdef";

void append_hex(unsigned char byte, std::string& out) {
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 15];
}

void append_escaped(std::string_view name, std::string& out) {
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 0x7f && c != '%') {
      out += c;
    } else {
      out += '%';
      append_hex(byte, out);
    }
  }
}

std::string escaped(std::string_view name) {
  std::string result;
  append_escaped(name, result);
  return result;
}

std::string hex(std::string_view bytes) {
  if (bytes.empty()) return "-";
  std::string result;
  for (const char c : bytes) append_hex(static_cast<unsigned char>(c), result);
  return result;
}

// Reads one line's fields from left to right; `good` turns false at the first that is not as expected.
class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(line) {}

  std::string_view word() {
    const std::size_t space = rest_.find(' ');
    const std::string_view result = rest_.substr(0, space);
    rest_ = space == std::string_view::npos ? std::string_view() : rest_.substr(space + 1);
    return result;
  }

  template <typename Number>
  Number number() {
    const std::string_view text = word();
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) good = false;
    return value;
  }

  std::string name() {
    const std::string_view text = word();
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        result += text[i];
        continue;
      }
      result += byte(text.substr(i + 1, 2));
      i += 2;
    }
    return result;
  }

  std::string bytes() {
    const std::string_view text = word();
    std::string result;
    if (text == "-") return result;
    if (text.size() % 2 != 0) good = false;
    for (std::size_t i = 0; i < text.size(); i += 2) result += byte(text.substr(i, 2));
    return result;
  }

  bool good = true;

 private:
  char byte(std::string_view two_digits) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(two_digits.data(), two_digits.data() + two_digits.size(), value, 16);
    if (two_digits.size() != 2 || error != std::errc() || end != two_digits.data() + 2) good = false;
    return static_cast<char>(value);
  }

  std::string_view rest_;
};

Error corrupt(std::string_view what) {
  return Error(ErrorKind::kFatal, "manifest_corrupt", "the file sink's manifest is damaged: " + std::string(what));
}

bool read_line(std::string_view line, FileManifest& out) {
  Fields fields(line);
  const std::string_view kind = fields.word();
  if (kind == "instance") {
    out.instance = fields.name();
  } else if (kind == "next") {
    out.next_number = fields.number<std::uint64_t>();
  } else if (kind == "open") {
    OpenPart part;
    part.number = fields.number<std::uint64_t>();
    part.length = fields.number<std::uint64_t>();
    part.made_at = fields.number<std::int64_t>();
    part.layout = fields.name();
    part.target = fields.name();
    out.open.push_back(std::move(part));
  } else if (kind == "sealed") {
    SealedPart part;
    part.number = fields.number<std::uint64_t>();
    part.length = fields.number<std::uint64_t>();
    part.final_path = fields.name();
    out.sealed.push_back(std::move(part));
  } else if (kind == "position") {
    Position position;
    position.done.major = fields.number<std::uint64_t>();
    position.done.minor = fields.number<std::uint64_t>();
    position.retired = fields.number<unsigned>() != 0;
    position.resume = fields.bytes();
    out.checkpoint[fields.name()] = std::move(position);
  } else {
    return false;
  }
  return fields.good;
}

// The lines between the first and the last, if the checksum in the last one holds.
std::optional<std::string_view> checked_body(std::string_view text) {
  const std::size_t end = text.rfind("end ");
  if (end == std::string_view::npos || end == 0 || text[end - 1] != '\n') return std::nullopt;
  const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), end);
  if (text.substr(end) != fmt::format("end {:08x}\n", sum)) return std::nullopt;
  return text.substr(0, end);
}

}  // namespace

std::string serialize_manifest(const FileManifest& manifest) {
  std::string out =
      fmt::format("{}{}\ninstance {}\nnext {}\n", kMagic, FileManifest::kVersion, escaped(manifest.instance), manifest.next_number);
  for (const OpenPart& part : manifest.open) {
    out += fmt::format("open {} {} {} {} {}\n", part.number, part.length, part.made_at, escaped(part.layout), escaped(part.target));
  }
  for (const SealedPart& part : manifest.sealed)
    out += fmt::format("sealed {} {} {}\n", part.number, part.length, escaped(part.final_path));
  for (const auto& [key, position] : manifest.checkpoint) {
    out += fmt::format("position {} {} {} {} {}\n", position.done.major, position.done.minor, position.retired ? 1 : 0,
                       hex(position.resume), escaped(key));
  }
  out += fmt::format("end {:08x}\n", crc32_z(0, reinterpret_cast<const Bytef*>(out.data()), out.size()));
  return out;
}

Result<FileManifest> parse_manifest(std::string_view text) {
  if (!text.starts_with(kMagic)) return corrupt("it does not begin as one");
  Fields first(text.substr(kMagic.size(), text.find('\n') - kMagic.size()));
  const auto version = first.number<unsigned>();
  if (first.good && version > FileManifest::kVersion) {
    return Error(ErrorKind::kFatal, "newer_state",
                 fmt::format("the file sink's manifest has version {}, this sluice reads up to {}: use the newer sluice", version,
                             FileManifest::kVersion));
  }
  std::optional<std::string_view> body = checked_body(text);
  if (!body || !first.good) return corrupt("its checksum does not hold");
  FileManifest manifest;
  body->remove_prefix(body->find('\n') + 1);
  while (!body->empty()) {
    const std::size_t end = body->find('\n');
    if (!read_line(body->substr(0, end), manifest)) return corrupt("line \"" + std::string(body->substr(0, end)) + "\"");
    body->remove_prefix(end + 1);
  }
  return manifest;
}

}  // namespace sluice::sinks
