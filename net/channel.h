#pragma once
// Bytes over a non-blocking socket, with or without TLS (OpenSSL).  Certificates are verified unless told otherwise; TLS 1.2 at least.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/config_types.h"
#include "core/result.h"
#include "net/descriptor.h"

namespace sluice::net {

// PEM files; empty: not given.
struct TlsFiles {
  std::string ca;  // a client's: whom to trust (empty: the system's); a server's: whose clients to admit (empty: nobody is asked)
  std::string certificate, key;
  Secret key_password;
  bool verify = true;  // clients
};

// What many connections share.  Any thread.
class TlsContext {
 public:
  // Reads the files.  kTransient tls_files: they may be in the middle of being replaced.
  static Result<std::shared_ptr<const TlsContext>> client(const TlsFiles& files);
  static Result<std::shared_ptr<const TlsContext>> server(const TlsFiles& files);
  struct Native;
  const Native& native() const { return *native_; }

 private:
  std::shared_ptr<const Native> native_;
};

// One connection.  One thread.
class Channel {
 public:
  enum class Io {
    kDone,       // some bytes were moved
    kWantRead,   // call again when the socket is readable
    kWantWrite,  // ... writable
    kClosed,     // the other side has ended it properly
    kFailed,     // failure() says how
  };

  // Without `tls` plain.  `host`: whose certificate a server must show.
  static Channel plain(Descriptor socket);
  static Result<Channel> client(Descriptor socket, const TlsContext& tls, const std::string& host);
  static Result<Channel> server(Descriptor socket, const TlsContext& tls);

  Channel(Channel&&) noexcept;
  Channel& operator=(Channel&&) noexcept;
  ~Channel();

  int fd() const { return socket_.get(); }
  // kDone at once without TLS.
  Io handshake();
  Io read(char* target, std::size_t size, std::size_t& got);
  Io write(std::string_view bytes, std::size_t& sent);
  // No more will be written.
  void shut_down();
  const std::string& failure() const { return failure_; }

 private:
  struct Tls;
  explicit Channel(Descriptor socket);
  Io outcome(int result);

  Descriptor socket_;
  std::unique_ptr<Tls> tls_;
  std::string failure_;
};

}  // namespace sluice::net
