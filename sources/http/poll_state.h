#pragma once
// How far http_client has come: what the next request is.  Stored as `resume` of its position and with each spooled page.

#include <cstdint>
#include <string>

#include "core/result.h"
#include "net/http_message.h"
#include "net/url.h"
#include "sources/http/client_config.h"
#include "sources/http/json_items.h"

namespace sluice::sources {

struct PollState {
  std::uint64_t page = 0;      // answers taken so far, over all polls: the major of the last one's ordinals
  bool inside = false;         // of a poll: there is a next page
  std::uint64_t number = 0;    // of the page within the poll
  std::string next;            // pagination: the mark or the link of the next page
  std::string cursor;          // of this poll; empty: none yet
  std::string seen;            // the highest value of cursor.field so far
  std::string validated;       // target that etag and modified belong to
  std::string etag, modified;  // of a poll that was one page
  bool operator==(const PollState&) const = default;
};

std::string write_poll_state(const PollState& state);
// kFatal position_lost for what no version of ours has written.
Result<PollState> read_poll_state(std::string_view text);

// What is asked next.
Result<net::Url> next_url(const HttpClientConfig& config, const PollState& state);

// What an answer holds, before its items are read.
struct PageContent {
  std::string body;
  bool lines = false;            // the body is lines, not one JSON text
  std::vector<TextRange> items;  // of `body`, unless it is lines
};

// kTransient http_bad_answer where the items are not where the configuration says.
Result<PageContent> find_items(const HttpClientConfig& config, const net::Headers& headers, std::string body);

// The state behind this page.  kTransient http_bad_answer where the next page cannot be told.
Result<PollState> state_after(const HttpClientConfig& config, const PollState& before, const net::Url& asked, const net::Headers& headers,
                              const PageContent& content);

// The later of two cursor values: as numbers where both are, else as text.
bool is_later(const std::string& a, const std::string& b);

}  // namespace sluice::sources
