#include "daemon/yaml_tree_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "daemon/yaml_scalar.h"

namespace sluice::daemon {

namespace {

constexpr std::string_view kMergeKey = "<<";

void measure(const ConfigNode& node, std::size_t& nodes, std::size_t& text_bytes) {
  ++nodes;
  text_bytes += node.text.size();
  for (const ConfigNode& item : node.items) measure(item, nodes, text_bytes);
  for (const auto& [key, value] : node.entries) {
    measure(key, nodes, text_bytes);
    measure(value, nodes, text_bytes);
  }
}

void extend(Place& place, const Place& last) {
  if (std::pair(last.end_line, last.end_column) <= std::pair(place.end_line, place.end_column)) return;
  place.end_line = last.end_line;
  place.end_column = last.end_column;
}

// Blanks that YAML does not take for blanks, and characters that nobody sees.
struct Invisible {
  std::string_view bytes, name;
};
constexpr std::array kInvisible = {Invisible{"\xc2\xa0", "U+00A0, a non-breaking space"},
                                   Invisible{"\xc2\x85", "U+0085, a line break of old mainframes"},
                                   Invisible{"\xc2\xad", "U+00AD, a soft hyphen"},
                                   Invisible{"\xe2\x80\x8b", "U+200B, a space without width"},
                                   Invisible{"\xe2\x80\x8c", "U+200C, without width"},
                                   Invisible{"\xe2\x80\x8d", "U+200D, without width"},
                                   Invisible{"\xe2\x80\x8e", "U+200E, a mark of direction"},
                                   Invisible{"\xe2\x80\x8f", "U+200F, a mark of direction"},
                                   Invisible{"\xe2\x80\xaf", "U+202F, a narrow space"},
                                   Invisible{"\xe2\x80\xa8", "U+2028, a line separator"},
                                   Invisible{"\xe2\x80\xa9", "U+2029, a paragraph separator"},
                                   Invisible{"\xe2\x81\xa0", "U+2060, without width"},
                                   Invisible{"\xe3\x80\x80", "U+3000, an ideographic space"},
                                   Invisible{"\xef\xbb\xbf", "U+FEFF, a byte order mark"}};

// Quotation marks of prose, which quote nothing in YAML.
bool begins_with_curly_quote(std::string_view text) {
  for (const std::string_view mark : {"\xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x9e", "\xe2\x80\x98", "\xe2\x80\x99", "\xc2\xab"}) {
    if (text.starts_with(mark)) return true;
  }
  return false;
}

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// An odd number of " or of ' that could open a text: not the apostrophe of a word.
bool open_quote(std::string_view text) {
  if (std::count(text.begin(), text.end(), '"') % 2 != 0) return true;
  bool opens = false;
  for (std::size_t i = 0; i < text.size(); ++i) opens = opens || (text[i] == '\'' && i > 0 && !letter(text[i - 1]));
  return opens && std::count(text.begin(), text.end(), '\'') % 2 != 0;
}

// The dash of an item without a value; the library points at what comes behind it.
std::size_t dash_before(std::string_view text, std::size_t at) {
  std::size_t end = std::min(at, text.size());
  while (end > 0) {
    const std::size_t before = text.rfind('\n', end - 1);
    const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
    const std::size_t first = text.find_first_not_of(" \t\r", begin);
    if (first < end && text[first] != '#') {
      const std::size_t dash = text.find_last_of('-', std::min(end, text.find(" #", first)) - 1);
      return dash == std::string_view::npos || dash < begin ? first : dash;
    }
    end = begin == 0 ? 0 : begin - 1;
  }
  return at;
}

bool null_word(std::string_view text) {
  return text.starts_with('~') || text.starts_with("null") || text.starts_with("Null") || text.starts_with("NULL");
}

}  // namespace

void YamlTreeBuilder::error(const Place& place, std::string_view code, std::string message, std::string hint) {
  findings_.add({Diagnostic::Severity::kError, place, {}, code, std::move(message), {}, std::move(hint)});
}

bool YamlTreeBuilder::expects_key() const { return !frames_.empty() && frames_.back().node.is_mapping() && !frames_.back().key; }

// A tree may be deep in aliases and still small to write: both what is kept for an anchor and what an alias adds take time and memory.
void YamlTreeBuilder::count_copies(std::size_t nodes, const Place& place) {
  copies_ += nodes;
  if (copies_ <= limits_.copies) return;
  error(place, "yaml_limit", fmt::format("anchors and aliases make more than {} values", limits_.copies),
        "name a smaller part with the anchor, or write the values out");
  throw YamlAbandoned{};
}

void YamlTreeBuilder::count(std::size_t nodes, std::size_t text_bytes, const Place& place) {
  nodes_ += nodes;
  text_bytes_ += text_bytes;
  if (nodes_ <= limits_.nodes && text_bytes_ <= limits_.text_bytes) return;
  error(
      place, "yaml_limit",
      fmt::format("the file has more than {} values or {} bytes of text once its aliases are expanded", limits_.nodes, limits_.text_bytes));
  throw YamlAbandoned{};
}

// `end`: of the value behind the tag, which is part of what was meant.
void YamlTreeBuilder::check_tag(std::size_t at, std::size_t end, bool scalar) {
  const NodeProperties properties = skip_properties(source_.text(), at);
  if (!properties.has_tag) return;
  const std::string tag(source_.text().substr(properties.tag_begin, properties.tag_end - properties.tag_begin));
  static constexpr std::array<std::string_view, 8> kElsewhere = {"!include", "!secret", "!env",     "!ENV",
                                                                 "!vault",   "!file",   "!env_var", "!Ref"};
  const bool elsewhere = std::find(kElsewhere.begin(), kElsewhere.end(), tag) != kElsewhere.end();
  const std::string hint = elsewhere               ? "a variable is written ${NAME}, a file's content ${file:PATH}"
                           : !scalar               ? "tags have no meaning here: leave it out"
                           : tag.starts_with("!!") ? "every value is typed by its field: leave the tag out"
                                                   : "quote an expression that begins with !: '" + tag + " ...'";
  error(source_.place(properties.tag_begin, std::max(properties.tag_end, end)), "yaml_trap",
        "YAML reads \"" + tag + "\" as a tag, not as part of the value", hint);
}

void YamlTreeBuilder::null(std::size_t begin, Anchor anchor) {
  check_tag(begin, begin, true);
  const NodeProperties properties = skip_properties(source_.text(), begin);
  const std::size_t content = properties.content;
  const std::string_view rest = source_.text().substr(content);
  ConfigNode node;
  const bool spelled = null_word(rest);
  const std::size_t length = !spelled ? 0 : rest.front() == '~' ? 1 : 4;
  node.place = source_.place(content, content + length);
  const bool key = expects_key();
  if (key) {
    node.kind = ConfigNode::Kind::kScalar;
    node.text = rest.substr(0, length);
  } else if (!spelled && properties.has_tag) {
    node.place = source_.place(properties.tag_begin, properties.tag_end);
  } else if (!spelled && !frames_.empty() && frames_.back().key) {
    node.place = frames_.back().key->place;  // nothing stands there: the key is what a reader can look at
  } else if (!spelled && !frames_.empty() && frames_.back().node.is_sequence() && !frames_.back().flow) {
    const std::size_t dash = dash_before(source_.text(), begin);
    node.place = source_.place(dash, dash + 1);
  }
  count(1, 0, node.place);
  if (key && !spelled) {
    const bool colon = rest.starts_with(':');
    if (colon && !std::exchange(missing_key_reported_, true))
      error(source_.place(content, content + 1), "yaml_syntax", "a key is missing before the colon");
    if (rest.starts_with(',')) error(node.place, "yaml_syntax", "nothing stands between two commas");
    frames_.back().key_reported = true;
  }
  add(std::move(node), anchor);
}

void YamlTreeBuilder::alias(std::size_t begin, Anchor anchor) {
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    error(source_.place(begin, begin + 1), "yaml_syntax", "the alias stands inside the value that it refers to");
    throw YamlAbandoned{};
  }
  count_copies(found->second.nodes, source_.place(begin, begin + 1));
  count(found->second.nodes, found->second.text_bytes, source_.place(begin, begin + 1));
  add(found->second.node, 0);
}

