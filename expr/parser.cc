#include "expr/parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "expr/lexer.h"
#include "expr/text.h"

namespace sluice::expr {

namespace {

class Parser {
 public:
  Parser(std::vector<Token> tokens, Ast& ast, std::optional<CompileError>& error) : tokens_(std::move(tokens)), ast_(ast), error_(error) {}

  NodePtr run() {
    NodePtr root = expression();
    if (!error_ && current().kind != Token::Kind::kEnd) unexpected("the end");
    return error_ ? nullptr : std::move(root);
  }

 private:
  const Token& current() const { return tokens_[at_]; }
  const Token& ahead(std::size_t count) const { return tokens_[std::min(at_ + count, tokens_.size() - 1)]; }
  void advance() {
    if (at_ + 1 < tokens_.size()) ++at_;
  }
  bool accept(std::string_view mark) {
    if (!current().is(mark)) return false;
    advance();
    return true;
  }
  bool expect(std::string_view mark) {
    if (accept(mark)) return true;
    unexpected("\"" + std::string(mark) + "\"");
    return false;
  }

  NodePtr fail(SourceRange range, std::string message, std::string hint = {}) {
    if (!error_)
      error_ =
          CompileError{"expression_syntax", std::move(message), range.begin, std::max(1U, range.end - range.begin), {}, std::move(hint)};
    return nullptr;
  }

  NodePtr unexpected(const std::string& wanted) {
    const Token& token = current();
    if (token.kind == Token::Kind::kEnd) return fail(token.range, "the expression ends where " + wanted + " was expected");
    return fail(token.range, "expected " + wanted + ", got \"" + printable(token.text) + "\"", other_language(token));
  }

  // What the token would say in SQL or Python, and how it is said here.
  std::string other_language(const Token& token) const {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kWords = {
        {{"and", "and is written &&"},
         {"AND", "and is written &&"},
         {"or", "or is written ||"},
         {"OR", "or is written ||"},
         {"is", "null is compared with == and !="},
         {"IS", "null is compared with == and !="},
         {"like", "use contains(), startsWith(), endsWith() or matches()"},
         {"LIKE", "use contains(), startsWith(), endsWith() or matches()"},
         {"not", "not is written !, as in !(this.a in [1, 2])"}}};
    const Token* before = at_ > 0 ? &tokens_[at_ - 1] : nullptr;
    if (before != nullptr && before->kind == Token::Kind::kIdentifier && (before->text == "not" || before->text == "NOT"))
      return "not is written !";
    if (before != nullptr && before->is("<") && token.is(">")) return "unequal is written !=";
    if (token.kind != Token::Kind::kIdentifier) return {};
    for (const auto& [word, hint] : kWords) {
      if (token.text == word) return std::string(hint);
    }
    return {};
  }

  static NodePtr make(Node::Kind kind, SourceRange range) {
    NodePtr node = std::make_unique<Node>();
    node->kind = kind;
    node->range = range;
    return node;
  }

  // Ends the range of `node` at the token before the current one and takes its height from its children.
  NodePtr finish(NodePtr node) {
    if (error_ || node == nullptr) return nullptr;
    if (at_ > 0) node->range.end = std::max(node->range.end, tokens_[at_ - 1].range.end);
    for (const NodePtr& child : node->children) node->height = std::max(node->height, child->height + 1);
    if (node->height > kMaxHeight) return fail(node->range, "the expression is nested too deeply");
    return node;
  }

  NodePtr expression() {
    if (depth_ >= kMaxNesting) return fail(current().range, "the expression is nested too deeply");
    ++depth_;
    NodePtr node = conditional();
    --depth_;
    return node;
  }

  NodePtr conditional() {
    NodePtr condition = disjunction();
    if (error_ || !current().is("?")) return condition;
    advance();
    NodePtr node = make(Node::Kind::kConditional, condition->range);
    node->children.push_back(std::move(condition));
    NodePtr yes = disjunction();
    if (error_ || !expect(":")) return nullptr;
    NodePtr no = expression();
    if (error_) return nullptr;
    node->children.push_back(std::move(yes));
    node->children.push_back(std::move(no));
    return finish(std::move(node));
  }

  NodePtr disjunction() { return logical(Node::Kind::kOr, "||", &Parser::conjunction); }
  NodePtr conjunction() { return logical(Node::Kind::kAnd, "&&", &Parser::relation); }

  // A chain of && or || is one node, whatever its length.
  NodePtr logical(Node::Kind kind, std::string_view mark, NodePtr (Parser::*operand)()) {
    NodePtr first = (this->*operand)();
    if (error_ || !current().is(mark)) return first;
    NodePtr node = make(kind, first->range);
    node->name = mark;
    node->children.push_back(std::move(first));
    while (accept(mark)) {
      NodePtr next = (this->*operand)();
      if (error_) return nullptr;
      node->children.push_back(std::move(next));
    }
    return finish(std::move(node));
  }

