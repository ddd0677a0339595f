#pragma once
// What the parser makes of the source: a tree that mirrors the text, with macros already recognised.  Owned by one thread.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/arena.h"
#include "core/value.h"

namespace sluice::expr {

// Bytes of the source.
struct SourceRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

enum class Macro : std::uint8_t {
  kAll,
  kExists,
  kExistsOne,
  kMap,  // and transformList; with a filter if it has three parts
  kFilter,
  kTransformMap,  // two variables: the key stays, the value is transformed
  kBind,          // cel.bind(x, value, result)
  kOptMap,
  kOptFlatMap,
};

struct Node {
  enum class Kind : std::uint8_t {
    kLiteral,
    kIdentifier,  // name; absolute: written .name
    kSelect,      // children[0] . name; optional: .?name
    kHas,         // has(children[0].name)
    kIndex,       // children[0] [ children[1] ]; optional: [?
    kCall,        // name(children...); receiver: children[0].name(...)
    kOperator,    // name is the operator; one or two children
    kAnd,         // two or more children
    kOr,
    kConditional,  // children: condition, then, else
    kList,         // optional_items marks ?e
    kMap,          // children: key, value, key, value
    kMacro,        // children: range, parts...; variables
  };

  Kind kind = Kind::kLiteral;
  SourceRange range;       // of the whole expression
  SourceRange name_range;  // of the name alone
  std::string name = {};
  Value literal = {};        // long text lives in Ast::arena
  std::string spelled = {};  // of a double literal: "0.920"
  std::vector<std::unique_ptr<Node>> children = {};
  std::vector<bool> optional_items = {};  // kList: per child; kMap: per entry
  std::vector<std::string> variables = {};
  Macro macro = Macro::kAll;
  bool optional = false;
  bool receiver = false;
  bool absolute = false;
  std::uint32_t height = 1;  // bounded by the parser, so that every later pass may recurse
};

using NodePtr = std::unique_ptr<Node>;

struct Ast {
  NodePtr root;
  Arena arena;  // of literals
};

}  // namespace sluice::expr
