#include "daemon/environment_file.h"

#include <fmt/format.h>

#include <map>
#include <optional>

#include "daemon/yaml_text.h"

namespace sluice::daemon {

namespace {

constexpr std::string_view kBlank = " \t";

bool name_start(char c) { return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool name_part(char c) { return name_start(c) || (c >= '0' && c <= '9'); }

class Parser {
 public:
  Parser(std::string_view text, const std::string& file, Diagnostics& findings) : source_(text, file), findings_(findings) {}

  std::vector<std::pair<std::string, std::string>> run() {
    const std::string_view all = source_.text();
    if (!check_bytes(source_, findings_, "bad_value")) return {};
    for (at_ = 0; at_ < all.size(); at_ = end_ + 1) {
      end_ = std::min(all.find('\n', at_), all.size());
      line_end_ = end_ > at_ && all[end_ - 1] == '\r' ? end_ - 1 : end_;
      line();
    }
    return std::move(variables_);
  }

 private:
  bool done() const { return at_ >= line_end_; }
  char here() const { return done() ? '\0' : source_.text()[at_]; }
  std::string_view rest() const { return source_.text().substr(at_, line_end_ - at_); }
  void skip_blank() {
    while (!done() && kBlank.find(here()) != std::string_view::npos) ++at_;
  }

  void error(std::size_t begin, std::size_t end, std::string message, std::string hint, std::string_view code = "bad_value") {
    add_text_error(source_, begin, end, code, std::move(message), std::move(hint), findings_);
  }

  void line() {
    skip_blank();
    if (done() || here() == '#') return;
    if (rest().starts_with("export ") || rest().starts_with("export\t")) {
      at_ += 7;
      skip_blank();
    }
    const std::size_t begin = at_;
    while (!done() && name_part(here())) ++at_;
    const std::string name(source_.text().substr(begin, at_ - begin));
    const std::size_t name_end = at_;
    skip_blank();
    if (name.empty() || !name_start(name[0]) || here() != '=') return no_assignment(begin);
    ++at_;
    skip_blank();
    auto value = here() == '\'' ? single_quoted() : here() == '"' ? double_quoted() : bare();
    if (value) add(name, std::move(*value), begin, name_end);
  }

  // The value may be a secret, so the line is not repeated in the message.
  void no_assignment(std::size_t begin) {
    const bool colon = here() == ':';
    error(begin, std::max(at_, begin + 1), "expected NAME=value",
          colon ? "this is no YAML: write = instead of the colon" : "a name is made of letters, digits and _ and begins with no digit");
  }

  void add(const std::string& name, std::string value, std::size_t begin, std::size_t end) {
    const std::uint32_t number = source_.line_column(begin).first;
    const auto [first, is_new] = lines_.try_emplace(name, number);
    if (!is_new) return error(begin, end, fmt::format("{} is set twice; first in line {}", name, first->second), {}, "duplicate_key");
    variables_.emplace_back(name, std::move(value));
  }

  std::optional<std::string> bare() {
    const std::size_t begin = at_;
    std::string_view text = rest();
    const std::size_t last = text.find_last_not_of(kBlank);
    text = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
    for (const std::string_view mark : {" #", "\t#"}) {
      const std::size_t hash = text.find(mark);
      if (hash == std::string_view::npos) continue;
      error(begin + hash + 1, begin + text.size(), "it is not clear whether a comment begins here",
            "put the value in quotes, or the comment on a line of its own");
      return std::nullopt;
    }
    if (!nothing_to_replace(begin, text)) return std::nullopt;
    return std::string(text);
  }

  std::optional<std::string> single_quoted() {
    const std::size_t begin = at_++;
    const std::size_t close = rest().find('\'');
    if (close == std::string_view::npos) return not_closed(begin);
    std::string value(rest().substr(0, close));
    at_ += close + 1;
    if (!nothing_follows()) return std::nullopt;
    return value;
  }

  std::optional<std::string> double_quoted() {
    const std::size_t begin = at_++;
    std::string value;
    for (; !done() && here() != '"'; ++at_) {
      if (here() != '\\') {
        value += here();
        continue;
      }
      ++at_;
      static constexpr std::string_view kEscapes = "\\\"$nrt", kMeaning = "\\\"$\n\r\t";
      const std::size_t which = done() ? std::string_view::npos : kEscapes.find(here());
      if (which == std::string_view::npos) {
        error(at_ - 1, at_ + 1, "an unknown escape", "known are \\n \\r \\t \\\\ \\\" \\$; in single quotes a backslash is itself");
        return std::nullopt;
      }
      value += kMeaning[which];
    }
    if (done()) return not_closed(begin);
    const std::string_view written = source_.text().substr(begin + 1, at_ - begin - 1);
    if (!nothing_to_replace(begin + 1, written)) return std::nullopt;
    ++at_;
    if (!nothing_follows()) return std::nullopt;
    return value;
  }

  std::optional<std::string> not_closed(std::size_t begin) {
    error(begin, line_end_, "the quote is not closed in this line", "a line break in a value is written \"\\n\"");
    return std::nullopt;
  }

  bool nothing_follows() {
    const std::size_t after = at_;
    skip_blank();
    if (done() || (here() == '#' && at_ > after)) return true;
    error(at_, line_end_, "something stands behind the closing quote", "put the whole value into one pair of quotes");
    return false;
  }

  // Other readers of such files replace ${NAME}; who counts on it must hear that it stays as it is.
  bool nothing_to_replace(std::size_t begin, std::string_view text) {
    for (std::size_t dollar = text.find("${"); dollar != std::string_view::npos; dollar = text.find("${", dollar + 1)) {
      if (dollar > 0 && text[dollar - 1] == '\\') continue;
      error(begin + dollar, begin + dollar + 2, "nothing is replaced in this file, so ${...} would stay as it is",
            "if that is meant, put the value in single quotes");
      return false;
    }
    return true;
  }

  const YamlText source_;
  Diagnostics& findings_;
  std::vector<std::pair<std::string, std::string>> variables_;
  std::map<std::string, std::uint32_t> lines_;   // of each name
  std::size_t at_ = 0, line_end_ = 0, end_ = 0;  // offsets; end_ is that of the line break
};

}  // namespace

std::vector<std::pair<std::string, std::string>> parse_environment_file(std::string_view text, const std::string& file,
                                                                        Diagnostics& findings) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  return Parser(text, file, findings).run();
}

}  // namespace sluice::daemon
