#include "expr/failure.h"

#include "expr/special_values.h"
#include "expr/text.h"

namespace sluice::expr {

std::string describe(const Failure& failure) {
  std::string out(failure.text);
  if (!failure.subject.empty()) out += " \"" + printable(failure.subject) + "\"";
  if (failure.value_count == 0) return out;
  out += " for (";
  for (std::uint8_t i = 0; i < failure.value_count; ++i) {
    if (i > 0) out += ", ";
    out += type_of(failure.values[i]);
  }
  return out + ")";
}

}  // namespace sluice::expr
