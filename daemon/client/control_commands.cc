// `sluice pause|resume|restart PIPELINE`, `sluice reload [--plan]` and `sluice snapshot PIPELINE TABLE...`.
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>
#include <thread>

#include "daemon/client/conversation_internal.h"

namespace sluice::client {

namespace {

using nlohmann::json;
using Answered = std::variant<json, int>;

// Longer than the default shutdown_timeout of a pipeline.
constexpr std::chrono::seconds kFollow{60};
constexpr std::chrono::milliseconds kLookEvery{100};
constexpr int kReloadSeconds = 300;

bool has_begun(const json& pipeline) {
  const json& state = pipeline["state"];
  return state == "running" || state == "backing_off" || state == "failed" || state == "stopped";
}

// Asks for the pipeline's state until `done` holds.
template <typename F>
Answered follow(AdminClient& client, const ClientOptions& options, json last, daemon::Streams streams, F done) {
  const auto deadline = std::chrono::steady_clock::now() + kFollow;
  while (!done(last)) {
    if (std::chrono::steady_clock::now() > deadline) {
      streams.err << fmt::format("the wish is kept, but the pipeline is still {}; `sluice status {}` tells more\n", last["state"].dump(),
                                 options.pipeline);
      return daemon::kFailed;
    }
    std::this_thread::sleep_for(kLookEvery);
    auto now = json_of(client.get(pipeline_path(options)), streams);
    if (std::holds_alternative<int>(now)) return now;
    last = std::move(std::get<json>(now));
  }
  return last;
}

template <typename F>
int change_state(const ClientOptions& options, const std::string& verb, const std::string& warning, daemon::Streams streams, F done) {
  const auto client = AdminClient::make(options.endpoint);
  if (!client) return tell(client.error(), streams);
  auto before = json_of((*client)->get(pipeline_path(options)), streams);
  if (const int* code = std::get_if<int>(&before)) return *code;
  if (!agreed(options, warning, streams)) return daemon::kFailed;
  auto asked = json_of((*client)->post(pipeline_path(options, "/" + verb), ""), streams);
  if (const int* code = std::get_if<int>(&asked)) return *code;
  const json restarts = std::get<json>(before)["restarts"];
  const auto reached =
      follow(**client, options, std::move(std::get<json>(asked)), streams, [&](const json& now) { return done(now, restarts); });
  if (const int* code = std::get_if<int>(&reached)) return *code;
  const json& now = std::get<json>(reached);
  if (options.json) {
    streams.out << now.dump() << "\n";
  } else {
    streams.out << fmt::format("{} is {}\n", options.pipeline, now["state"].get<std::string>());
  }
  return now["state"] == "failed" ? daemon::kFailed : daemon::kOk;
}

void print_report(const json& report, std::ostream& out) {
  for (const json& planned : report.value("pipelines", json::array())) {
    out << fmt::format("{:<7} {}\n", planned["action"] == "none" ? "keep" : planned["action"].get<std::string>(),
                       planned["name"].get<std::string>());
    for (const json& line : planned["positions"]) out << "        " << line.get<std::string>() << "\n";
  }
  for (const json& finding : report.value("findings", json::array())) {
    out << fmt::format("{}:{}:{}: {}[{}]: {}\n", finding["file"].get<std::string>(), finding["line"].dump(), finding["column"].dump(),
                       finding["severity"].get<std::string>(), finding["code"].get<std::string>(), finding["message"].get<std::string>());
  }
  for (const json& problem : report.value("problems", json::array())) out << problem.get<std::string>() << "\n";
}

// A refused reload tells as much as a good one, so its body is shown before the problem is told.
Answered ask_reload(AdminClient& client, const ClientOptions& options, bool plan, daemon::Streams streams) {
  const auto answer = client.post(plan ? "/api/v1/reload?plan=true" : "/api/v1/reload", "", kReloadSeconds);
  if (answer && !answer->good()) {
    const json body = json::parse(answer->body, nullptr, false);
    if (body.is_object() && options.json) streams.out << body.dump() << "\n";
    if (body.is_object() && !options.json) print_report(body, streams.out);
  }
  return json_of(answer, streams);
}

}  // namespace

int pause_command(const ClientOptions& options, daemon::Streams streams) {
  const std::string what = fmt::format(
      "Pause {}: it commits what it has read and stops. It stays paused, also over restarts of the daemon, until it is resumed; "
      "what its sources' servers keep for it meanwhile (a replication slot's log) grows.",
      options.pipeline);
  return change_state(options, "pause", what, streams, [](const json& now, const json&) { return now["state"] == "paused"; });
}

int resume_command(const ClientOptions& options, daemon::Streams streams) {
  return change_state(options, "resume", fmt::format("Resume {}: it goes on where it stands.", options.pipeline), streams,
                      [](const json& now, const json&) { return has_begun(now); });
}

int restart_command(const ClientOptions& options, daemon::Streams streams) {
  const std::string what = fmt::format("Restart {}: it commits what it has read, stops, and goes on where it stands.", options.pipeline);
  return change_state(options, "restart", what, streams,
                      [](const json& now, const json& before) { return has_begun(now) && now["restarts"] > before; });
}

int reload_command(const ClientOptions& options, daemon::Streams streams) {
  const auto client = AdminClient::make(options.endpoint);
  if (!client) return tell(client.error(), streams);
  try {
    if (!options.plan && !options.yes) {
      const auto plan = ask_reload(**client, options, true, streams);
      if (const int* code = std::get_if<int>(&plan)) return *code;
      print_report(std::get<json>(plan), streams.err);
      if (!agreed(options, "Reload: the above is done; everything else goes on untouched.", streams)) return daemon::kFailed;
    }
    const auto done = ask_reload(**client, options, options.plan, streams);
    if (const int* code = std::get_if<int>(&done)) return *code;
    const json& report = std::get<json>(done);
    if (options.json) {
      streams.out << report.dump() << "\n";
    } else {
      print_report(report, streams.out);
    }
  } catch (const json::exception&) {
    return tell(Error(ErrorKind::kFatal, "unexpected_answer", "the daemon's answer is not as this version knows it"), streams);
  }
  return daemon::kOk;
}

int snapshot_command(const ClientOptions& options, daemon::Streams streams) {
  const auto client = AdminClient::make(options.endpoint);
  if (!client) return tell(client.error(), streams);
  const std::string what = fmt::format(
      "Snapshot of {} table{} of {}: every row is read and delivered again, as a row that was read. Sinks that append have each "
      "of them once more; those that upsert do not.",
      options.tables.size(), options.tables.size() == 1 ? "" : "s", options.pipeline);
  if (!agreed(options, what, streams)) return daemon::kFailed;
  json body = {{"tables", options.tables}};
  if (!options.source.empty()) body["source"] = options.source;
  const auto asked = json_of((*client)->post(pipeline_path(options, "/snapshot"), body.dump(), 60), streams);
  if (const int* code = std::get_if<int>(&asked)) return *code;
  streams.out << (options.json ? std::get<json>(asked).dump() : std::string("the source has taken the wish")) << "\n";
  return daemon::kOk;
}

}  // namespace sluice::client
