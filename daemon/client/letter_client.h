#pragma once
// The dead letters of a running daemon, over its admin API.

#include <memory>
#include <string>

#include "daemon/client/admin_client.h"
#include "daemon/letter_desk.h"

namespace sluice::client {

// One thread.
class LetterClient : public daemon::LetterDesk {
 public:
  // Whether the daemon answers, and answers us.
  virtual Status reach() = 0;
  virtual Result<dlq::ReplayTicket> replay(const std::string& pipeline, const dlq::ReplayRequest& request) = 0;
  virtual Result<dlq::ReplayProgress> progress(const std::string& pipeline, const dlq::ReplayTicket& ticket) = 0;
  // "running", "paused", ..., as GET /api/v1/pipelines/{pipeline} has it.
  virtual Result<std::string> state(const std::string& pipeline) = 0;
};

// kInvalidConfig bad_value (the URL), token_file_unusable.
Result<std::unique_ptr<LetterClient>> make_letter_client(const Endpoint& endpoint);

}  // namespace sluice::client
