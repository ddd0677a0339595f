// Heads of HTTP requests and addresses to listen on: whatever comes is refused or read, and a head that passes keeps its size.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "daemon/admin/http_request_head.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string head(reinterpret_cast<const char*>(data), size);
  const sluice::admin::HeadLimits limits;
  const bool refused = sluice::admin::check_head(head, limits).has_value();
  if (head.size() != size || (!refused && size > limits.head)) std::abort();
  return 0;
}
