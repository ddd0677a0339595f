// The only file that sees the client side of cpp-httplib.
#include "daemon/client/admin_client.h"

#include <httplib.h>

#include "daemon/admin/token.h"

namespace sluice::client {

namespace {

constexpr int kConnectSeconds = 5;
constexpr int kStreamSilenceSeconds = 3600;

std::string reason(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection: return "no connection";
    case httplib::Error::ConnectionTimeout: return "no connection in time";
    case httplib::Error::Read: return "no answer, or not in time";
    case httplib::Error::Write: return "the connection broke";
    case httplib::Error::SSLConnection: return "TLS failed";
    case httplib::Error::SSLLoadingCerts: return "the CA certificate cannot be read";
    case httplib::Error::SSLServerVerification: return "its certificate is not trusted (--ca-certificate)";
    default: return httplib::to_string(error);
  }
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string path_segment(std::string_view name) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string result;
  for (const char c : name) {
    if (is_unreserved(c)) {
      result += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result += '%';
    result += kDigits[byte >> 4U];
    result += kDigits[byte & 15U];
  }
  return result;
}

class AdminClient::Impl {
 public:
  Impl(const Endpoint& endpoint, const Secret& token) : url_(endpoint.url), client_(endpoint.url) {
    client_.set_connection_timeout(kConnectSeconds);
    client_.set_follow_location(false);
    if (!token.empty()) client_.set_bearer_token_auth(token.reveal());
    if (!endpoint.ca_certificate.empty()) client_.set_ca_cert_path(endpoint.ca_certificate);
  }

  bool usable() const { return client_.is_valid(); }

  Result<Answer> get(const std::string& path, int seconds) {
    client_.set_read_timeout(seconds);
    return answer(client_.Get(path));
  }
  Result<Answer> post(const std::string& path, const std::string& body, int seconds) {
    client_.set_read_timeout(seconds);
    return answer(client_.Post(path, body, "application/json"));
  }

  Result<Answer> stream(const std::string& path, const std::function<bool(std::string_view)>& take) {
    client_.set_read_timeout(kStreamSilenceSeconds);
    Answer result;
    bool enough = false;
    const auto head = [&](const httplib::Response& response) {
      result.status = response.status;
      return true;
    };
    const auto body = [&](const char* bytes, std::size_t size) {
      if (!result.good()) {
        result.body.append(bytes, size);
        return result.body.size() < 1024UL * 1024;
      }
      enough = !take({bytes, size});
      return !enough;
    };
    const auto got = client_.Get(path, head, body);
    if (!got && !enough && result.status == 0) return unreachable(got.error());
    return result;
  }

 private:
  Result<Answer> answer(const httplib::Result& result) const {
    if (!result) return unreachable(result.error());
    return Answer{result->status, result->body};
  }
  Error unreachable(httplib::Error error) const {
    return {ErrorKind::kTransient, "daemon_unreachable", "the daemon at " + url_ + " cannot be reached: " + reason(error)};
  }

  const std::string url_;
  httplib::Client client_;
};

AdminClient::AdminClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminClient::~AdminClient() = default;

Result<std::unique_ptr<AdminClient>> AdminClient::make(const Endpoint& endpoint) {
  const bool known_scheme = endpoint.url.starts_with("http://") || endpoint.url.starts_with("https://");
  const std::size_t host = endpoint.url.find("://") + 3;
  Endpoint bare = endpoint;
  if (known_scheme && bare.url.ends_with('/')) bare.url.pop_back();
  if (!known_scheme || bare.url.size() <= host || bare.url.find('/', host) != std::string::npos) {
    return Error(ErrorKind::kInvalidConfig, "bad_value",
                 "\"" + endpoint.url + "\" is no address of a daemon, such as http://127.0.0.1:7600");
  }
  Secret token;
  if (!endpoint.token_file.empty()) token = SLUICE_TRY(admin::read_token_file(endpoint.token_file));
  try {
    auto impl = std::make_unique<Impl>(bare, token);
    if (impl->usable()) return std::unique_ptr<AdminClient>(new AdminClient(std::move(impl)));
  } catch (const std::exception&) {  // a port that is no number
  }
  return Error(ErrorKind::kInvalidConfig, "bad_value", "\"" + endpoint.url + "\" is no address of a daemon, such as http://127.0.0.1:7600");
}

Result<Answer> AdminClient::get(const std::string& path, int seconds) { return impl_->get(path, seconds); }
Result<Answer> AdminClient::post(const std::string& path, const std::string& body, int seconds) { return impl_->post(path, body, seconds); }
Result<Answer> AdminClient::stream(const std::string& path, const std::function<bool(std::string_view)>& take) {
  return impl_->stream(path, take);
}

}  // namespace sluice::client
