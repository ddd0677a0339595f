#pragma once
// What a user may write under the source `http_client:`.

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/config_fields.h"
#include "formats/codec.h"
#include "net/http_settings.h"

namespace sluice::sources {

enum class PollMethod : std::uint8_t { kGet, kPost };

// The next page's mark stands in the answer.
struct PageCursor {
  bool given = false;
  std::string from, parameter = "cursor";
  static const ConfigFields<PageCursor>& fields();
};

// Pages are numbered; one without items is the last.
struct PageNumber {
  bool given = false;
  std::string parameter = "page";
  std::uint64_t first = 1;
  static const ConfigFields<PageNumber>& fields();
};

struct Pagination {
  bool link = false;  // Link: <...>; rel="next" (RFC 8288)
  PageCursor cursor;
  PageNumber page;
  static const ConfigFields<Pagination>& fields();
};

// From poll to poll: only what is newer than the last item.
struct PollCursor {
  bool given = false;
  std::string field, parameter = "since", start;
  static const ConfigFields<PollCursor>& fields();
};

struct HttpClientConfig {
  std::string url;
  std::chrono::milliseconds every{60000};
  InputCodecConfig format;
  std::string items;
  PollMethod method = PollMethod::kGet;
  std::string body;
  std::vector<std::pair<std::string, Secret>> headers;
  Pagination pagination;
  PollCursor cursor;
  net::HttpAuth auth;
  net::HttpTls tls;
  std::chrono::milliseconds timeout{30000};
  ByteSize max_response{16ULL * 1024 * 1024};
  bool allow_link_local = false;
};

const ConfigFields<HttpClientConfig>& http_client_fields();

// "data.items" -> data, items.
std::vector<std::string> split_path(const std::string& path);

}  // namespace sluice::sources

namespace sluice {

template <>
struct EnumNames<sources::PollMethod> {
  static constexpr std::array kNames = {std::pair{std::string_view{"GET"}, sources::PollMethod::kGet},
                                        std::pair{std::string_view{"POST"}, sources::PollMethod::kPost}};
};
template <>
struct ConfigType<sources::PageCursor> : GivenConfigType<sources::PageCursor> {};
template <>
struct ConfigType<sources::PageNumber> : GivenConfigType<sources::PageNumber> {};
template <>
struct ConfigType<sources::PollCursor> : GivenConfigType<sources::PollCursor> {};
// `link`, or one of {cursor: ...} and {page: ...}.
template <>
struct ConfigType<sources::Pagination> {
  static bool bind(const ConfigNode& node, sources::Pagination& out, BindContext& context);
  static std::string type_name() { return "link | {cursor: ...} | {page: ...}"; }
  static std::string show(const sources::Pagination& value);
  static ValueShape shape() { return shapes::any_of(shapes::one_of({"link"}), shapes::mapping_of(sources::Pagination::fields().docs())); }
};

}  // namespace sluice
