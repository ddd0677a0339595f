// `sluice positions show|set|reset PIPELINE`, `sluice resync PIPELINE` and `sluice cleanup PIPELINE`; with --data-dir without a daemon.
#include <fmt/format.h>

#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <stdexcept>

#include "daemon/admin/request_body_internal.h"
#include "daemon/client/conversation_internal.h"
#include "daemon/client/offline.h"
#include "daemon/source_texts.h"
#include "pipeline/position_change.h"

namespace sluice::client {

namespace {

using nlohmann::json;
using Answered = std::variant<json, int>;

constexpr int kChangeSeconds = 300;             // sinks and servers take part
constexpr std::size_t kFileBytes = 64UL << 20;  // of positions set --from

constexpr std::string_view kMoved =
    "Records between the old and the new position are skipped for good where it moves on, and delivered again where it moves back: a sink "
    "that upserts takes them as they are, one that appends has them twice.";
constexpr std::string_view kResync =
    "Resync: every position of its sources is forgotten, in the checkpoint and in every sink, and what it made at its origins (a "
    "replication slot, a publication) is removed. Its next start reads everything again from the beginning, as on the first day. What the "
    "sinks hold stays there: those that append have every row once more, those that upsert overwrite, and rows that were deleted at the "
    "origin meanwhile stay. Empty the targets first if that is not wanted.";
constexpr std::string_view kCleanup =
    "Clean up: what it made at its origins (a replication slot, a publication) is removed. It cannot go on from its positions afterwards; "
    "`sluice resync` lets it begin anew.";

json positions_json(const std::string& pipeline, const pipeline::StoredCheckpoints& stored) {
  json sinks = json::array();
  for (const auto& [sink, checkpoint] : stored.lanes) {
    json positions = json::object();
    for (const auto& [key, position] : checkpoint) positions[key] = admin::position_json(position);
    sinks.push_back({{"sink", sink}, {"positions", std::move(positions)}});
  }
  return {{"pipeline", pipeline}, {"sinks", std::move(sinks)}};
}

void print_positions(const json& said, bool as_json, std::ostream& out) {
  if (as_json) {
    out << said.dump() << "\n";
    return;
  }
  for (const json& sink : said.at("sinks")) {
    out << "sink " << sink.at("sink").get<std::string>() << "\n";
    for (const auto& [key, position] : sink.at("positions").items()) {
      out << fmt::format("  {:<50} {}.{}{}\n", key, position.at("major").get<std::string>(), position.at("minor").get<std::string>(),
                         position.value("retired", false) ? "  retired" : "");
    }
  }
}

Answered ask(const ClientOptions& options, const std::string& path, const json* body, daemon::Streams streams) {
  const auto client = AdminClient::make(options.endpoint);
  if (!client) return tell(client.error(), streams);
  if (body == nullptr) return json_of((*client)->get(path), streams);
  return json_of((*client)->post(path, body->is_null() ? "" : body->dump(), kChangeSeconds), streams);
}

// "12.3" or "12"; throws std::invalid_argument.
Ordinal ordinal_of(const std::string& text) {
  const auto number = [&](std::string_view digits) {
    std::uint64_t value = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || problem != std::errc() || end != digits.data() + digits.size())
      throw std::invalid_argument("\"" + text + "\" is no position: MAJOR or MAJOR.MINOR, as `positions show` has it");
    return value;
  };
  const std::size_t dot = text.find('.');
  if (dot == std::string::npos) return {number(text), 0};
  return {number(std::string_view(text).substr(0, dot)), number(std::string_view(text).substr(dot + 1))};
}

// The least that any sink of a `positions show --json` has, so that nothing is skipped; throws std::invalid_argument.
std::map<std::string, Position> positions_in(const std::string& text) {
  const json said = json::parse(text, nullptr, false);
  if (!said.is_object() || !said.contains("sinks") || !said["sinks"].is_array())
    throw std::invalid_argument("the file is not what `positions show --json` writes");
  std::map<std::string, Position> least;
  for (const json& sink : said["sinks"]) {
    if (!sink.is_object() || !sink.contains("positions") || !sink["positions"].is_object()) continue;
    for (const auto& [key, value] : sink["positions"].items()) {
      const Position position = admin::position_of(value);
      const auto [known, is_new] = least.emplace(key, position);
      if (!is_new && position.done < known->second.done) known->second = position;
    }
  }
  if (least.empty()) throw std::invalid_argument("the file has no positions");
  return least;
}

json wish_of_set(const ClientOptions& options) {
  json set = json::object();
  if (options.from_file.empty()) {
    const Ordinal done = ordinal_of(options.position);
    set[options.key] = {{"major", std::to_string(done.major)}, {"minor", std::to_string(done.minor)}, {"resume", options.resume}};
    return {{"set", std::move(set)}};
  }
  const auto text = daemon::read_whole_file(options.from_file, kFileBytes);
  if (!text) throw std::invalid_argument(text.error().message());
  for (const auto& [key, position] : positions_in(*text)) set[key] = admin::position_json(position);
  return {{"set", std::move(set)}};
}

pipeline::PositionChange change_of(const json& wish) {
  pipeline::PositionChange change;
  const json set = wish.value("set", json::object());
  const json reset = wish.value("reset", json::array());
  for (const auto& [key, position] : set.items()) change.keys.emplace(key, admin::position_of(position));
  for (const json& key : reset) change.keys.emplace(key.get<std::string>(), std::nullopt);
  return change;
}

int change_positions(const ClientOptions& options, const json& wish, const std::string& warning, const Registry& registry,
                     daemon::Streams streams) {
  if (!agreed(options, warning, streams)) return daemon::kFailed;
  if (options.data_dir.empty()) {
    const auto changed = ask(options, pipeline_path(options, "/positions"), &wish, streams);
    if (const int* code = std::get_if<int>(&changed)) return *code;
    print_positions(std::get<json>(changed), options.json, streams.out);
    return daemon::kOk;
  }
  const auto work = [&](const pipeline::Definition& definition, const pipeline::Environment& environment) -> Status {
    static_cast<void>(SLUICE_TRY(pipeline::change_positions(definition, environment, change_of(wish), {})));
    print_positions(positions_json(options.pipeline, SLUICE_TRY(pipeline::stored_positions(environment))), options.json, streams.out);
    return {};
  };
  return work_offline(options, registry, streams, work);
}

void print_removed(const json& removed, bool as_json, std::ostream& out) {
  if (as_json) {
    out << json{{"removed", removed}}.dump() << "\n";
    return;
  }
  for (const json& line : removed) out << line.get<std::string>() << "\n";
  if (removed.empty()) out << "nothing had to be removed at the origins\n";
}

using Removal = Result<std::vector<std::string>> (*)(const pipeline::Definition&, const pipeline::Environment&);

int remove(const ClientOptions& options, const std::string& verb, std::string_view warning, Removal removal, const Registry& registry,
           daemon::Streams streams) {
  if (!agreed(options, options.pipeline + ". " + std::string(warning), streams)) return daemon::kFailed;
  if (options.data_dir.empty()) {
    const json nothing;
    const auto removed = ask(options, pipeline_path(options, "/" + verb), &nothing, streams);
    if (const int* code = std::get_if<int>(&removed)) return *code;
    print_removed(std::get<json>(removed).value("removed", json::array()), options.json, streams.out);
    return daemon::kOk;
  }
  return work_offline(options, registry, streams, [&](const auto& definition, const auto& environment) -> Status {
    print_removed(SLUICE_TRY(removal(definition, environment)), options.json, streams.out);
    return {};
  });
}

Result<std::vector<std::string>> resync_offline(const pipeline::Definition& definition, const pipeline::Environment& environment) {
  return pipeline::change_positions(definition, environment, {{}, true}, {});
}

Result<std::vector<std::string>> cleanup_offline(const pipeline::Definition& definition, const pipeline::Environment& environment) {
  return pipeline::clean_origins(definition, environment, {});
}

}  // namespace

