#pragma once
// The inside of a JSON string with escapes -> UTF-8.

#include <string_view>

namespace sluice {

struct JsonUnescaped {
  char* end = nullptr;          // behind the last byte written
  const char* fault = nullptr;  // where an escape is wrong; nullptr: all is well
};

// Decodes `escaped` (without its quotes) to `out`, which has room for as many bytes.  A lone surrogate is a fault: UTF-8 has none.
JsonUnescaped unescape_json(std::string_view escaped, char* out);

}  // namespace sluice
