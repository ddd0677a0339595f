#pragma once
// The bytes of one connection, plain or TLS, never blocking.  One thread at a time.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/result.h"
#include "daemon/admin/descriptor.h"

namespace sluice::admin {

enum class IoState : std::uint8_t {
  kDone,       // `bytes` of them, at least one
  kEnd,        // the peer has sent all it will
  kWaitRead,   // try again when the descriptor is readable
  kWaitWrite,  // or writable
  kFailed,
};

struct IoResult {
  IoState state = IoState::kFailed;
  std::size_t bytes = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual int descriptor() const = 0;
  virtual IoResult receive(char* target, std::size_t size) = 0;
  virtual IoResult send(const char* source, std::size_t size) = 0;
  virtual void end_sending() = 0;  // the peer sees the end of our answer; one try
};

// Takes accepted connections over.  Any thread, several at once.
class TransportFactory {
 public:
  virtual ~TransportFactory() = default;
  virtual std::unique_ptr<Transport> wrap(Descriptor connection) const = 0;
};

std::unique_ptr<TransportFactory> plain_transport();

// TLS 1.2 or newer with this certificate chain and private key (PEM files, read once).  kInvalidConfig tls_unusable with the reason.
Result<std::unique_ptr<TransportFactory>> tls_transport(const std::string& certificate_file, const std::string& key_file);

}  // namespace sluice::admin
