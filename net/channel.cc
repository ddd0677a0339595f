#include "net/channel.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sluice::net {

namespace {

template <auto free>
struct Free {
  template <typename T>
  void operator()(T* pointer) const {
    free(pointer);
  }
};

std::string last_error() {
  std::array<char, 256> text{};
  const unsigned long code = ::ERR_get_error();
  ::ERR_clear_error();
  if (code == 0) return "unknown";
  ::ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

Error files_error(std::string_view what, const std::string& path) {
  return {ErrorKind::kTransient, "tls_files", std::string(what) + " " + path + " cannot be used: " + last_error()};
}

int give_password(char* target, int size, int, void* password) {
  const auto& text = *static_cast<const std::string*>(password);
  if (text.size() > static_cast<std::size_t>(size)) return -1;
  std::memcpy(target, text.data(), text.size());
  return static_cast<int>(text.size());
}

// ---- OpenSSL's view of the socket: without SIGPIPE ------------------------------------------------------------------------------------

int fd_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(::BIO_get_data(bio))); }  // NOLINT

int bio_write(BIO* bio, const char* bytes, int size) {
  ::BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(fd_of(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) ::BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* target, int size) {
  ::BIO_clear_retry_flags(bio);
  const ssize_t got = ::recv(fd_of(bio), target, static_cast<std::size_t>(size), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) ::BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

using BioMethod = std::unique_ptr<BIO_METHOD, Free<::BIO_meth_free>>;

BioMethod make_bio_method() {
  BioMethod method(::BIO_meth_new(BIO_TYPE_SOURCE_SINK, "sluice socket"));
  ::BIO_meth_set_write(method.get(), bio_write);
  ::BIO_meth_set_read(method.get(), bio_read);
  ::BIO_meth_set_ctrl(method.get(), bio_control);
  return method;
}

bool is_number(const std::string& host) {
  std::array<unsigned char, 16> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

}  // namespace

struct TlsContext::Native {
  std::unique_ptr<SSL_CTX, Free<::SSL_CTX_free>> context;
  BioMethod bio = make_bio_method();
  bool verify = true;
};

namespace {

using ContextHandle = std::unique_ptr<SSL_CTX, Free<::SSL_CTX_free>>;

Status load_files(SSL_CTX* context, const TlsFiles& files) {
  if (!files.ca.empty() && ::SSL_CTX_load_verify_locations(context, files.ca.c_str(), nullptr) != 1)
    return files_error("the ca file", files.ca);
  if (files.certificate.empty()) return {};
  std::string password = SLUICE_TRY(files.key_password.current());
  ::SSL_CTX_set_default_passwd_cb(context, give_password);
  ::SSL_CTX_set_default_passwd_cb_userdata(context, &password);
  if (::SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return files_error("the certificate file", files.certificate);
  }
  const bool key = ::SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) == 1;
  ::SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  if (!key || ::SSL_CTX_check_private_key(context) != 1) return files_error("the key file", files.key);
  return {};
}

Result<ContextHandle> make_context(const SSL_METHOD* method, const TlsFiles& files) {
  ::ERR_clear_error();
  ContextHandle context(::SSL_CTX_new(method));
  if (!context) return Error(ErrorKind::kTransient, "tls_files", "no TLS: " + last_error());
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SLUICE_TRY(load_files(context.get(), files));
  return context;
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::client(const TlsFiles& files) {
  auto native = std::make_shared<Native>();
  native->context = SLUICE_TRY(make_context(::TLS_client_method(), files));
  native->verify = files.verify;
  if (files.ca.empty() && ::SSL_CTX_set_default_verify_paths(native->context.get()) != 1)
    return files_error("the system's authorities", "");
  ::SSL_CTX_set_verify(native->context.get(), files.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  auto result = std::make_shared<TlsContext>();
  result->native_ = std::move(native);
  return std::shared_ptr<const TlsContext>(std::move(result));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::server(const TlsFiles& files) {
  auto native = std::make_shared<Native>();
  native->context = SLUICE_TRY(make_context(::TLS_server_method(), files));
  if (!files.ca.empty()) {
    ::SSL_CTX_set_verify(native->context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    ::SSL_CTX_set_session_cache_mode(native->context.get(), SSL_SESS_CACHE_OFF);
  }
  auto result = std::make_shared<TlsContext>();
  result->native_ = std::move(native);
  return std::shared_ptr<const TlsContext>(std::move(result));
}

struct Channel::Tls {
  std::unique_ptr<SSL, Free<::SSL_free>> ssl;
};

Channel::Channel(Descriptor socket) : socket_(std::move(socket)) {}
Channel::Channel(Channel&&) noexcept = default;
Channel& Channel::operator=(Channel&&) noexcept = default;
Channel::~Channel() = default;

Channel Channel::plain(Descriptor socket) { return Channel(std::move(socket)); }

Result<Channel> Channel::server(Descriptor socket, const TlsContext& tls) {
  Channel channel(std::move(socket));
  channel.tls_ = std::make_unique<Tls>();
  channel.tls_->ssl.reset(::SSL_new(tls.native().context.get()));
  BIO* bio = ::BIO_new(tls.native().bio.get());
  if (!channel.tls_->ssl || bio == nullptr) return Error(ErrorKind::kTransient, "tls_failed", "no TLS: " + last_error());
  ::BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(channel.fd())));  // NOLINT
  ::BIO_set_init(bio, 1);
  ::SSL_set_bio(channel.tls_->ssl.get(), bio, bio);
  ::SSL_set_accept_state(channel.tls_->ssl.get());
  return channel;
}

Result<Channel> Channel::client(Descriptor socket, const TlsContext& tls, const std::string& host) {
  Channel channel = SLUICE_TRY(server(std::move(socket), tls));
  SSL* ssl = channel.tls_->ssl.get();
  ::SSL_set_connect_state(ssl);
  bool named = true;
  if (is_number(host)) {
    named = ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), host.c_str()) == 1;
  } else {
    named = ::SSL_set1_host(ssl, host.c_str()) == 1 && ::SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;  // NOLINT: a macro of OpenSSL
  }
  if (!named) return Error(ErrorKind::kTransient, "tls_failed", "the name " + host + " cannot be verified");
  return channel;
}

Channel::Io Channel::outcome(int result) {
  const int reason = errno;
  switch (::SSL_get_error(tls_->ssl.get(), result)) {
    case SSL_ERROR_WANT_READ: return Io::kWantRead;
    case SSL_ERROR_WANT_WRITE: return Io::kWantWrite;
    case SSL_ERROR_ZERO_RETURN: return Io::kClosed;
    case SSL_ERROR_SYSCALL: failure_ = reason != 0 ? std::strerror(reason) : "the connection was cut"; break;
    default: {
      const long verdict = ::SSL_get_verify_result(tls_->ssl.get());
      failure_ = "TLS: " + (verdict != X509_V_OK ? std::string(::X509_verify_cert_error_string(verdict)) : last_error());
    }
  }
  ::ERR_clear_error();
  return Io::kFailed;
}

Channel::Io Channel::handshake() {
  if (!tls_) return Io::kDone;
  ::ERR_clear_error();
  errno = 0;
  const int result = ::SSL_do_handshake(tls_->ssl.get());
  return result == 1 ? Io::kDone : outcome(result);
}

Channel::Io Channel::read(char* target, std::size_t size, std::size_t& got) {
  got = 0;
  if (tls_) {
    ::ERR_clear_error();
    errno = 0;
    const int result = ::SSL_read_ex(tls_->ssl.get(), target, size, &got);
    return result == 1 ? Io::kDone : outcome(result);
  }
  while (true) {
    const ssize_t count = ::recv(socket_.get(), target, size, MSG_DONTWAIT);
    if (count > 0) got = static_cast<std::size_t>(count);
    if (count > 0) return Io::kDone;
    if (count == 0) return Io::kClosed;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Io::kWantRead;
    if (errno == EINTR) continue;
    failure_ = std::strerror(errno);
    return Io::kFailed;
  }
}

Channel::Io Channel::write(std::string_view bytes, std::size_t& sent) {
  sent = 0;
  if (tls_) {
    ::ERR_clear_error();
    errno = 0;
    const int result = ::SSL_write_ex(tls_->ssl.get(), bytes.data(), bytes.size(), &sent);
    return result == 1 ? Io::kDone : outcome(result);
  }
  while (true) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) sent = static_cast<std::size_t>(count);
    if (count >= 0) return Io::kDone;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Io::kWantWrite;
    if (errno == EINTR) continue;
    failure_ = std::strerror(errno);
    return Io::kFailed;
  }
}

void Channel::shut_down() {
  if (tls_) {
    ::ERR_clear_error();
    ::SSL_shutdown(tls_->ssl.get());
    ::ERR_clear_error();
  }
  ::shutdown(socket_.get(), SHUT_WR);
}

}  // namespace sluice::net
