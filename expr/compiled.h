#pragma once
// What the evaluator runs: the tree in one array, names resolved, constants made.
//
//   ops       [0] [1] ... [root]      children stand before their parent
//   operands  indices into ops; those of one op stand together: operands[first .. first + count)

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/arena.h"
#include "core/schema.h"
#include "expr/ast.h"
#include "expr/context.h"
#include "expr/functions.h"

namespace sluice::expr {

enum class OpKind : std::uint8_t {
  kConstant,       // data: constant
  kLocal,          // data: slot of a macro's variable
  kBinding,        // data: index into the bindings given to the evaluation
  kField,          // sub: Root; data: field
  kHasField,       // the same
  kOptionalField,  // the same, as an optional
  kRoot,           // sub: Root: the row as a value
  kMeta,           // data: meta name
  kHasMeta,
  kOptionalMeta,
  kSelect,  // operand . name; data: name
  kHasSelect,
  kOptionalSelect,
  kIndex,  // two operands
  kOptionalIndex,
  kAnd,
  kOr,
  kNot,
  kConditional,
  kCompare,       // sub: Comparison; two operands
  kCompareField,  // sub: Comparison; root: Root; data: field; first: constant.  The common condition, without recursion
  kIn,
  kArithmetic,  // sub: the operator's character
  kNegate,
  kCall,  // data: function
  kList,  // flags in optional_items from `data`
  kMap,
  kMacro,  // data: macro
  kFail,   // data: failure: an unknown name in an unchecked expression
};

enum class Comparison : std::uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
// The orders in which a comparison holds: bit 0 less, 1 equal, 2 greater, 3 unordered (NaN).
constexpr std::uint8_t comparison_bits(Comparison comparison) {
  constexpr std::uint8_t kBits[] = {0b0010, 0b1101, 0b0001, 0b0011, 0b0100, 0b0110};
  return kBits[static_cast<std::size_t>(comparison)];
}

enum class Root : std::uint8_t { kThis, kBefore, kKey };

// Names of `meta`.
enum class MetaName : std::uint8_t {
  kOp,
  kSource,
  kDatabase,
  kSchema,
  kTable,
  kTopic,
  kFile,
  kSourceTime,
  kIngestTime,
  kPartition,
  kOffset,
  kLsn,
  kGtid,
  kTx,
  kXid,
  kHeaders,
  kTags,
  kId,
};
inline constexpr std::size_t kMetaNames = 18;
std::span<const std::string_view> meta_names();

struct Instruction {
  OpKind kind = OpKind::kConstant;
  std::uint8_t sub = 0;
  Root root = Root::kThis;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::uint32_t data = 0;
};

struct FieldReference {
  Root root = Root::kThis;
  std::string name;
};

struct MacroOp {
  Macro macro = Macro::kAll;
  std::uint32_t local = 0;  // of the first variable; the second stands after it
  bool two_variables = false;
};

// Slots of the names in one schema; bounded, with a fast path for the schema of the record before.
class SlotCache {
 public:
  // `count` slots for `schema`, valid until the next call.
  template <typename Find>
  const std::uint32_t* find(const Schema& schema, std::size_t count, const Find& slot_of) {
    if (schema.id() == last_id_ && last_ != nullptr) return last_;
    return find_slowly(schema, count, slot_of);
  }

 private:
  // Free-form JSON has many shapes; beyond this the cache starts over.
  static constexpr std::size_t kMaxSchemas = 256;

  template <typename Find>
  const std::uint32_t* find_slowly(const Schema& schema, std::size_t count, const Find& slot_of) {
    const auto known = slots_.find(schema.id());
    if (known == slots_.end()) {
      if (slots_.size() >= kMaxSchemas) slots_.clear();
      std::vector<std::uint32_t> slots(count);
      for (std::size_t i = 0; i < count; ++i) slots[i] = slot_of(schema, i);
      last_ = slots_.emplace(schema.id(), std::move(slots)).first->second.data();
    } else {
      last_ = known->second.data();
    }
    last_id_ = schema.id();
    return last_;
  }

  std::uint64_t last_id_ = 0;
  const std::uint32_t* last_ = nullptr;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> slots_;
};

// Immutable after lowering but for the caches.
struct Code {
  std::vector<Instruction> ops;
  std::vector<std::uint32_t> operands;
  std::uint32_t root = 0;
  std::vector<Value> constants;
  std::vector<Value> spelled;  // per constant: the exact decimal of a double literal, else null
  std::vector<std::string> names;
  std::vector<FieldReference> fields;
  std::vector<const Function*> functions;
  std::vector<Failure> failures;
  std::vector<MacroOp> macros;
  std::vector<bool> optional_items;
  std::uint32_t locals = 0;
  std::uint32_t max_arguments = 0;
  Arena arena;  // of constants
};

}  // namespace sluice::expr
