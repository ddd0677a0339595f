#include "expr/static_type.h"

#include <algorithm>
#include <array>

namespace sluice::expr {

namespace {

bool fits(char wanted, const StaticType& given) { return wanted == '*' || given.is_any() || wanted == given.letter; }

bool fits_all(std::string_view letters, const std::vector<StaticType>& arguments) {
  const bool repeats = letters.ends_with('+');
  if (repeats) letters.remove_suffix(1);
  if (repeats ? arguments.size() < letters.size() : arguments.size() != letters.size()) return false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!fits(letters[std::min(i, letters.size() - 1)], arguments[i])) return false;
  }
  return true;
}

std::string_view arithmetic_overloads(std::string_view op) {
  switch (op.front()) {
    case '+': return "ii:i uu:u dd:d ee:e ss:s yy:y ll:l tD:t Dt:t DD:D aD:a";
    case '-': return "ii:i uu:u dd:d ee:e tD:t tt:D DD:D aD:a aa:D";
    case '*':
    case '/': return "ii:i uu:u dd:d ee:e";
    default: return "ii:i uu:u ee:e";
  }
}

bool is_equality(std::string_view op) { return op == "==" || op == "!="; }
bool is_ordering(std::string_view op) { return op.front() == '<' || op.front() == '>'; }

}  // namespace

StaticType with_item(char letter, const StaticType& item) { return {letter, std::make_shared<const StaticType>(item)}; }

StaticType join(const StaticType& a, const StaticType& b) {
  if (a.letter != b.letter) return {};
  if (a.letter == 'l' || a.letter == 'm') return with_item(a.letter, join(a.item_type(), b.item_type()));
  return a;
}

char letter_of(const std::optional<Value::Type>& type) {
  if (!type) return '*';
  switch (*type) {
    case Value::Type::kBool: return 'b';
    case Value::Type::kInt64: return 'i';
    case Value::Type::kUint64: return 'u';
    case Value::Type::kFloat64: return 'd';
    case Value::Type::kDecimal: return 'e';
    case Value::Type::kString: return 's';
    case Value::Type::kBytes: return 'y';
    case Value::Type::kTimestamp: return 't';
    case Value::Type::kDuration: return 'D';
    case Value::Type::kDate: return 'a';
    case Value::Type::kList: return 'l';
    default: return '*';  // uuid, bits and json are texts in some places and not in others
  }
}

std::string_view letter_name(char letter) {
  switch (letter) {
    case 'n': return "null";
    case 'b': return "bool";
    case 'i': return "int";
    case 'u': return "uint";
    case 'd': return "double";
    case 'e': return "decimal";
    case 's': return "string";
    case 'y': return "bytes";
    case 't': return "timestamp";
    case 'D': return "duration";
    case 'a': return "date";
    case 'l': return "list";
    case 'm': return "map";
    case 'T': return "type";
    case 'o': return "optional";
    default: return "any";
  }
}

std::string names_of(const std::vector<StaticType>& types) {
  std::string out;
  for (const StaticType& type : types) {
    if (!out.empty()) out += ", ";
    out += letter_name(type.letter);
  }
  return out;
}

bool is_number_letter(char letter) { return std::string_view("iude").find(letter) != std::string_view::npos; }

std::optional<StaticType> match_overloads(std::string_view overloads, const std::vector<StaticType>& arguments) {
  std::optional<StaticType> result;
  while (!overloads.empty()) {
    const std::string_view overload = overloads.substr(0, overloads.find(' '));
    overloads.remove_prefix(std::min(overloads.size(), overload.size() + 1));
    const std::size_t colon = overload.find(':');
    if (!fits_all(overload.substr(0, colon), arguments)) continue;
    const StaticType found{overload[colon + 1]};
    result = result ? join(*result, found) : found;
  }
  return result;
}

std::optional<StaticType> operator_result(std::string_view op, const StaticType& a, const StaticType& b, Rules rules) {
  const bool numbers = is_number_letter(a.letter) && is_number_letter(b.letter);
  const bool mixing = rules == Rules::kPipeline && numbers && a.letter != b.letter;
  if (is_equality(op)) {
    const bool special = a.letter == 'n' || b.letter == 'n' || a.letter == 'o' || b.letter == 'o';
    if (a.is_any() || b.is_any() || a.letter == b.letter || mixing || special) return StaticType{'b'};
    return std::nullopt;
  }
  if (is_ordering(op)) {
    if (mixing) return StaticType{'b'};
    return match_overloads("bb:b ii:b uu:b dd:b ee:b ss:b yy:b tt:b DD:b aa:b", {a, b});
  }
  if (op == "in") return match_overloads("*l:b *m:b", {a, b});
  if (mixing)
    return op == "%" && (a.letter == 'd' || b.letter == 'd') && a.letter != 'e' && b.letter != 'e' ? std::nullopt
                                                                                                   : std::optional(StaticType{});
  const auto result = match_overloads(arithmetic_overloads(op), {a, b});
  // Under the pipeline's rules the other side may turn out to be any number.
  if (result && rules == Rules::kPipeline && (a.is_any() || b.is_any()) && is_number_letter(result->letter)) return StaticType{};
  return result;
}

}  // namespace sluice::expr
