// Finds what cannot work before any record is read: unknown names and functions, types that do not meet, bad literals.
#include <algorithm>
#include <array>

#include "core/diagnostic.h"
#include "expr/compile.h"
#include "expr/regex_cache.h"
#include "expr/static_type.h"

namespace sluice::expr {

namespace {

constexpr std::string_view kType = "expression_type";

class Checker {
 public:
  explicit Checker(const CompileOptions& options) : options_(options) { context_ = {&arena_, options.rules, &regexes_}; }

  std::vector<CompileError> run(const Ast& ast) {
    const StaticType type = check(*ast.root);
    if (options_.must_be_bool && errors_.empty() && type.letter != 'b' && !type.is_any()) {
      error(ast.root->range, kType, "a condition must be true or false, this is of type " + std::string(letter_name(type.letter)));
    }
    return std::move(errors_);
  }

  StaticType type_of(const Ast& ast) {
    StaticType type = check(*ast.root);
    return errors_.empty() ? type : StaticType{};
  }

 private:
  struct Variable {
    std::string name;
    StaticType type;
  };

  void error(SourceRange range, std::string_view code, std::string message, std::string suggestion = {}, std::string hint = {}) {
    errors_.push_back(
        {code, std::move(message), range.begin, std::max(1U, range.end - range.begin), std::move(suggestion), std::move(hint)});
  }

  const Variable* local(const Node& node) const {
    if (node.kind != Node::Kind::kIdentifier || node.absolute) return nullptr;
    const auto found = std::find_if(scope_.rbegin(), scope_.rend(), [&](const Variable& variable) { return variable.name == node.name; });
    return found == scope_.rend() ? nullptr : &*found;
  }

  Resolution resolution(const Node& node) const {
    const Node& head = chain_head(node);
    if (head.kind != Node::Kind::kIdentifier || local(head) != nullptr) return {};
    return resolve(dotted_name(node), head.absolute, options_);
  }

  StaticType check(const Node& node) {
    switch (node.kind) {
      case Node::Kind::kLiteral: return literal(node);
      case Node::Kind::kIdentifier: return identifier(node);
      case Node::Kind::kSelect: return selection(node);
      case Node::Kind::kHas: selection(node); return {'b'};
      case Node::Kind::kIndex: return index(node);
      case Node::Kind::kCall: return call(node);
      case Node::Kind::kOperator: return operation(node);
      case Node::Kind::kAnd:
      case Node::Kind::kOr:
        for (const NodePtr& child : node.children) condition(*child, node.name);
        return {'b'};
      case Node::Kind::kConditional: {
        condition(*node.children[0], "?");
        const StaticType yes = check(*node.children[1]);
        return join(yes, check(*node.children[2]));
      }
      case Node::Kind::kList: return list(node);
      case Node::Kind::kMap: return map(node);
      case Node::Kind::kMacro: return macro(node);
    }
    return {};
  }

  void condition(const Node& node, std::string_view op) {
    const StaticType type = check(node);
    if (type.letter == 'b' || type.is_any()) return;
    error(node.range, kType, std::string(op) + " wants true or false, this is of type " + std::string(letter_name(type.letter)));
  }

  static StaticType literal(const Node& node) {
    switch (node.literal.type()) {
      case Value::Type::kNull: return {'n'};
      case Value::Type::kBool: return {'b'};
      case Value::Type::kInt64: return {'i'};
      case Value::Type::kUint64: return {'u'};
      case Value::Type::kFloat64: return {'d'};
      case Value::Type::kBytes: return {'y'};
      default: return {'s'};
    }
  }

  StaticType identifier(const Node& node) {
    if (const Variable* variable = local(node)) return variable->type;
    const Resolution found = resolution(node);
    switch (found.kind) {
      case Resolution::Kind::kUnknown: unknown_name(node); return {};
      case Resolution::Kind::kMeta:
        error(node.range, kType, "meta is no value by itself", {}, "name one of its fields: meta.table");
        return {};
      case Resolution::Kind::kEnv: error(node.range, kType, "env is no value by itself", {}, "name a variable: env.HOME"); return {};
      case Resolution::Kind::kType: return {'T'};
      default: return {};
    }
  }

