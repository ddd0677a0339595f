#include "expr/known_records.h"

#include <algorithm>
#include <array>

#include "expr/compile.h"
#include "expr/parser.h"
#include "expr/static_type.h"

namespace sluice::expr {

namespace {

constexpr std::array<Op, 6> kOps = {Op::kRead, Op::kInsert, Op::kUpdate, Op::kDelete, Op::kTruncate, Op::kMessage};

CompileOptions options_of(const Program::Options& options, const KnownRecords& records) {
  CompileOptions result;
  result.rules = options.rules;
  result.environment = options.environment;
  result.must_be_bool = options.must_be_bool;
  result.known = &records;
  return result;
}

bool selects_from(const Node& node, std::string_view root) {
  return (node.kind == Node::Kind::kSelect || node.kind == Node::Kind::kHas) && node.children[0]->kind == Node::Kind::kIdentifier &&
         node.children[0]->name == root;
}

bool has_names(const Node& node) {
  if (node.kind == Node::Kind::kIdentifier) return true;
  return std::any_of(node.children.begin(), node.children.end(), [](const NodePtr& child) { return has_names(*child); });
}

bool is_op_name(const Node& node) {
  return node.kind == Node::Kind::kLiteral && node.literal.type() == Value::Type::kString &&
         std::any_of(kOps.begin(), kOps.end(), [&](Op op) { return op_name(op) == node.literal.as_text(); });
}

bool is_text(const Node& node) { return node.kind == Node::Kind::kLiteral && node.literal.type() == Value::Type::kString; }

// Three-valued: nullopt where it depends on the record.
class ConstantTruth {
 public:
  ConstantTruth(std::string_view source, const KnownRecords& records) : source_(source), records_(records) {}

  std::optional<bool> of(const Node& node) {
    switch (node.kind) {
      case Node::Kind::kAnd: return joined(node, false);
      case Node::Kind::kOr: return joined(node, true);
      case Node::Kind::kHas: return has(node);
      case Node::Kind::kOperator: break;
      default: return has_names(node) ? std::nullopt : evaluated(node);
    }
    if (node.name == "!") {
      const auto inner = of(*node.children[0]);
      return inner ? std::optional(!*inner) : std::nullopt;
    }
    if (!has_names(node)) return evaluated(node);
    return node.children.size() == 2 ? operation_name(node) : std::nullopt;
  }

  const std::string& why() const { return why_; }

 private:
  // `absorbing`: the value that decides alone.
  std::optional<bool> joined(const Node& node, bool absorbing) {
    bool all_known = true;
    for (const NodePtr& child : node.children) {
      const auto value = of(*child);
      if (value == absorbing) return absorbing;
      all_known = all_known && value.has_value();
    }
    return all_known ? std::optional(!absorbing) : std::nullopt;
  }

  std::optional<bool> has(const Node& node) {
    if (selects_from(node, "meta")) {
      const auto& absent = records_.absent_meta;
      if (std::find(absent.begin(), absent.end(), node.name) == absent.end()) return std::nullopt;
      why_ = "no source of this pipeline has meta." + node.name;
      return false;
    }
    if (records_.shape == nullptr || !selects_from(node, "this")) return std::nullopt;
    const FieldShape* field = records_.shape->find(node.name);
    if (field == nullptr) {
      why_ = "there is no field \"" + node.name + "\" here";
      return false;
    }
    if (field->optional || !records_.shape->whole) return std::nullopt;
    why_ = "every record has the field \"" + node.name + "\"";
    return true;
  }

