// Codes of what is asked of a running daemon, over its API or by the commands that use it.
#include <array>

#include "daemon/error_codes.h"

namespace sluice::daemon {

namespace {

constexpr auto kCodes = std::to_array<ErrorCode>({
    {"daemon_unreachable", "api", "No daemon answers at the address.", "It does not run, or listens elsewhere.",
     "Give its address with --admin; the daemon logs it as `listening`."},
    {"unexpected_answer", "api", "What answers is no sluice daemon, or one of another version.",
     "A proxy, or another program at that port.", "Give the daemon's address with --admin."},
    {"not_ready", "api", "The daemon is still starting, or stopping.", "It was asked too early.", "Ask again when /readyz answers 200."},
    {"token_file_unusable", "start, api", "The token file cannot be used.", "Others may read it, or it holds fewer than 16 characters.",
     "chmod 600 it; openssl rand -hex 32 makes a good one."},
    {"tls_unusable", "start", "The admin API's certificate and key cannot be used.", "One is missing, or they do not belong together.",
     "The message has the library's words; give PEM files of both."},
    {"bad_json", "api", "The body of a request is no JSON object.", "A mistake in the client.",
     "Send what /api/v1/openapi.json describes."},
    {"unsupported_media_type", "api", "The body of a request is not marked as JSON.", "The header Content-Type is missing.",
     "Send Content-Type: application/json."},
    {"not_paused", "api", "Positions change only while the pipeline does not run.", "It runs, or is still draining.",
     "sluice pause it, and ask again when it is paused."},
    {"not_running", "api", "Only a pipeline that runs can do this.", "It is paused, has failed or has ended.", "sluice resume it."},
    {"unknown_source", "api", "The pipeline has no source of that name.", "A misspelt name or checkpoint key.",
     "sluice positions show has the keys; a key is <source>/<partition>."},
    {"unknown_letter", "api", "The pipeline has no dead letter of that id.", "A misspelt id, or retention has removed it.",
     "sluice dlq list has the ids."},
    {"unknown_step", "api", "The pipeline has no source, step or sink of that name.", "A misspelt name.",
     "sluice explain shows the names."},
    {"resume_needed", "api", "The source needs more than two numbers to go on at a position.", "A position was set without its resume.",
     "Take the whole of it from sluice positions show --json, or reset the key."},
    {"source_busy", "api", "The source did not take the wish in time.", "A slow sink holds it up, or another wish waits.",
     "Ask again later."},
    {"too_many_taps", "api", "Four taps are open already.", "Somebody else looks at records.", "End one of them."},
    {"reload_running", "api", "Another reload is under way.", "Two were asked for at once.", "Wait for it; its pipelines may still drain."},
    {"reload_refused", "api", "A pipeline refused its new configuration, and the old one runs again.",
     "What only the component itself can find out.", "The answer and the log say what it refused; mend the file and reload."},
    {"invalid_config", "api", "The pipeline files are not valid, and nothing was changed.", "A mistake in one of them.",
     "The answer lists every finding, as sluice validate does."},
});

}  // namespace

std::span<const ErrorCode> control_codes() { return kCodes; }

}  // namespace sluice::daemon