void YamlTreeBuilder::scalar(std::size_t begin, Anchor anchor, const std::string& value) {
  const NodeProperties properties = skip_properties(source_.text(), begin);
  const std::size_t content = properties.content;
  ScalarScan scan = scan_scalar(source_, content, value);
  check_tag(begin, value.empty() ? begin : scan.end, true);
  ConfigNode node;
  node.kind = ConfigNode::Kind::kScalar;
  node.style = scan.style;
  const bool only_tag = value.empty() && properties.has_tag && scan.style == ConfigNode::Style::kPlain;
  node.place = only_tag ? source_.place(properties.tag_begin, properties.tag_end) : source_.place(content, scan.end);
  node.text = value;
  node.comment_follows = scan.comment_follows;
  const bool quoted = scan.style == ConfigNode::Style::kSingleQuoted || scan.style == ConfigNode::Style::kDoubleQuoted;
  long_quote_.reset();
  if (quoted && node.place.line != node.place.end_line) long_quote_.emplace(content, scan.end);
  node.runs = std::move(scan.runs);
  count(1, value.size(), node.place);
  if (!scan.closed) error(node.place, "yaml_syntax", "the quote is not closed");
  if (!frames_.empty()) {
    const bool key = expects_key();
    if (node.style == ConfigNode::Style::kPlain) {
      check_split(node, frames_.back());
      check_invisible(node, content, scan.end, key);
      if (key) check_plain_key(node);
    }
    if (key) check_key_colon(scan.end, node, frames_.back());
  }
  add(std::move(node), anchor);
}

