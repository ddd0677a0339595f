// `sluice dlq replay` with a daemon: the pipeline replays while it runs, and the command looks on.
#include <fmt/format.h>

#include <chrono>
#include <limits>
#include <ostream>
#include <thread>

#include "daemon/client/letter_client.h"
#include "daemon/dead_letter_options.h"

namespace sluice::daemon {

namespace {

constexpr std::chrono::milliseconds kLookEvery{100};
constexpr std::chrono::seconds kPatience{60};  // without any letter settled

// Until all are settled, nothing runs that could, or nothing has moved for long.
Result<dlq::ReplayProgress> follow(client::LetterClient& client, const std::string& pipeline, const dlq::ReplayTicket& ticket,
                                   Streams streams) {
  auto progress = SLUICE_TRY(client.progress(pipeline, ticket));
  auto moved = std::chrono::steady_clock::now();
  while (progress.waiting != 0) {
    const std::string state = SLUICE_TRY(client.state(pipeline));
    const bool idle = state == "paused" || state == "stopped" || state == "failed";
    const std::uint64_t waited_for = progress.waiting;
    progress = SLUICE_TRY(client.progress(pipeline, ticket));  // also after the last word on its state
    if (progress.waiting == 0) break;
    if (progress.waiting != waited_for) moved = std::chrono::steady_clock::now();
    if (idle || std::chrono::steady_clock::now() - moved > kPatience) {
      streams.err << fmt::format("the pipeline is {}: what is on its way is replayed when it runs again (sluice {} {})\n", state,
                                 idle ? "resume" : "status", pipeline);
      break;
    }
    std::this_thread::sleep_for(kLookEvery);
  }
  return progress;
}

}  // namespace

int dead_letter_live_replay(client::LetterClient& client, const DeadLetterOptions& options, Streams streams) {
  if (!options.config.empty()) {
    streams.err << "a daemon replays with the files that it has loaded: `sluice reload` the mended one, and leave out --config (it is for"
                   " --dry-run, and for --data-dir while no daemon runs)\n";
    return kUsage;
  }
  const auto filter = letter_filter(options, std::numeric_limits<std::size_t>::max());
  if (!filter) return report(filter.error(), streams);
  if (!options.yes) {
    const auto totals = client.totals(options.pipeline, *filter, dlq::LetterGroup::kStageAndCode);
    if (!totals) return report(totals.error(), streams);
    if (!replay_agreed(*totals, options, streams)) return kFailed;
  }
  const auto ticket = client.replay(options.pipeline, {*filter, options.from_start, options.allow_stale});
  if (!ticket) return report(ticket.error(), streams);
  const auto progress = follow(client, options.pipeline, *ticket, streams);
  if (!progress) return report(progress.error(), streams);
  print_progress(*ticket, *progress, options.json, streams.out);
  if (progress->waiting != 0) return kFailed;
  return progress->refused_again + progress->put_back == 0 ? kOk : kDoneWithDeadLetters;
}

}  // namespace sluice::daemon
