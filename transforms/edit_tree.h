#pragma once
// What a step does to the places that field paths name, as one tree for all its paths: every value is rewritten once, and all paths
// are read against the row as it came in (so `rename: {a: b, b: a}` swaps).
//
// Built once from the configuration; immutable and read by the one thread of its step.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/arena.h"
#include "core/config_types.h"
#include "core/result.h"
#include "core/value.h"

namespace sluice::transforms {

// Makes a new value of an old one (cast, mask).  Never sees unchanged.
class ValueEdit {
 public:
  virtual ~ValueEdit() = default;
  // Long text of the result lives in `arena` or in the old value.  kBadRecord when the value does not allow it.
  virtual Result<Value> edit(const Value& value, Arena& arena) const = 0;
  // Type of a column after the edit; nullopt: any.
  virtual std::optional<Value::Type> type() const = 0;
  virtual std::string origin_type() const { return {}; }
};

struct EditNode {
  enum class Action : std::uint8_t { kNone, kKeep, kRemove, kRename, kReplace };

  std::string name;                 // below a row, map or struct; empty for the items of a list
  std::vector<EditNode> fields;     // below this one
  std::unique_ptr<EditNode> items;  // of each item of a list
  Action action = Action::kNone;    // of the path that ends here
  std::uint32_t path = 0;           // its index
  std::string new_name;             // kRename
  std::unique_ptr<ValueEdit> edit;  // kReplace

  const EditNode* find(std::string_view wanted) const;
  bool edits_value() const { return !fields.empty() || items != nullptr || action == Action::kReplace; }
};

class EditTree {
 public:
  // kSelect: what no path names goes away (keep); kTouch: it stays.
  enum class Mode : std::uint8_t { kTouch, kSelect };
  explicit EditTree(Mode mode) : mode_(mode) {}

  // The node at the end of `path`, made where it does not exist; paths are numbered in the order of the calls.
  EditNode& add(const FieldPath& path);

  Mode mode() const { return mode_; }
  const EditNode& root() const { return root_; }
  const std::vector<std::string>& paths() const { return paths_; }

 private:
  Mode mode_;
  EditNode root_;
  std::vector<std::string> paths_;  // as the user wrote them
};

// Which paths of a tree matched something in the record at hand.
using Matched = std::vector<char>;

// Applies the tree below `node` (its children and its kReplace) to `value`.  A struct that is edited becomes a map.  Where a path
// does not fit the value (a field of a number) nothing happens, or under kSelect the value becomes null.  null and unchanged stay.
// Errors: kBadRecord of a ValueEdit, field_exists when a new name is taken.
Result<Value> edit_value(const EditNode& node, const Value& value, EditTree::Mode mode, Arena& arena, Matched& matched);

// `base` with `value` at `steps` below it: maps are made where there is nothing or null.  kBadRecord path_conflict where something
// that is no map stands in the way, value_unavailable where the log left the column out.
Result<Value> assign_value(const Value& base, std::span<const FieldPath::Step> steps, const Value& value, Arena& arena);

// The path as text, for messages and labels.
std::string path_text(const FieldPath& path);

}  // namespace sluice::transforms
