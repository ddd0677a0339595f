#include "sources/postgres_cdc/stream_options.h"

namespace sluice::sources::postgres {

namespace {

// Of a server of that PQserverVersion().
std::uint32_t newest_protocol(int server_version) {
  if (server_version >= 160000) return 4;
  if (server_version >= 150000) return 3;
  return server_version >= 140000 ? 2 : 1;
}

Error changed(const std::string& what, std::string_view mend) {
  return {ErrorKind::kFatal, "slot_options_changed",
          "the position stands inside a transaction whose rows were counted " + what + " (mend: " + std::string(mend) + ")"};
}

}  // namespace

Result<StreamOptions> choose_stream_options(int server_version, const ResumePoint* inside, const StreamWish& wish) {
  StreamOptions options;
  const std::uint32_t newest = newest_protocol(server_version);
  options.messages = wish.messages == MessageMode::kEmit;
  if (options.messages && newest < 2) {
    return Error(ErrorKind::kFatal, "server_too_old",
                 "`messages: emit` needs PostgreSQL 14 or newer; this server is " + std::to_string(server_version / 10000));
  }
  options.protocol = inside == nullptr ? newest : inside->protocol;
  if (options.protocol > newest) {
    return changed("by version " + std::to_string(options.protocol) + " of the protocol, which this older server does not speak",
                   "go back to the newer server until the pipeline is caught up, or sluice resync PIPELINE");
  }
  if (inside != nullptr && inside->messages != options.messages) {
    return changed(inside->messages ? "with logical messages" : "without logical messages",
                   "set `messages` back until the pipeline is caught up");
  }
  options.streaming = options.protocol >= 2 && wish.streaming && !options.messages;
  return options;
}

std::string start_command(const Connection& connection, std::string_view slot, Lsn from, const StreamOptions& options,
                          std::string_view publication) {
  std::string command = "START_REPLICATION SLOT " + connection.identifier(slot) + " LOGICAL " + lsn_text(from) + " (proto_version '" +
                        std::to_string(options.protocol) + "', publication_names " + connection.literal(connection.identifier(publication));
  if (options.streaming) command += ", streaming 'on'";
  if (options.messages) command += ", messages 'true'";
  return command + ")";
}

}  // namespace sluice::sources::postgres
