#pragma once
// What is known of the records at one place of a pipeline before it starts.  It flows from the sources along the graph; what is not known
// is never guessed, so that a finding is always right.

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/config_types.h"
#include "core/diagnostic.h"
#include "core/result.h"
#include "core/value.h"

namespace sluice {

struct FieldShape {
  std::string name;
  std::optional<Value::Type> type = std::nullopt;  // nullopt: any
  bool nullable = true;                            // its value may be null
  bool optional = false;                           // not every record has it

  bool operator==(const FieldShape&) const = default;
};

// The fields of all records that may come by: those of several tables together, each then optional.
struct RecordShape {
  std::vector<FieldShape> fields;
  std::string origin = {};  // where this is known from, for messages: "the header of orders.csv"
  bool whole = true;        // no log stands behind it that leaves columns out (G16)

  const FieldShape* find(std::string_view name) const;
  FieldShape* find(std::string_view name);
  void remove(std::string_view name);
  std::vector<std::string_view> names() const;
};

// Nothing is known without a value.
using KnownShape = std::optional<RecordShape>;

// Records of either kind: what only one of them has is optional, and where types differ it may be any.
KnownShape either(const KnownShape& a, const KnownShape& b);

// What an expression gives; expr/ implements it.
class ExpressionTypes {
 public:
  virtual ~ExpressionTypes() = default;
  // Type, and whether it may be null; the name is empty.
  virtual FieldShape result_of(std::string_view expression, const RecordShape& of) const = 0;
};

// One step's part: `shape` is that of its input and becomes that of its output.
struct Reshaping {
  RecordShape& shape;
  const ExpressionTypes& expressions;
  Diagnostics& findings;

  // A finding expression_unknown_field, with the nearest name, when the shape lacks the first name of the path; a path that leads into a
  // field is not followed.  The field, or nullptr.
  FieldShape* expect(const FieldPath& path) const;
};

// What a source may look at to know its records.
struct ShapeContext {
  std::string pipeline, component;  // the user's names
  bool online = false;              // servers may be asked
  std::stop_token stop;
};

}  // namespace sluice