  bool at_any(std::initializer_list<std::string_view> marks) const {
    return std::any_of(marks.begin(), marks.end(), [&](std::string_view mark) { return current().is(mark); });
  }

  NodePtr binary(NodePtr left, NodePtr (Parser::*operand)()) {
    NodePtr node = make(Node::Kind::kOperator, left->range);
    node->name = current().text;
    node->name_range = current().range;
    advance();
    NodePtr right = (this->*operand)();
    if (error_) return nullptr;
    node->children.push_back(std::move(left));
    node->children.push_back(std::move(right));
    return finish(std::move(node));
  }

  NodePtr relation() {
    NodePtr node = addition();
    while (!error_ &&
           (at_any({"<", "<=", ">=", ">", "==", "!="}) || (current().kind == Token::Kind::kIdentifier && current().text == "in"))) {
      node = binary(std::move(node), &Parser::addition);
    }
    return node;
  }

  NodePtr addition() {
    NodePtr node = multiplication();
    while (!error_ && at_any({"+", "-"})) node = binary(std::move(node), &Parser::multiplication);
    return node;
  }

  NodePtr multiplication() {
    NodePtr node = unary();
    while (!error_ && at_any({"*", "/", "%"})) node = binary(std::move(node), &Parser::unary);
    return node;
  }

  NodePtr unary() {
    if (!at_any({"!", "-"})) return member();
    const Token mark = current();
    if (mark.is("-") && (ahead(1).kind == Token::Kind::kInt || ahead(1).kind == Token::Kind::kDouble)) {
      advance();
      return member(&mark);
    }
    if (depth_ >= kMaxNesting) return fail(mark.range, "the expression is nested too deeply");
    advance();
    ++depth_;
    NodePtr operand = unary();
    --depth_;
    if (error_) return nullptr;
    NodePtr node = make(Node::Kind::kOperator, mark.range);
    node->name = mark.text;
    node->name_range = mark.range;
    node->children.push_back(std::move(operand));
    return finish(std::move(node));
  }

  // `minus`: the sign that belongs to the number that follows.
  NodePtr member(const Token* minus = nullptr) {
    NodePtr node = minus != nullptr ? number(minus) : primary();
    while (!error_) {
      if (current().is(".")) {
        node = selection(std::move(node));
      } else if (current().is("[")) {
        node = index(std::move(node));
      } else {
        break;
      }
    }
    return node;
  }

  NodePtr selection(NodePtr operand) {
    advance();
    const bool optional = accept("?");
    const Token name = current();
    if (name.kind != Token::Kind::kIdentifier && name.kind != Token::Kind::kQuotedName) return unexpected("a field's name");
    advance();
    const bool is_call = name.kind == Token::Kind::kIdentifier && !optional && current().is("(");
    NodePtr node = make(is_call ? Node::Kind::kCall : Node::Kind::kSelect, operand->range);
    node->name = name.text;
    node->name_range = name.range;
    node->optional = optional;
    node->receiver = is_call;
    node->children.push_back(std::move(operand));
    return is_call ? call(std::move(node)) : finish(std::move(node));
  }

  NodePtr index(NodePtr operand) {
    NodePtr node = make(Node::Kind::kIndex, operand->range);
    advance();
    node->optional = accept("?");
    node->children.push_back(std::move(operand));
    NodePtr key = expression();
    if (error_ || !expect("]")) return nullptr;
    node->children.push_back(std::move(key));
    return finish(std::move(node));
  }

  NodePtr call(NodePtr node) {
    advance();  // (
    if (!arguments(*node, ")")) return nullptr;
    node = finish(std::move(node));
    if (error_ || !recognise_macro(*node, error_)) return nullptr;
    return node;
  }

  bool arguments(Node& node, std::string_view closing) {
    if (accept(closing)) return true;
    do {
      NodePtr argument = expression();
      if (error_) return false;
      node.children.push_back(std::move(argument));
    } while (accept(","));
    return expect(closing);
  }

  NodePtr primary() {
    const Token& token = current();
    switch (token.kind) {
      case Token::Kind::kIdentifier: return identifier(false);
      case Token::Kind::kInt:
      case Token::Kind::kUint:
      case Token::Kind::kDouble: return number(nullptr);
      case Token::Kind::kString:
      case Token::Kind::kBytes: return text();
      default: break;
    }
    if (token.is("(")) return parenthesised();
    if (token.is("[")) return list();
    if (token.is("{")) return map();
    if (token.is(".") && ahead(1).kind == Token::Kind::kIdentifier) {
      advance();
      return identifier(true);
    }
    return unexpected("a value");
  }