  void unknown_name(const Node& node) {
    std::vector<std::string_view> candidates(options_.variables.begin(), options_.variables.end());
    if (options_.records) candidates.insert(candidates.end(), {"this", "before", "key", "meta", "env", "true", "false", "null"});
    for (const Variable& variable : scope_) candidates.push_back(variable.name);
    std::string hint;
    if (options_.records) hint = "a field is written this." + node.name + ", a text is quoted twice in YAML: '\"" + node.name + "\"'";
    error(node.name_range, "expression_unknown_field", "unknown name \"" + node.name + "\"", nearest(node.name, candidates),
          std::move(hint));
  }

  // children[0] . name of a kSelect or kHas.
  StaticType selection(const Node& node) {
    const Node& operand = *node.children[0];
    if (node.kind == Node::Kind::kSelect) {
      const Resolution whole = resolution(node);
      if (whole.kind == Resolution::Kind::kVariable) return {};
      if (whole.kind == Resolution::Kind::kType) return {'T'};
    }
    const Resolution root = operand.kind == Node::Kind::kIdentifier ? resolution(operand) : Resolution{};
    StaticType type;
    if (root.kind == Resolution::Kind::kMeta) {
      type = meta(node);
    } else if (root.kind == Resolution::Kind::kEnv) {
      type = environment(node);
    } else if (root.kind == Resolution::Kind::kRoot) {
      type = field(node, root.root);
    } else {
      if (is_variable_prefix(operand)) return {};
      type = member(node, check(operand));
    }
    return node.optional ? StaticType{'o'} : type;
  }

  // A field of this or before; the columns of `key` are not told apart from the others.
  StaticType field(const Node& node, Root root) {
    if (options_.known == nullptr || options_.known->shape == nullptr || root == Root::kKey) return {};
    const RecordShape& shape = *options_.known->shape;
    if (const FieldShape* known = shape.find(node.name)) return {letter_of(known->type)};
    if (node.kind == Node::Kind::kHas || node.optional) return {};
    error(node.name_range, "expression_unknown_field", "there is no field \"" + node.name + "\" here", nearest(node.name, shape.names()),
          shape.origin.empty() ? "" : "the fields are known from " + shape.origin);
    return {};
  }

  // a.b of a variable a.b.c: not a value by itself, but the beginning of one.
  bool is_variable_prefix(const Node& operand) const {
    const std::string prefix = dotted_name(operand);
    if (prefix.empty() || local(chain_head(operand)) != nullptr) return false;
    return std::any_of(options_.variables.begin(), options_.variables.end(),
                       [&](const std::string& name) { return name.starts_with(prefix + "."); });
  }

  StaticType member(const Node& node, const StaticType& operand) {
    if (operand.is_any() || operand.letter == 'o') return operand;
    if (operand.letter == 'm') return operand.item_type();
    error(node.name_range, kType, "a value of type " + std::string(letter_name(operand.letter)) + " has no field \"" + node.name + "\"");
    return {};
  }

  StaticType meta(const Node& node) {
    const auto names = meta_names();
    const auto found = std::find(names.begin(), names.end(), node.name);
    if (found == names.end()) {
      error(node.name_range, "expression_unknown_field", "meta has no field \"" + node.name + "\"",
            nearest(node.name, {names.begin(), names.end()}));
      return {};
    }
    const bool asked = node.kind == Node::Kind::kHas || node.optional;
    if (options_.known != nullptr && !asked) {
      const auto& absent = options_.known->absent_meta;
      if (std::find(absent.begin(), absent.end(), node.name) != absent.end())
        error(node.name_range, "expression_unknown_field", "none of this pipeline's sources has meta." + node.name);
    }
    switch (static_cast<MetaName>(found - names.begin())) {
      case MetaName::kOp:
      case MetaName::kSource:
      case MetaName::kId: return {'s'};
      case MetaName::kIngestTime: return {'t'};
      default: return {};  // a source may have its own
    }
  }

