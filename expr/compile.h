#pragma once
// Source to Code: parse, check, lower.

#include <memory>
#include <string>
#include <vector>

#include "expr/compiled.h"
#include "expr/expression.h"
#include "expr/known_records.h"
#include "expr/static_type.h"

namespace sluice::expr {

struct CompileOptions {
  Rules rules = Rules::kPipeline;
  EnvironmentLookup environment = {};
  bool must_be_bool = false;
  bool checked = true;                      // false: unknown names and wrong types fail when they are evaluated, as CEL without its checker
  bool records = true;                      // the roots this, before, key, meta and env exist
  std::vector<std::string> variables = {};  // further names, dots allowed; their values are given to each evaluation
  std::string container = {};               // CEL's namespace in which names are looked up first
  const KnownRecords* known = nullptr;      // what the checker may say of fields; null: any may be there
};

// Where a name leads.
struct Resolution {
  enum class Kind : std::uint8_t { kUnknown, kRoot, kMeta, kEnv, kVariable, kType };
  Kind kind = Kind::kUnknown;
  Root root = Root::kThis;
  std::uint32_t variable = 0;
  std::string_view type_name = {};  // static
};
// The meaning of a dotted name that no macro's variable hides.
Resolution resolve(std::string_view name, bool absolute, const CompileOptions& options);

// "a.b.c" of a chain of selections that begins with an identifier; empty for anything else.  `absolute` is told apart.
std::string dotted_name(const Node& node);
const Node& chain_head(const Node& node);

// Everything that is wrong, in the order of the source.
std::vector<CompileError> check(const Ast& ast, const CompileOptions& options);

// The type of the whole; anything where the source has errors.
StaticType static_type(const Ast& ast, const CompileOptions& options);

// The text of an environment variable (getenv unless options.environment is set).
std::optional<std::string> environment_variable(const CompileOptions& options, std::string_view name);

std::unique_ptr<Code> lower(const Ast& ast, const CompileOptions& options);

// All three; the errors when there are any.
struct CompileResult {
  std::unique_ptr<Code> code;
  std::vector<CompileError> errors;
};
CompileResult compile_source(std::string_view source, const CompileOptions& options);

}  // namespace sluice::expr
