#include "pipeline/checkpoint_store.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "storage/durable_file.h"

namespace sluice::pipeline {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kMagic = "sluice-checkpoint";
constexpr unsigned kVersion = 1;

// FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ - notices damage; it is no defence against forgery.
std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  return hash;
}

std::string to_hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

std::string from_hex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned value = 0;
    std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
    bytes += static_cast<char>(value);
  }
  return bytes;
}

std::uint64_t number(const Json& json) { return std::stoull(json.get<std::string>()); }

Json encode(const Checkpoint& checkpoint) {
  Json result = Json::object();
  for (const auto& [key, position] : checkpoint) {
    // Ordinals as text: JSON readers lose integers beyond 2^53.
    result[key] = {{"major", std::to_string(position.done.major)},
                   {"minor", std::to_string(position.done.minor)},
                   {"resume", to_hex(position.resume)},
                   {"retired", position.retired}};
  }
  return result;
}

Checkpoint decode(const Json& json) {
  Checkpoint result;
  for (const auto& [key, value] : json.items()) {
    Position position{{number(value.at("major")), number(value.at("minor"))},
                      from_hex(value.at("resume").get<std::string>()),
                      value.at("retired").get<bool>()};
    result.emplace(key, std::move(position));
  }
  return result;
}

Error damaged(const std::string& path, std::string_view why) {
  return {ErrorKind::kFatal, "position_lost",
          fmt::format("the checkpoint \"{}\" is damaged ({}); its positions may have been acknowledged already, so it is not guessed", path,
                      why)};
}

Result<StoredCheckpoints> parse(const std::string& path, const std::string& bytes) {
  const std::size_t line_end = bytes.find('\n');
  std::istringstream header(bytes.substr(0, line_end));
  std::string magic, sum;
  unsigned version = 0;
  header >> magic >> version >> sum;
  if (line_end == std::string::npos || magic != kMagic) return damaged(path, "no header");
  if (version > kVersion) {
    return Error(ErrorKind::kFatal, "checkpoint_too_new",
                 fmt::format("the checkpoint \"{}\" is of version {}, and this program reads up to {}", path, version, kVersion));
  }
  const std::string_view body = std::string_view(bytes).substr(line_end + 1);
  if (version == 0 || sum != fmt::format("{:016x}", checksum(body))) return damaged(path, "the checksum does not hold");
  try {
    const Json json = Json::parse(body);
    StoredCheckpoints state;
    state.sequence = number(json.at("sequence"));
    for (const auto& [sink, checkpoint] : json.at("lanes").items()) state.lanes.emplace(sink, decode(checkpoint));
    return state;
  } catch (const std::exception& e) {
    return damaged(path, e.what());
  }
}

}  // namespace

Result<StoredCheckpoints> CheckpointStore::load() const {
  std::ifstream file(path_, std::ios::binary);
  if (!file) {
    if (errno == ENOENT) return StoredCheckpoints{};
    return Error(ErrorKind::kFatal, "checkpoint_unreadable",
                 fmt::format("cannot read the checkpoint \"{}\": {}", path_, std::strerror(errno)));
  }
  std::stringstream bytes;
  bytes << file.rdbuf();
  return parse(path_, bytes.str());
}

Status CheckpointStore::save(const StoredCheckpoints& state) {
  Json lanes = Json::object();
  for (const auto& [sink, checkpoint] : state.lanes) lanes[sink] = encode(checkpoint);
  const std::string body = Json{{"sequence", std::to_string(state.sequence)}, {"lanes", std::move(lanes)}}.dump() + "\n";
  const std::string bytes = fmt::format("{} {} {:016x}\n{}", kMagic, kVersion, checksum(body), body);
  return storage::replace_file(path_, bytes, faults_, who_);
}

}  // namespace sluice::pipeline
