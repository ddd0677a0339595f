#pragma once
// java.util.UUID.nameUUIDFromBytes(): version 3, from MD5 (RFC 1321).  For Debezium's placeholder in arrays of uuid; not for security.

#include <string>
#include <string_view>

namespace sluice::debezium {

std::string name_uuid(std::string_view name);

}  // namespace sluice::debezium