  NodePtr parenthesised() {
    const SourceRange open = current().range;
    advance();
    NodePtr node = expression();
    if (error_ || !expect(")")) return nullptr;
    node->range = {open.begin, tokens_[at_ - 1].range.end};
    return node;
  }

  NodePtr identifier(bool absolute) {
    const Token token = current();
    if (token.text == "true" || token.text == "false") return constant(Value::boolean(token.text == "true"));
    if (token.text == "null") return constant(Value::null());
    if (token.text == "in") return unexpected("a value");
    if (is_reserved_word(token.text)) return fail(token.range, "\"" + token.text + "\" is a reserved word of the language");
    advance();
    const bool is_call = current().is("(");
    NodePtr node = make(is_call ? Node::Kind::kCall : Node::Kind::kIdentifier, token.range);
    node->name = token.text;
    node->name_range = token.range;
    node->absolute = absolute;
    if (current().is("{")) return fail(current().range, "messages cannot be made here", "a map is written {\"key\": value}");
    return is_call ? call(std::move(node)) : finish(std::move(node));
  }

  NodePtr constant(Value value) {
    NodePtr node = make(Node::Kind::kLiteral, current().range);
    node->literal = value;
    advance();
    return finish(std::move(node));
  }

  NodePtr text() {
    const Token& token = current();
    const auto type = token.kind == Token::Kind::kBytes ? Value::Type::kBytes : Value::Type::kString;
    return constant(Value::text_in(ast_.arena, type, token.text));
  }

  NodePtr number(const Token* minus) {
    const Token token = current();
    const std::string sign = minus != nullptr ? "-" : "";
    Value value;
    bool good = false;
    if (token.kind == Token::Kind::kDouble) {
      value = Value::float64(std::strtod((sign + token.text).c_str(), nullptr));
      good = true;
    } else {
      good = integer(token, minus != nullptr, value);
    }
    if (!good)
      return fail(token.range, sign + token.text + " is out of range",
                  "integers have 64 bits; a number beyond them is written as a double: 1e19");
    NodePtr node = constant(value);
    if (minus != nullptr) node->range.begin = minus->range.begin;
    if (token.kind == Token::Kind::kDouble) node->spelled = sign + token.text;
    return node;
  }

  static bool integer(const Token& token, bool negative, Value& out) {
    const bool hex = token.text.starts_with("0x") || token.text.starts_with("0X");
    const std::string_view digits = std::string_view(token.text).substr(hex ? 2 : 0);
    std::uint64_t magnitude = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, hex ? 16 : 10);
    if (problem != std::errc() || end != digits.data() + digits.size()) return false;
    if (token.kind == Token::Kind::kUint) {
      out = Value::uint64(magnitude);
      return true;
    }
    constexpr std::uint64_t kLimit = std::uint64_t{1} << 63U;
    if (magnitude > kLimit || (magnitude == kLimit && !negative)) return false;
    out = Value::int64(static_cast<std::int64_t>(negative ? std::uint64_t{0} - magnitude : magnitude));
    return true;
  }

  NodePtr list() {
    NodePtr node = make(Node::Kind::kList, current().range);
    advance();
    while (!current().is("]")) {
      node->optional_items.push_back(accept("?"));
      NodePtr item = expression();
      if (error_) return nullptr;
      node->children.push_back(std::move(item));
      if (!accept(",")) break;
    }
    if (!expect("]")) return nullptr;
    return finish(std::move(node));
  }

  NodePtr map() {
    NodePtr node = make(Node::Kind::kMap, current().range);
    advance();
    while (!current().is("}")) {
      node->optional_items.push_back(accept("?"));
      NodePtr key = expression();
      if (error_ || !expect(":")) return nullptr;
      NodePtr value = expression();
      if (error_) return nullptr;
      node->children.push_back(std::move(key));
      node->children.push_back(std::move(value));
      if (!accept(",")) break;
    }
    if (!expect("}")) return nullptr;
    return finish(std::move(node));
  }

  std::vector<Token> tokens_;
  Ast& ast_;
  std::optional<CompileError>& error_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

std::optional<Ast> parse(std::string_view source, std::optional<CompileError>& error) {
  if (source.size() > kMaxSourceBytes) {
    error = CompileError{"expression_syntax", "the expression is longer than 64 KiB", 0, 1};
    return std::nullopt;
  }
  std::vector<Token> tokens = tokenize(source, error);
  if (error) return std::nullopt;
  if (tokens.size() == 1) {
    error = CompileError{"expression_syntax", "the expression is empty", 0, 1};
    return std::nullopt;
  }
  Ast ast;
  ast.root = Parser(std::move(tokens), ast, error).run();
  if (error) return std::nullopt;
  return ast;
}

}  // namespace sluice::expr
