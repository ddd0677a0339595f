#pragma once
// What a user may write under the sink `http:`.

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/config_fields.h"
#include "formats/codec.h"
#include "net/http_settings.h"

namespace sluice::sinks {

enum class HttpMethod : std::uint8_t { kPost, kPut, kPatch };
enum class HttpBody : std::uint8_t { kLines, kArray };
enum class HttpCompression : std::uint8_t { kNone, kGzip };

struct HttpBatch {
  std::uint32_t records = 500;
  ByteSize bytes{1024 * 1024};
  static const ConfigFields<HttpBatch>& fields();
};

struct HttpSinkConfig {
  TemplateText url;
  HttpMethod method = HttpMethod::kPost;
  CodecConfig format;
  HttpBody body = HttpBody::kLines;
  HttpBatch batch;
  std::vector<std::pair<std::string, TemplateText>> headers;
  std::string id_header = "Idempotency-Key";
  net::HttpAuth auth;
  net::HttpTls tls;
  HttpCompression compression = HttpCompression::kNone;
  std::chrono::milliseconds timeout{10000};
  bool allow_link_local = false;
};

const ConfigFields<HttpSinkConfig>& http_sink_fields();

}  // namespace sluice::sinks

namespace sluice {

template <>
struct EnumNames<sinks::HttpMethod> {
  static constexpr std::array kNames = {std::pair{std::string_view{"POST"}, sinks::HttpMethod::kPost},
                                        std::pair{std::string_view{"PUT"}, sinks::HttpMethod::kPut},
                                        std::pair{std::string_view{"PATCH"}, sinks::HttpMethod::kPatch}};
};
template <>
struct EnumNames<sinks::HttpBody> {
  static constexpr std::array kNames = {std::pair{std::string_view{"lines"}, sinks::HttpBody::kLines},
                                        std::pair{std::string_view{"array"}, sinks::HttpBody::kArray}};
};
template <>
struct EnumNames<sinks::HttpCompression> {
  static constexpr std::array kNames = {std::pair{std::string_view{"none"}, sinks::HttpCompression::kNone},
                                        std::pair{std::string_view{"gzip"}, sinks::HttpCompression::kGzip}};
};

}  // namespace sluice