  StaticType environment(const Node& node) {
    if (node.kind != Node::Kind::kHas && !node.optional && !environment_variable(options_, node.name)) {
      error(node.name_range, "unset_variable", "the environment variable " + node.name + " is not set");
    }
    return {'s'};
  }

  StaticType index(const Node& node) {
    const StaticType operand = check(*node.children[0]);
    const StaticType key = check(*node.children[1]);
    if (node.optional || operand.letter == 'o') return {'o'};
    if (operand.letter == 'm') return operand.item_type();
    if (operand.is_any()) return {};
    const bool fits = key.is_any() || key.letter == 'i' || (key.letter == 'u' && options_.rules == Rules::kPipeline);
    if (operand.letter == 'l' && fits) return operand.item_type();
    error(node.range, kType,
          "a value of type " + std::string(letter_name(operand.letter)) + " has no index of type " + std::string(letter_name(key.letter)));
    return {};
  }

  StaticType call(const Node& node) {
    if (node.receiver) {
      const Node& target = *node.children[0];
      const std::string prefix = dotted_name(target);
      if (!prefix.empty() && local(chain_head(target)) == nullptr && resolution(target).kind == Resolution::Kind::kUnknown) {
        const std::string full = prefix + "." + node.name;
        if (const Function* function = find_function(full, false)) return call(node, *function, 1);
        if (prefix == "math" || prefix == "optional" || prefix == "strings") return unknown_function(node, full, false);
      }
    }
    const Function* function = find_function(node.name, node.receiver);
    if (function != nullptr) return call(node, *function, 0);
    for (const NodePtr& child : node.children) check(*child);
    return unknown_function(node, node.name, node.receiver);
  }

  StaticType unknown_function(const Node& node, const std::string& name, bool receiver) {
    std::string hint;
    if (find_function(name, !receiver) != nullptr)
      hint = receiver ? "it is written " + name + "(value)" : "it is written value." + name + "()";
    std::vector<std::string_view> names = function_names(receiver);
    names.insert(names.end(), {"has", "all", "exists", "exists_one", "map", "filter"});
    std::string suggestion = nearest(name, names);
    if (suggestion == name) suggestion.clear();
    error(node.name_range, "expression_unknown_function", "unknown function \"" + name + "\"", std::move(suggestion), std::move(hint));
    return {};
  }

  StaticType call(const Node& node, const Function& function, std::size_t from) {
    const std::size_t before = errors_.size();
    std::vector<StaticType> types;
    for (std::size_t i = from; i < node.children.size(); ++i) types.push_back(check(*node.children[i]));
    if (errors_.size() > before) return {};
    const auto result = match_overloads(function.overloads, types);
    if (!result) {
      const std::string what = takes_arguments(function, types.size()) ? " does not take (" + names_of(types) + ")"
                                                                       : " does not take " + std::to_string(types.size()) + " arguments";
      error(node.name_range, kType, std::string(function.name) + "()" + what);
      return {};
    }
    literal_arguments(node, function, from);
    return function.name == "optional.of" ? StaticType{'o'} : *result;
  }

  // A text in the source that cannot be what it is to become: timestamp("2026-02-30"), matches("("), getHours("Mars").
  void literal_arguments(const Node& node, const Function& function, std::size_t from) {
    static constexpr std::array<std::string_view, 4> kConversions = {"timestamp", "duration", "date", "decimal"};
    const Node& last = *node.children.back();
    if (node.children.size() == from || last.kind != Node::Kind::kLiteral || last.literal.type() != Value::Type::kString) return;
    std::array<Value, 2> arguments = {Value::timestamp(0), last.literal};
    std::span<const Value> given = arguments;
    if (std::find(kConversions.begin(), kConversions.end(), function.name) != kConversions.end()) {
      given = given.subspan(1);
    } else if (function.name == "matches") {
      arguments[0] = Value::string("");
    } else if (!function.name.starts_with("get") || node.children.size() != 2) {
      return;
    }
    Value result;
    if (!function.body(context_, given, result)) error(last.range, kType, describe(context_.failure));
  }

