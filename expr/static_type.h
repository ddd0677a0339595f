#pragma once
// What the checker knows of a value before it exists.  Letters as in functions.h; '*' is anything.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "expr/expression.h"

namespace sluice::expr {

struct StaticType {
  char letter = '*';
  std::shared_ptr<const StaticType> item = nullptr;  // of a list's items or a map's values; null: anything

  bool is_any() const { return letter == '*'; }
  StaticType item_type() const { return item ? *item : StaticType{}; }
};

StaticType with_item(char letter, const StaticType& item);
// The type of "one or the other".
StaticType join(const StaticType& a, const StaticType& b);

std::string_view letter_name(char letter);                   // "int", "string", ...
char letter_of(const std::optional<Value::Type>& type);      // of a field; '*' where expressions take it for more than one of these
std::string names_of(const std::vector<StaticType>& types);  // "int, string"

bool is_number_letter(char letter);

// Result of the overloads (notation of functions.h) that fit; nullopt: none does.
std::optional<StaticType> match_overloads(std::string_view overloads, const std::vector<StaticType>& arguments);
// The overloads of an operator under the rules, in the same notation.
std::optional<StaticType> operator_result(std::string_view op, const StaticType& a, const StaticType& b, Rules rules);

}  // namespace sluice::expr
