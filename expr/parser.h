#pragma once
// Recursive descent over the tokens, as in the grammar of CEL's language definition, with the macros recognised.

#include <optional>
#include <string_view>

#include "expr/ast.h"
#include "expr/expression.h"

namespace sluice::expr {

// Bounds that keep every pass over the tree within the stack.  The language definition asks for 12 nested levels, 24 ternaries
// or relations in a row and 32 repetitions; a thread's stack of 8 MiB takes far more than these.
inline constexpr std::size_t kMaxNesting = 200;
inline constexpr std::size_t kMaxHeight = 400;
inline constexpr std::size_t kMaxSourceBytes = 64 * 1024;

// The tree, or the first error.
std::optional<Ast> parse(std::string_view source, std::optional<CompileError>& error);

// Turns the call `node` into a macro if it is one.  False with `error` set when it names a macro but is used wrongly.
bool recognise_macro(Node& node, std::optional<CompileError>& error);

}  // namespace sluice::expr