  StaticType operation(const Node& node) {
    const std::size_t before = errors_.size();
    std::vector<StaticType> types;
    if (node.name == "!") {
      condition(*node.children[0], "!");
      return {'b'};
    }
    for (const NodePtr& child : node.children) types.push_back(check(*child));
    if (errors_.size() > before) return {};
    const auto result =
        types.size() == 1 ? match_overloads("i:i d:d e:e D:D", types) : operator_result(node.name, types[0], types[1], options_.rules);
    if (result) return *result;
    std::string hint;
    if (types.size() == 2 && is_number_letter(types[0].letter) && is_number_letter(types[1].letter))
      hint = "convert one side, for example double(x)";
    error(node.range, kType, node.name + " does not take (" + names_of(types) + ")", {}, std::move(hint));
    return {};
  }

  StaticType list(const Node& node) {
    StaticType item;
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const StaticType type = check(*node.children[i]);
      item = i == 0 && !node.optional_items[i] ? type : join(item, type);
    }
    return with_item('l', item);
  }

  StaticType map(const Node& node) {
    StaticType item;
    for (std::size_t i = 0; i < node.children.size(); i += 2) {
      const StaticType key = check(*node.children[i]);
      if (!key.is_any() && std::string_view("bius").find(key.letter) == std::string_view::npos) {
        error(node.children[i]->range, kType,
              "a key of a map is a bool, int, uint or string, this is of type " + std::string(letter_name(key.letter)));
      }
      const StaticType type = check(*node.children[i + 1]);
      item = i == 0 && !node.optional_items[0] ? type : join(item, type);
    }
    return with_item('m', item);
  }

  StaticType macro(const Node& node) {
    const StaticType range = check(*node.children[0]);
    const std::size_t outer = scope_.size();
    declare(node, range);
    const StaticType result = macro_result(node, range);
    scope_.resize(outer);
    return result;
  }

  void declare(const Node& node, const StaticType& range) {
    const bool is_optional = node.macro == Macro::kOptMap || node.macro == Macro::kOptFlatMap;
    if (node.macro == Macro::kBind) {
      scope_.push_back({node.variables[0], range});
    } else if (is_optional) {
      scope_.push_back({node.variables[0], {}});
    } else if (!range.is_any() && range.letter != 'l' && range.letter != 'm') {
      error(node.name_range, kType, node.name + "() wants a list or a map, this is of type " + std::string(letter_name(range.letter)));
      for (const std::string& name : node.variables) scope_.push_back({name, {}});
    } else if (node.variables.size() == 2) {
      scope_.push_back({node.variables[0], StaticType{range.letter == 'l' ? 'i' : '*'}});
      scope_.push_back({node.variables[1], range.item_type()});
    } else {
      scope_.push_back({node.variables[0], range.letter == 'l' ? range.item_type() : StaticType{}});
    }
  }

  StaticType macro_result(const Node& node, const StaticType& range) {
    const Node& last = *node.children.back();
    switch (node.macro) {
      case Macro::kAll:
      case Macro::kExists:
      case Macro::kExistsOne: condition(last, node.name); return {'b'};
      case Macro::kFilter: {
        condition(last, node.name);
        return range.letter == 'l' ? range : StaticType{'l'};
      }
      case Macro::kMap:
      case Macro::kTransformMap:
        if (node.children.size() == 3) condition(*node.children[1], node.name);
        return with_item(node.macro == Macro::kMap ? 'l' : 'm', check(last));
      case Macro::kBind: return check(last);
      default: check(last); return {'o'};
    }
  }

  const CompileOptions& options_;
  std::vector<CompileError> errors_;
  std::vector<Variable> scope_;
  Arena arena_;
  RegexCache regexes_;
  Context context_;
};

}  // namespace

std::vector<CompileError> check(const Ast& ast, const CompileOptions& options) { return Checker(options).run(ast); }

StaticType static_type(const Ast& ast, const CompileOptions& options) { return Checker(options).type_of(ast); }

}  // namespace sluice::expr
