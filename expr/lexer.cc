#include "expr/lexer.h"

#include <algorithm>
#include <array>

#include "expr/text.h"

namespace sluice::expr {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_part(char c) { return is_name_start(c) || is_digit(c); }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Lexer {
 public:
  Lexer(std::string_view source, std::optional<CompileError>& error) : source_(source), error_(error) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    while (!error_) {
      skip_blank();
      if (at_ >= source_.size()) break;
      Token token;
      token.range.begin = static_cast<std::uint32_t>(at_);
      next(token);
      token.range.end = static_cast<std::uint32_t>(at_);
      if (!error_) tokens.push_back(std::move(token));
    }
    Token end;
    end.range = {static_cast<std::uint32_t>(source_.size()), static_cast<std::uint32_t>(source_.size())};
    tokens.push_back(std::move(end));
    return tokens;
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }
  bool rest_starts(std::string_view text) const { return source_.substr(at_).starts_with(text); }

  void fail(std::string message, std::size_t begin, std::string hint = {}) {
    if (error_) return;
    error_ = CompileError{"expression_syntax", std::move(message), begin, std::max<std::size_t>(1, at_ - std::min(at_, begin)), {},
                          std::move(hint)};
  }

  void skip_blank() {
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        ++at_;
      } else if (rest_starts("//")) {
        while (at_ < source_.size() && source_[at_] != '\n') ++at_;
      } else {
        return;
      }
    }
  }

  void next(Token& token) {
    const char c = peek();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number(token);
    if (c == '"' || c == '\'') return text(token, false, false);
    if ((c == 'r' || c == 'R') && is_quote(peek(1))) return prefixed(token, 1, true, false);
    if ((c == 'b' || c == 'B') && is_quote(peek(1))) return prefixed(token, 1, false, true);
    if ((c == 'b' || c == 'B') && (peek(1) == 'r' || peek(1) == 'R') && is_quote(peek(2))) return prefixed(token, 2, true, true);
    if (is_name_start(c)) return name(token);
    if (c == '`') return quoted_name(token);
    punctuation(token);
  }

  static bool is_quote(char c) { return c == '"' || c == '\''; }

  void prefixed(Token& token, std::size_t length, bool raw, bool bytes) {
    at_ += length;
    text(token, raw, bytes);
  }

  void name(Token& token) {
    const std::size_t begin = at_;
    while (is_name_part(peek())) ++at_;
    token.kind = Token::Kind::kIdentifier;
    token.text = source_.substr(begin, at_ - begin);
  }

  void quoted_name(Token& token) {
    const std::size_t begin = at_++;
    while (is_name_part(peek()) || (peek() != '\0' && std::string_view(".-/ ").find(peek()) != std::string_view::npos)) ++at_;
    if (peek() != '`') return fail("a name between backticks holds letters, digits and _ . - / only and ends with a backtick", begin);
    token.kind = Token::Kind::kQuotedName;
    token.text = source_.substr(begin + 1, at_ - begin - 1);
    ++at_;
    if (token.text.empty()) fail("a name between backticks is empty", begin);
  }

  void number(Token& token) {
    const std::size_t begin = at_;
    token.kind = Token::Kind::kInt;
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X') && hex_digit(peek(2)) >= 0) {
      at_ += 2;
      while (hex_digit(peek()) >= 0) ++at_;
    } else {
      decimal_number(token);
    }
    token.text = source_.substr(begin, at_ - begin);
    if (token.kind == Token::Kind::kInt && (peek() == 'u' || peek() == 'U')) {
      token.kind = Token::Kind::kUint;
      ++at_;
    }
    if (is_name_part(peek())) fail("a number runs into a name", begin, "texts stand in quotes");
  }

  void decimal_number(Token& token) {
    while (is_digit(peek())) ++at_;
    if (peek() == '.' && is_digit(peek(1))) {
      token.kind = Token::Kind::kDouble;
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    if (peek() != 'e' && peek() != 'E') return;
    const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
    if (!is_digit(peek(1 + sign))) return;
    token.kind = Token::Kind::kDouble;
    at_ += 1 + sign;
    while (is_digit(peek())) ++at_;
  }

  void text(Token& token, bool raw, bool bytes) {
    const std::size_t begin = at_;
    const char quote = peek();
    const std::string triple(3, quote);
    const bool is_triple = rest_starts(triple);
    const std::string closing = is_triple ? triple : std::string(1, quote);
    at_ += closing.size();
    token.kind = bytes ? Token::Kind::kBytes : Token::Kind::kString;
    while (!error_) {
      if (at_ >= source_.size()) return fail("a text is not closed: " + closing + " is missing", begin);
      if (rest_starts(closing)) break;
      const char c = source_[at_];
      if (!is_triple && (c == '\n' || c == '\r')) return fail("a text does not end on its line: " + closing + " is missing", begin);
      if (c == '\\' && !raw) {
        escape(token.text, bytes);
      } else {
        token.text += c;
        ++at_;
      }
    }
    at_ += closing.size();
    if (!error_ && !bytes && !is_valid_utf8(token.text)) fail("a text is not valid UTF-8", begin, "bytes are written b\"...\"");
  }

  void escape(std::string& out, bool bytes) {
    const std::size_t begin = at_++;
    const char c = peek();
    static constexpr std::string_view kNames = "abfnrtv\\?\"'`";
    static constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\?\"'`";
    const std::size_t simple = c == '\0' ? std::string_view::npos : kNames.find(c);
    if (simple != std::string_view::npos) {
      out += kMeanings[simple];
      ++at_;
      return;
    }
    if (c == 'x' || c == 'X') return numeric_escape(out, begin, 1, 2, 16, bytes);
    if (c == 'u' && !bytes) return numeric_escape(out, begin, 1, 4, 16, false);
    if (c == 'U' && !bytes) return numeric_escape(out, begin, 1, 8, 16, false);
    if (c >= '0' && c <= '3') return numeric_escape(out, begin, 0, 3, 8, bytes);
    ++at_;
    fail("an unknown escape in a text", begin, "write \\\\ for a backslash, or r\"...\" for a text without escapes");
  }

  void numeric_escape(std::string& out, std::size_t begin, std::size_t skip, std::size_t digits, int base, bool octet) {
    at_ += skip;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i, ++at_) {
      const int digit = hex_digit(peek());
      if (digit < 0 || digit >= base) return fail("an escape in a text has too few digits", begin);
      value = value * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(digit);
    }
    if (octet) {
      out += static_cast<char>(static_cast<unsigned char>(value));
    } else if (!append_utf8(out, value)) {
      fail("an escape names no Unicode character", begin);
    }
  }

  void punctuation(Token& token) {
    static constexpr std::array<std::string_view, 24> kMarks = {"&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/",
                                                                "%",  "!",  "?",  ":",  ".",  ",",  "(", ")", "[", "]", "{", "}"};
    for (const std::string_view mark : kMarks) {
      if (!rest_starts(mark)) continue;
      token.kind = Token::Kind::kPunctuation;
      token.text = mark;
      at_ += mark.size();
      return;
    }
    const std::size_t begin = at_++;
    while (at_ < source_.size() && (static_cast<unsigned char>(source_[at_]) & 0xc0U) == 0x80U) ++at_;
    std::string hint;
    if (source_[begin] == '=') hint = peek() == '>' ? "a macro takes the name and a comma: exists(x, x > 5)" : "equality is written ==";
    if (source_[begin] == '&') hint = "and is written &&";
    if (source_[begin] == '|') hint = "or is written ||";
    if (source_[begin] == '#') hint = "a comment is written // here";
    if (source_[begin] == '$') hint = "the whole field is an expression: leave ${ } out";
    if (source_[begin] == ';') hint = "one field holds one expression";
    const std::string_view mark = source_.substr(begin, at_ - begin);
    for (const std::string_view quote : {"\xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x98", "\xe2\x80\x99", "\xe2\x80\x9e"}) {
      if (mark == quote) hint = "a text is quoted with \" or '";
    }
    if (mark == "\xc2\xa0") hint = "this is a non-breaking space: type a plain one";
    fail("unexpected \"" + printable(source_.substr(begin, at_ - begin)) + "\"", begin, std::move(hint));
  }

  std::string_view source_;
  std::optional<CompileError>& error_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, std::optional<CompileError>& error) { return Lexer(source, error).run(); }

bool is_reserved_word(std::string_view word) {
  static constexpr std::array<std::string_view, 17> kWords = {"as",        "break",  "const",  "continue", "else", "for",
                                                              "function",  "if",     "import", "let",      "loop", "package",
                                                              "namespace", "return", "var",    "void",     "while"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

}  // namespace sluice::expr
