#pragma once
// Text to tokens, as in the "Syntax" part of CEL's language definition.  Stateless.

#include <string>
#include <string_view>
#include <vector>

#include "expr/ast.h"
#include "expr/expression.h"

namespace sluice::expr {

struct Token {
  enum class Kind : std::uint8_t { kEnd, kIdentifier, kQuotedName, kInt, kUint, kDouble, kString, kBytes, kPunctuation };
  Kind kind = Kind::kEnd;
  SourceRange range;
  std::string text;  // names and numbers as written, texts with their escapes resolved, punctuation "&&"

  bool is(std::string_view punctuation) const { return kind == Kind::kPunctuation && text == punctuation; }
};

// All tokens, ended by kEnd.  On bad input the tokens up to there, and `error` says what is wrong.
std::vector<Token> tokenize(std::string_view source, std::optional<CompileError>& error);

// Words that CEL keeps for itself and that cannot be names of variables.
bool is_reserved_word(std::string_view word);

}  // namespace sluice::expr
