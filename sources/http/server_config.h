#pragma once
// What a user may write under the source `http_server:`.

#include <chrono>
#include <cstdint>
#include <string>

#include "core/config_fields.h"
#include "formats/codec.h"
#include "net/http_settings.h"

namespace sluice::sources {

struct HttpServerConfig {
  std::string listen = "127.0.0.1:8080";
  std::string path = "/";
  InputCodecConfig format;
  Secret token;
  net::HttpServerTls tls;
  ByteSize max_body{8ULL * 1024 * 1024};
  ByteSize max_waiting{64ULL * 1024 * 1024};
  std::uint32_t max_connections = 10000;
  std::chrono::milliseconds read_timeout{30000};
  std::chrono::milliseconds ack_timeout{30000};
};

const ConfigFields<HttpServerConfig>& http_server_fields();

}  // namespace sluice::sources
