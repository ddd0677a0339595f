#pragma once
// The file of --env-file: lines of NAME=value, read with care, because what goes wrong in it is noticed far away.
//
//   # a comment, on a line of its own            NAME=value          blanks around both are taken off
//   export NAME=value                            NAME='as it is'     NAME="with \n \t \r \\ \" \$"   # a comment
//
// UTF-8, with or without a byte order mark, LF or CRLF.  Nothing is replaced in a value: what a shell or another tool would do with
// it (a blank and # in a bare value, ${OTHER}) is an error that says how to write it plainly.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/diagnostic.h"

namespace sluice::daemon {

// The variables in the order of the file.  Everything wrong goes to `findings` with its place (bad_value, duplicate_key); values are
// never shown.
std::vector<std::pair<std::string, std::string>> parse_environment_file(std::string_view text, const std::string& file,
                                                                        Diagnostics& findings);

}  // namespace sluice::daemon
