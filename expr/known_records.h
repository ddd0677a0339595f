#pragma once
// Expressions against what is known of the records that they will read: unknown fields, types that do not meet, conditions that are
// always the same.  All stateless; no records are needed.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/record_shape.h"
#include "expr/expression.h"

namespace sluice::expr {

struct KnownRecords {
  const RecordShape* shape = nullptr;         // null: nothing is known of the fields
  std::vector<std::string_view> absent_meta;  // names of `meta` that none of the pipeline's sources has
};

// What does not fit these records.  Nothing for a source in which Program::check() finds errors of its own.
std::vector<CompileError> check_against(std::string_view source, const KnownRecords& records, const Program::Options& options);

// Whether a condition gives the same answer for every one of these records; nullopt: it depends.  `why` gets the reason.
std::optional<bool> constant_truth(std::string_view source, const KnownRecords& records, std::string& why);

// The field whose null, or whose absence, would be the expression's own value; nullptr: there is none.
const FieldShape* possible_null(std::string_view source, const RecordShape& shape);

std::unique_ptr<ExpressionTypes> make_expression_types();

}  // namespace sluice::expr
