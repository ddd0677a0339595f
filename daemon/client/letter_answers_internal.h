#pragma once
// Dead letters from the JSON that dlq/letter_json.h writes.

#include <optional>
#include <string>
#include <vector>

#include "dlq/stored_letters.h"

namespace sluice::client {

// What is JSON in a letter (key, input, record, sinks) stays byte for byte as it came.  nullopt: no such answer.
std::optional<dlq::StoredLetter> letter_of(const std::string& json);
// {"letters":[...]}
std::optional<std::vector<dlq::StoredLetter>> letters_of(const std::string& json);

}  // namespace sluice::client
