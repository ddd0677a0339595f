#pragma once
// SHA-256 (FIPS 180-4).  Any thread.

#include <string>
#include <string_view>

namespace sluice::net {

// In lower-case hexadecimal digits.
std::string sha256_hex(std::string_view text);

}  // namespace sluice::net
