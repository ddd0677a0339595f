#pragma once
// The expression language of pipelines: CEL (https://github.com/google/cel-spec, doc/langdef.md) over records.
//
// An expression is compiled once and then evaluated per record.  Fields of `this`, `before` and `key` become slots once per
// schema; nothing is looked up by name for every record.  Roots: this, before, key, meta, env (CONFIG.md rule 8).
//
// Every class here belongs to one thread: it caches by schema.  Compile one per shard.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/batch.h"
#include "core/config_binding.h"
#include "core/config_types.h"
#include "core/predicate.h"
#include "core/record.h"
#include "core/result.h"
#include "core/value.h"
#include "expr/scratch.h"

namespace sluice::expr {

// How numbers of different types meet.
enum class Rules : std::uint8_t {
  kStrict,    // CEL as its specification has it: 1 + 1.0 is an error
  kPipeline,  // int and uint promote to double; with a decimal on either side the result is a decimal and a double literal is the exact
              // decimal it spells
};

// Value of an environment variable; nullopt: unset.
using EnvironmentLookup = std::function<std::optional<std::string>(std::string_view name)>;

// Where in the source a compile error stands, for carets.  Bytes.
struct CompileError {
  std::string_view code;  // expression_syntax, expression_type, expression_unknown_field or expression_unknown_function
  std::string message;
  std::size_t offset = 0;
  std::size_t length = 0;
  std::string suggestion = {};  // the name that was probably meant; empty: none
  std::string hint = {};        // what to do; empty: none
};

class Program {
 public:
  struct Options {
    Rules rules = Rules::kPipeline;
    EnvironmentLookup environment = {};  // empty: the process's environment
    bool must_be_bool = false;           // a condition: an expression that is known to be no bool is refused
  };

  // kInvalidConfig with the codes of CompileError; the message says where.
  static Result<std::unique_ptr<Program>> compile(std::string_view source, const Options& options);
  static Result<std::unique_ptr<Program>> compile(std::string_view source) { return compile(source, Options()); }
  // The same for callers that show the place: every error of the source, empty when it compiles.
  static std::vector<CompileError> check(std::string_view source, const Options& options);

  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  // The expression's value for one record.  Long text, lists and maps of the result live in `arena`, in the batch or in this
  // Program (constants), so copy what must outlive the Program.  Errors are kBadRecord with codes such as no_such_field,
  // value_unavailable (the log left the column out, G16), no_matching_overload, overflow, divide_by_zero.
  Result<Value> evaluate(const Batch& batch, const Record& record, Arena& arena);

  // The same where only true and false make sense; anything else is the error no_matching_overload.  No heap allocation unless it fails or
  // makes lists, maps or text.
  Result<bool> test(const Batch& batch, const Record& record);

  // CONFIG.md rule 13, for set and lookup: what of the fields that the expression reads is there.  kAllUnchanged: every field of
  // `this` that it reads is a column the log left out or, on a delete that carries only its key, absent.  kMixed: some are.
  // An expression that reads no field of `this` is kAvailable.
  enum class Availability : std::uint8_t { kAvailable, kAllUnchanged, kMixed };
  Availability availability(const Batch& batch, const Record& record);

  // CONFIG.md rule 13, for filter, when and validate: the record is a delete that carries only its key, and the expression reads a
  // field that it lacks.
  bool lacks_fields(const Batch& batch, const Record& record);

 private:
  struct Compiled;
  explicit Program(std::unique_ptr<Compiled> compiled);
  std::unique_ptr<Compiled> compiled_;
};

// The `when:` of steps and sinks: true where every program is.  A delete that lacks the fields one of them reads passes that one
// (rule 13).
std::unique_ptr<Predicate> make_predicate(std::vector<std::unique_ptr<Program>> all_must_hold);

// Text with expressions between ${ and }: "out/${this.country}/x.json".
class Template {
 public:
  // What is done to the text of values, never to the template's own text (rule 10).
  enum class Encoding : std::uint8_t {
    kNone,
    kPath,  // percent-encodes '/', a value that is "." or "..", NUL and other control characters, and '%'
    kUrl,   // percent-encodes all but the unreserved characters of RFC 3986
  };

  static Result<std::unique_ptr<Template>> compile(const TemplateText& text, Encoding encoding);

  Template(const Template&) = delete;
  Template& operator=(const Template&) = delete;
  ~Template();

  // Appends the text.  kBadRecord template_missing when a value is missing, null or unchanged, template_type when it has no text
  // (lists, maps); `out` is as it was then.
  Status render(const Batch& batch, const Record& record, std::string& out);

  bool is_constant() const;

 private:
  struct Part;
  Template(std::vector<Part> parts, Encoding encoding);
  Status render_value(const Part& part, const Batch& batch, const Record& record, std::string& out);
  std::vector<Part> parts_;
  Encoding encoding_;
  Scratch scratch_;
};

// Findings for configuration errors, placed inside the YAML scalar.
std::unique_ptr<ExpressionChecker> make_expression_checker();
std::unique_ptr<ExpressionChecker> make_expression_checker(EnvironmentLookup environment);

}  // namespace sluice::expr
