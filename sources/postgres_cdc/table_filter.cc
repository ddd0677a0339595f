#include "sources/postgres_cdc/table_filter.h"

#include <algorithm>

namespace sluice::sources::postgres {

namespace {

// Greedy with one point to come back to: linear for one `*`, at worst the product of the lengths.
bool glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

bool TablePattern::is_literal() const { return (schema + table).find_first_of("*?") == std::string::npos; }

bool TablePattern::matches(std::string_view schema_name, std::string_view table_name) const {
  return glob(schema, schema_name) && glob(table, table_name);
}

bool parse_table_pattern(std::string_view text, TablePattern& out) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == text.size()) return false;
  out.schema = text.substr(0, dot);
  out.table = text.substr(dot + 1);
  return true;
}

const TableRule* TableFilter::rule_for(std::string_view schema, std::string_view table) const {
  const auto matches = [&](const TablePattern& pattern) { return pattern.matches(schema, table); };
  if (std::any_of(exclude.begin(), exclude.end(), matches)) return nullptr;
  const TableRule* found = nullptr;
  for (const TableRule& rule : include) {
    if (!matches(rule.pattern)) continue;
    if (rule.pattern.is_literal()) return &rule;
    if (found == nullptr) found = &rule;
  }
  return found;
}

bool TableFilter::wants(std::string_view schema, std::string_view table) const { return rule_for(schema, table) != nullptr; }

}  // namespace sluice::sources::postgres
