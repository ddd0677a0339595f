#include "formats/text.h"

#include <simdjson.h>

namespace sluice {

bool is_valid_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

}  // namespace sluice
