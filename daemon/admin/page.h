#pragma once
// The admin API's page for people: one static document without anything from outside; it reads the API in the browser.

#include <string_view>

namespace sluice::admin {

extern const std::string_view kPage;

}  // namespace sluice::admin
