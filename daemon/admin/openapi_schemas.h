#pragma once
// The schemas that the OpenAPI document refers to, as JSON text: {"Pipeline": {...}, ...}.

#include <string_view>

namespace sluice::admin {

extern const std::string_view kOpenApiSchemas;

}  // namespace sluice::admin
