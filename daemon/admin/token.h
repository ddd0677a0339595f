#pragma once
// The token that the admin API asks for.

#include <string>
#include <string_view>

#include "core/config_types.h"
#include "core/result.h"

namespace sluice::admin {

// The first line of a file that only its owner (we or root) may read: mode 0600 or 0400.  kInvalidConfig token_file_unusable with what to
// do; nothing of the content is ever in a message.
Result<Secret> read_token_file(const std::string& path);

// Takes the same time wherever the texts differ, so that a token cannot be guessed byte by byte.
bool equal_in_constant_time(std::string_view given, std::string_view wanted);

}  // namespace sluice::admin