  // meta.op against something that is no operation.
  std::optional<bool> operation_name(const Node& node) {
    const Node& left = *node.children[0];
    const Node& right = *node.children[1];
    const bool equality = node.name == "==" || node.name == "!=";
    const bool about_op = (selects_from(left, "meta") && left.name == "op") || (selects_from(right, "meta") && right.name == "op");
    if (!about_op) return std::nullopt;
    if (equality) {
      const Node& other = selects_from(left, "meta") ? right : left;
      if (!is_text(other) || is_op_name(other)) return std::nullopt;
    } else if (node.name == "in" && right.kind == Node::Kind::kList) {
      const auto impossible = [](const NodePtr& item) { return is_text(*item) && !is_op_name(*item); };
      if (!std::all_of(right.children.begin(), right.children.end(), impossible)) return std::nullopt;
    } else {
      return std::nullopt;
    }
    why_ = "meta.op is one of read, insert, update, delete, truncate, message";
    return node.name == "!=";
  }

  std::optional<bool> evaluated(const Node& node) {
    const std::string_view part = source_.substr(node.range.begin, node.range.end - node.range.begin);
    const auto program = Program::compile(part);
    if (!program) return std::nullopt;
    const Batch batch(std::make_shared<BatchOrigin>(), 0);
    const Result<bool> value = (*program)->test(batch, Record());
    if (!value) return std::nullopt;
    return *value;
  }

  std::string_view source_;
  const KnownRecords& records_;
  std::string why_;
};

const FieldShape* null_of(const Node& node, const RecordShape& shape) {
  if (node.kind == Node::Kind::kConditional) {
    const FieldShape* yes = null_of(*node.children[1], shape);
    return yes != nullptr ? yes : null_of(*node.children[2], shape);
  }
  const bool plain = node.kind == Node::Kind::kSelect && !node.optional && selects_from(node, "this");
  const FieldShape* field = plain ? shape.find(node.name) : nullptr;
  return field != nullptr && (field->nullable || field->optional) ? field : nullptr;
}

std::optional<Value::Type> type_of_letter(char letter) {
  switch (letter) {
    case 'b': return Value::Type::kBool;
    case 'i': return Value::Type::kInt64;
    case 'u': return Value::Type::kUint64;
    case 'd': return Value::Type::kFloat64;
    case 'e': return Value::Type::kDecimal;
    case 's': return Value::Type::kString;
    case 'y': return Value::Type::kBytes;
    case 't': return Value::Type::kTimestamp;
    case 'D': return Value::Type::kDuration;
    case 'a': return Value::Type::kDate;
    case 'l': return Value::Type::kList;
    default: return std::nullopt;  // a map may be a map or a struct
  }
}

class Types final : public ExpressionTypes {
 public:
  FieldShape result_of(std::string_view expression, const RecordShape& of) const override {
    std::optional<CompileError> error;
    const std::optional<Ast> ast = parse(expression, error);
    FieldShape result{"", std::nullopt, false, false};
    if (!ast) return result;
    const KnownRecords records{&of, {}};
    result.type = type_of_letter(static_type(*ast, options_of({}, records)).letter);
    const bool null_literal = ast->root->kind == Node::Kind::kLiteral && ast->root->literal.is_null();
    const FieldShape* source = null_of(*ast->root, of);
    result.nullable = null_literal || (source != nullptr && source->nullable);
    return result;
  }
};

}  // namespace

std::vector<CompileError> check_against(std::string_view source, const KnownRecords& records, const Program::Options& options) {
  if (!Program::check(source, options).empty()) return {};
  return compile_source(source, options_of(options, records)).errors;
}

std::optional<bool> constant_truth(std::string_view source, const KnownRecords& records, std::string& why) {
  std::optional<CompileError> error;
  const std::optional<Ast> ast = parse(source, error);
  if (!ast) return std::nullopt;
  ConstantTruth truth(source, records);
  const auto result = truth.of(*ast->root);
  why = truth.why();
  return result;
}

const FieldShape* possible_null(std::string_view source, const RecordShape& shape) {
  std::optional<CompileError> error;
  const std::optional<Ast> ast = parse(source, error);
  return ast ? null_of(*ast->root, shape) : nullptr;
}

std::unique_ptr<ExpressionTypes> make_expression_types() { return std::make_unique<Types>(); }

}  // namespace sluice::expr