// `{type: decimal(10,2)}` is two entries in YAML, and so is `{filter: this.a == "x, y"}`.
void YamlTreeBuilder::check_split(const ConfigNode& node, Frame& frame) {
  if (!frame.flow || frame.split) return;
  const bool parenthesis = std::count(node.text.begin(), node.text.end(), '(') > std::count(node.text.begin(), node.text.end(), ')');
  if (!parenthesis && !open_quote(node.text)) return;
  frame.split = Diagnostic{Diagnostic::Severity::kError,
                           node.place,
                           {},
                           "yaml_trap",
                           std::string(parenthesis ? "the parenthesis" : "the quote") + " in \"" + node.text +
                               "\" is not closed: inside { } and [ ] YAML splits a value at each comma",
                           {},
                           "quote the value, or write one key per line"};
}

void YamlTreeBuilder::report_open() {
  for (Frame& frame : frames_) {
    if (frame.split) findings_.add(*std::exchange(frame.split, std::nullopt));
  }
}

// In a key such a character makes an unknown key that looks right; at an end of a value nobody wants it.
void YamlTreeBuilder::check_invisible(const ConfigNode& node, std::size_t begin, std::size_t end, bool key) {
  const std::string_view written = source_.text().substr(begin, end - begin);
  if (!key && begins_with_curly_quote(written)) {
    findings_.add({Diagnostic::Severity::kWarning,
                   node.place,
                   {},
                   "yaml_trap",
                   "the value begins with a quotation mark that quotes nothing in YAML",
                   {},
                   "the quotes of YAML are \" and '"});
  }
  for (const Invisible& one : kInvisible) {
    const std::size_t behind_colon = written.find(":" + std::string(one.bytes));
    const std::size_t at = key                                      ? written.find(one.bytes)
                           : written.starts_with(one.bytes)         ? 0
                           : behind_colon != std::string_view::npos ? behind_colon + 1
                                                                    : std::string_view::npos;
    const std::size_t last = written.ends_with(one.bytes) ? written.size() - one.bytes.size() : std::string_view::npos;
    const std::size_t found = std::min(at, last);
    if (found == std::string_view::npos) continue;
    error(source_.place(begin + found, begin + found + one.bytes.size()), "yaml_trap",
          "an invisible character stands here: " + std::string(one.name), "delete it, or type a plain space");
    if (key) frames_.back().key_reported = true;
    return;
  }
}

void YamlTreeBuilder::check_plain_key(const ConfigNode& key) {
  if (key.text.size() < 2 || key.text[0] != '-' || !letter(key.text[1])) return;
  error(key.place, "yaml_syntax", "\"" + key.text + "\" is one word, so the dash makes no item of a list", "put a space behind the dash");
}

// YAML takes a line without a colon as a key whose value is null.
void YamlTreeBuilder::check_key_colon(std::size_t key_end, const ConfigNode& key, Frame& frame) {
  const std::string_view rest = source_.text().substr(key_end);
  const std::size_t next = rest.find_first_not_of(" \t\r\n");
  if (next != std::string_view::npos && rest[next] == ':') return;
  const std::string_view source = source_.text();
  const bool complex_key = frame.content < source.size() && source[frame.content] == '?';
  if (complex_key) return;
  if (frame.split || frame.key_reported) {
    frame.key_reported = true;
    return;
  }
  const std::size_t colon = key.text.find(':');
  const bool equals = key.text.find(" = ") != std::string::npos;
  error(key.place, "yaml_syntax", "\"" + key.text + "\" has no colon, so YAML would read it as a key without a value",
        colon != std::string::npos ? "put a space after the colon"
        : equals                   ? "write a colon instead of ="
                                   : "write \"key: value\"");
  frame.key_reported = true;
  if (colon == std::string::npos || colon + 1 == key.text.size() || key.style != ConfigNode::Style::kPlain) return;
  frame.lost = key;
  frame.lost->text = key.text.substr(colon + 1);
  frame.lost->runs.clear();
  frame.lost->place.column += static_cast<std::uint32_t>(colon + 1);
}

