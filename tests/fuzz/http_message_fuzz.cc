// What comes over HTTP: heads and bodies of requests and answers, fed in pieces, and what http_server and http_client look for in JSON
// bodies.  A body's content does not depend on how its bytes were cut.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/gzip.h"
#include "net/http_message.h"
#include "net/url.h"
#include "sources/http/json_items.h"

namespace {

using sluice::net::BodyReader;

struct Outcome {
  BodyReader::State state;
  std::string content;
};

Outcome read_in_pieces(const sluice::net::RequestHead& head, std::string_view bytes, std::size_t step) {
  BodyReader reader;
  if (BodyReader::for_request(head.headers, 4096, reader)) return {BodyReader::State::kFault, {}};
  Outcome outcome{reader.state(), {}};
  std::string input;
  for (std::size_t at = 0; at < bytes.size() && reader.state() == BodyReader::State::kMore; at += step) {
    input += bytes.substr(at, step);
    std::size_t used = 0;
    reader.feed(input, outcome.content, used);
    if (used > input.size()) std::abort();
    input.erase(0, used);
  }
  outcome.state = reader.state();
  if (outcome.content.size() > 4096) std::abort();
  return outcome;
}

void fuzz_messages(std::string_view text) {
  const std::size_t length = sluice::net::head_length(text);
  const std::string_view head = text.substr(0, length), rest = text.substr(length);
  sluice::net::ResponseHead answer;
  if (length != 0) static_cast<void>(sluice::net::parse_response_head(head, {}, answer).has_value());
  sluice::net::RequestHead request;
  if (length == 0 || sluice::net::parse_request_head(head, {}, request)) return;
  const Outcome whole = read_in_pieces(request, rest, rest.size() + 1), slow = read_in_pieces(request, rest, 1);
  if (whole.state != slow.state) std::abort();
  if (whole.state == BodyReader::State::kDone && whole.content != slow.content) std::abort();
}

void fuzz_json(std::string_view text) {
  std::vector<sluice::sources::TextRange> items;
  if (sluice::sources::split_json_array(text, items)) {
    std::size_t end = 0;
    for (const auto& item : items) {
      if (item.begin < end || item.size == 0 || item.begin + item.size > text.size()) std::abort();
      end = item.begin + item.size;
    }
  }
  const std::vector<std::string> path = {"a", "b"};
  if (const auto found = sluice::sources::find_json(text, path); found && found->empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);  // NOLINT
  fuzz_messages(text);
  fuzz_json(text);
  static_cast<void>(sluice::net::gunzip(text, 65536).has_value());
  const auto url = sluice::net::parse_url(text);
  if (url && !sluice::net::parse_url(url->origin() + url->target)) std::abort();
  return 0;
}