int positions_show_command(const ClientOptions& options, daemon::Streams streams) {
  if (options.data_dir.empty()) {
    const auto said = ask(options, pipeline_path(options, "/positions"), nullptr, streams);
    if (const int* code = std::get_if<int>(&said)) return *code;
    print_positions(std::get<json>(said), options.json, streams.out);
    return daemon::kOk;
  }
  const auto stored = offline_positions(options);
  if (!stored) return tell(stored.error(), streams);
  print_positions(positions_json(options.pipeline, *stored), options.json, streams.out);
  return daemon::kOk;
}

int positions_set_command(const ClientOptions& options, const Registry& registry, daemon::Streams streams) {
  if (options.from_file.empty() && (options.key.empty() || options.position.empty())) {
    streams.err << "give KEY and POSITION, or --from FILE\n";
    return daemon::kUsage;
  }
  try {
    const json wish = wish_of_set(options);
    std::string what = "Set positions of " + options.pipeline + ":";
    for (const auto& [key, position] : wish["set"].items())
      what += fmt::format("\n  {} to {}.{}", key, position["major"].get<std::string>(), position["minor"].get<std::string>());
    return change_positions(options, wish, what + "\n" + std::string(kMoved), registry, streams);
  } catch (const std::invalid_argument& error) {
    streams.err << error.what() << "\n";
    return daemon::kUsage;
  }
}

int positions_reset_command(const ClientOptions& options, const Registry& registry, daemon::Streams streams) {
  json keys = options.keys;
  if (keys.empty() && !options.all) {
    streams.err << "give the keys to reset, or --all\n";
    return daemon::kUsage;
  }
  if (options.all) {
    const auto stored =
        options.data_dir.empty() ? ask(options, pipeline_path(options, "/positions"), nullptr, streams) : [&]() -> Answered {
      const auto offline = offline_positions(options);
      if (!offline) return tell(offline.error(), streams);
      return positions_json(options.pipeline, *offline);
    }();
    if (const int* code = std::get_if<int>(&stored)) return *code;
    std::map<std::string, bool> all;
    for (const json& sink : std::get<json>(stored).value("sinks", json::array()))
      for (const auto& [key, position] : sink.at("positions").items()) all[key] = true;
    keys = json::array();
    for (const auto& [key, known] : all) keys.push_back(key);
    if (keys.empty()) {
      streams.err << "there are no positions to reset\n";
      return daemon::kOk;
    }
  }
  std::string what = "Reset positions of " + options.pipeline + ":";
  for (const json& key : keys) what += "\n  " + key.get<std::string>();
  what +=
      "\nThe source decides anew where these begin, as on a first start: what was delivered may come again. A source that keeps something "
      "at its server (a replication slot) refuses to start without its position: use `sluice resync` for it.";
  return change_positions(options, {{"reset", keys}}, what, registry, streams);
}

int resync_command(const ClientOptions& options, const Registry& registry, daemon::Streams streams) {
  return remove(options, "resync", kResync, &resync_offline, registry, streams);
}

int cleanup_command(const ClientOptions& options, const Registry& registry, daemon::Streams streams) {
  return remove(options, "cleanup", kCleanup, &cleanup_offline, registry, streams);
}

}  // namespace sluice::client