void YamlTreeBuilder::begin_collection(ConfigNode::Kind kind, std::size_t begin, Anchor anchor, Flow flow) {
  check_tag(begin, begin, false);
  const std::size_t content = skip_properties(source_.text(), begin).content;
  Frame frame;
  frame.node.kind = kind;
  frame.node.place = source_.place(content, std::min(content + 1, source_.text().size()));
  frame.anchor = anchor;
  frame.flow = flow == Flow::kYes;
  frame.content = content;
  count(1, 0, frame.node.place);
  if (expects_key() && frames_.back().flow && source_.text().substr(content).starts_with('{')) {
    error(frame.node.place, "yaml_syntax", "a key must be text", "a variable is written \"${NAME}\"");
    throw YamlAbandoned{};
  }
  if (frames_.size() >= limits_.depth) {
    error(frame.node.place, "yaml_limit", fmt::format("nested deeper than {} levels", limits_.depth));
    throw YamlAbandoned{};
  }
  frames_.push_back(std::move(frame));
}

void YamlTreeBuilder::end_collection() {
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  if (frame.split) {  // the pieces that follow belong to it
    extend(frame.split->place, frame.node.place);
    findings_.add(*std::move(frame.split));
  }
  apply_merges(frame);
  add(std::move(frame.node), frame.anchor);
}

std::optional<std::size_t> YamlTreeBuilder::open_bracket() const {
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    if (frame->flow) return frame->content;
  }
  return std::nullopt;
}

void YamlTreeBuilder::add(ConfigNode node, Anchor anchor) {
  if (anchor != 0) {
    std::size_t nodes = 0, text_bytes = 0;
    measure(node, nodes, text_bytes);
    count_copies(nodes, node.place);
    Anchored anchored{node, nodes, text_bytes};
    count(0, anchored.text_bytes, node.place);  // the kept copy takes memory too
    anchors_.insert_or_assign(anchor, std::move(anchored));
  }
  if (frames_.empty()) {
    root_ = std::move(node);
    return;
  }
  Frame& frame = frames_.back();
  extend(frame.node.place, node.place);
  if (frame.node.is_mapping()) return add_to_mapping(frame, std::move(node));
  frame.node.items.push_back(std::move(node));
}

void YamlTreeBuilder::add_to_mapping(Frame& frame, ConfigNode node) {
  if (!frame.key) return take_key(frame, std::move(node));
  if (frame.key->text == kMergeKey && frame.key->style == ConfigNode::Style::kPlain) {
    if (frame.merged)
      error(frame.key->place, "duplicate_key", "the key \"<<\" stands twice here", "several are merged with <<: [*first, *second]");
    frame.merged = true;
    frame.merges.emplace_back(*std::exchange(frame.key, std::nullopt), std::move(node));
    return;
  }
  add_entry(frame, std::move(node));
}

void YamlTreeBuilder::take_key(Frame& frame, ConfigNode node) {
  if (!node.is_scalar()) {
    error(node.place, "yaml_syntax", "a key must be text", "a value that begins with { or [ must be quoted");
    throw YamlAbandoned{};
  }
  frame.key = std::move(node);
}

void YamlTreeBuilder::add_entry(Frame& frame, ConfigNode value) {
  ConfigNode key = *std::exchange(frame.key, std::nullopt);
  if (std::exchange(frame.key_reported, false)) {
    auto lost = std::exchange(frame.lost, std::nullopt);
    if (!lost) return;
    key.text.resize(key.text.size() - lost->text.size() - 1);
    value = std::move(*lost);
  }
  const auto [known, is_new] = frame.index.try_emplace(key.text, frame.node.entries.size());
  if (is_new) {
    frame.node.entries.push_back({std::move(key), std::move(value)});
    return;
  }
  const Place& first = frame.node.entries[known->second].first.place;
  error(key.place, "duplicate_key", fmt::format("the key \"{}\" stands twice here; first in line {}", key.text, first.line));
}

// Keys written in the mapping itself win, then those of the first merge that has them.
void YamlTreeBuilder::apply_merges(Frame& frame) {
  for (const auto& [key, merge] : frame.merges) {
    if (merge.is_mapping()) {
      merge_one(frame, merge);
      continue;
    }
    const bool list = merge.is_sequence() &&
                      std::all_of(merge.items.begin(), merge.items.end(), [](const ConfigNode& item) { return item.is_mapping(); });
    if (!list) error(key.place, "yaml_syntax", "<< takes a mapping or a list of mappings", "for example <<: *defaults");
    for (const ConfigNode& item : merge.items) {
      if (list) merge_one(frame, item);
    }
  }
}

void YamlTreeBuilder::merge_one(Frame& frame, const ConfigNode& source) {
  for (const ConfigNode::Entry& entry : source.entries) {
    if (frame.index.try_emplace(entry.first.text, frame.node.entries.size()).second) frame.node.entries.push_back(entry);
  }
}

}  // namespace sluice::daemon
