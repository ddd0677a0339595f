#include "daemon/admin/transport.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

namespace sluice::admin {

namespace {

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(Descriptor fd) : fd_(std::move(fd)) {}
  int descriptor() const override { return fd_.get(); }

  IoResult receive(char* target, std::size_t size) override {
    const ssize_t got = ::recv(fd_.get(), target, size, MSG_DONTWAIT);
    if (got > 0) return {IoState::kDone, static_cast<std::size_t>(got)};
    return {got == 0 ? IoState::kEnd : waiting(IoState::kWaitRead)};
  }
  IoResult send(const char* source, std::size_t size) override {
    const ssize_t sent = ::send(fd_.get(), source, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return {IoState::kDone, static_cast<std::size_t>(sent)};
    return {waiting(IoState::kWaitWrite)};
  }
  void end_sending() override { ::shutdown(fd_.get(), SHUT_WR); }

 private:
  static IoState waiting(IoState state) { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? state : IoState::kFailed; }
  Descriptor fd_;
};

class PlainFactory final : public TransportFactory {
 public:
  std::unique_ptr<Transport> wrap(Descriptor connection) const override { return std::make_unique<PlainTransport>(std::move(connection)); }
};

using Session = std::unique_ptr<SSL, decltype(&SSL_free)>;
using SharedContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

int clamped(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max())); }

// The handshake happens inside the first receive().
class TlsTransport final : public Transport {
 public:
  TlsTransport(Descriptor fd, Session session) : fd_(std::move(fd)), session_(std::move(session)) {}
  int descriptor() const override { return fd_.get(); }

  IoResult receive(char* target, std::size_t size) override {
    if (!session_) return {};
    ERR_clear_error();
    return result(SSL_read(session_.get(), target, clamped(size)));
  }
  IoResult send(const char* source, std::size_t size) override {
    if (!session_) return {};
    ERR_clear_error();
    return result(SSL_write(session_.get(), source, clamped(size)));
  }
  void end_sending() override {
    ERR_clear_error();
    if (session_ && SSL_is_init_finished(session_.get()) == 1) static_cast<void>(SSL_shutdown(session_.get()));
    ::shutdown(fd_.get(), SHUT_WR);
  }

 private:
  IoResult result(int outcome) {
    if (outcome > 0) return {IoState::kDone, static_cast<std::size_t>(outcome)};
    switch (SSL_get_error(session_.get(), outcome)) {
      case SSL_ERROR_WANT_READ: return {IoState::kWaitRead};
      case SSL_ERROR_WANT_WRITE: return {IoState::kWaitWrite};
      case SSL_ERROR_ZERO_RETURN: return {IoState::kEnd};
      default: session_.reset(); return {IoState::kFailed};  // a session that failed may not even be shut down
    }
  }
  Descriptor fd_;
  Session session_;
};

class TlsFactory final : public TransportFactory {
 public:
  explicit TlsFactory(SharedContext context) : context_(std::move(context)) {}
  std::unique_ptr<Transport> wrap(Descriptor connection) const override {
    Session session(SSL_new(context_.get()), &SSL_free);
    if (session && SSL_set_fd(session.get(), connection.get()) == 1) {
      SSL_set_accept_state(session.get());
    } else {
      session.reset();  // out of memory: the connection fails at its first byte
    }
    return std::make_unique<TlsTransport>(std::move(connection), std::move(session));
  }

 private:
  SharedContext context_;
};

std::string openssl_reason() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  return text.data();
}

Error unusable(const std::string& what) { return {ErrorKind::kInvalidConfig, "tls_unusable", what + ": " + openssl_reason()}; }

}  // namespace

std::unique_ptr<TransportFactory> plain_transport() { return std::make_unique<PlainFactory>(); }

Result<std::unique_ptr<TransportFactory>> tls_transport(const std::string& certificate_file, const std::string& key_file) {
  ERR_clear_error();
  SharedContext context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (!context) return unusable("TLS cannot be set up");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1)
    return unusable("the certificate \"" + certificate_file + "\" cannot be used");
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return unusable("the key \"" + key_file + "\" cannot be used");
  if (SSL_CTX_check_private_key(context.get()) != 1) return unusable("the key \"" + key_file + "\" is not the certificate's");
  return std::unique_ptr<TransportFactory>(std::make_unique<TlsFactory>(std::move(context)));
}

}  // namespace sluice::admin
