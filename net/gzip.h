#pragma once
// gzip (RFC 1952) of whole bodies.  Any thread.

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"

namespace sluice::net {

// Several members behind each other read as one text.  kBadRecord gzip_damaged, or body_too_large beyond `limit` bytes of text: what a
// small body unpacks to is not known before.
Result<std::string> gunzip(std::string_view packed, std::size_t limit);

// Appends one member.  kTransient out_of_memory.
Status gzip(std::string_view text, std::string& out);

}  // namespace sluice::net
