#include "daemon/yaml_tree_builder.h"

#include <fmt/format.h>

#include <algorithm>

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

bool null_word(std::string_view text) {
  return text.starts_with('~') || text.starts_with("null") || text.starts_with("Null") || text.starts_with("NULL");
}

}  // namespace

void YamlTreeBuilder::error(const Place& place, std::string_view code, std::string message, std::string hint) {
  findings_.add({Diagnostic::Severity::kError, place, {}, code, std::move(message), {}, std::move(hint)});
}

bool YamlTreeBuilder::expects_key() const { return !frames_.empty() && frames_.back().node.is_mapping() && !frames_.back().key; }

void YamlTreeBuilder::count(std::size_t nodes, std::size_t text_bytes, const Place& place) {
  nodes_ += nodes;
  text_bytes_ += text_bytes;
  if (nodes_ <= limits_.nodes && text_bytes_ <= limits_.text_bytes) return;
  error(
      place, "yaml_limit",
      fmt::format("the file has more than {} values or {} bytes of text once its aliases are expanded", limits_.nodes, limits_.text_bytes));
  throw YamlAbandoned{};
}

void YamlTreeBuilder::check_tag(std::size_t at, bool scalar) {
  const NodeProperties properties = skip_properties(source_.text(), at);
  if (!properties.has_tag) return;
  const std::string tag(source_.text().substr(properties.tag_begin, properties.tag_end - properties.tag_begin));
  const std::string hint = !scalar                 ? "tags have no meaning here: leave it out"
                           : tag.starts_with("!!") ? "every value is typed by its field: leave the tag out"
                                                   : "quote an expression that begins with !: '" + tag + " ...'";
  error(source_.place(properties.tag_begin, properties.tag_end), "yaml_trap",
        "YAML reads \"" + tag + "\" as a tag, not as part of the value", hint);
}

void YamlTreeBuilder::null(std::size_t begin, Anchor anchor) {
  check_tag(begin, true);
  const std::size_t content = skip_properties(source_.text(), begin).content;
  const std::string_view rest = source_.text().substr(content);
  ConfigNode node;
  const bool spelled = null_word(rest);
  const std::size_t length = !spelled ? 0 : rest.front() == '~' ? 1 : 4;
  node.place = source_.place(content, content + length);
  const bool key = expects_key();
  if (key) {
    node.kind = ConfigNode::Kind::kScalar;
    node.text = rest.substr(0, length);
  } else if (!spelled && !frames_.empty() && frames_.back().key) {
    node.place = frames_.back().key->place;  // nothing stands there: the key is what a reader can look at
  }
  count(1, 0, node.place);
  if (key && !spelled) error(node.place, "yaml_syntax", "a key is missing before the colon");
  add(std::move(node), anchor);
}

void YamlTreeBuilder::alias(std::size_t begin, Anchor anchor) {
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    error(source_.place(begin, begin + 1), "yaml_syntax", "the alias stands inside the value that it refers to");
    throw YamlAbandoned{};
  }
  count(found->second.nodes, found->second.text_bytes, source_.place(begin, begin + 1));
  add(found->second.node, 0);
}

void YamlTreeBuilder::scalar(std::size_t begin, Anchor anchor, const std::string& value) {
  check_tag(begin, true);
  const std::size_t content = skip_properties(source_.text(), begin).content;
  ScalarScan scan = scan_scalar(source_, content, value);
  ConfigNode node;
  node.kind = ConfigNode::Kind::kScalar;
  node.style = scan.style;
  node.place = source_.place(content, scan.end);
  node.text = value;
  node.comment_follows = scan.comment_follows;
  node.runs = std::move(scan.runs);
  count(1, value.size(), node.place);
  if (!scan.closed) error(node.place, "yaml_syntax", "the quote is not closed");
  if (!frames_.empty()) {
    if (node.style == ConfigNode::Style::kPlain) check_split(node, frames_.back());
    if (expects_key()) check_key_colon(scan.end, node, frames_.back());
  }
  add(std::move(node), anchor);
}

// `{type: decimal(10,2)}` is two entries in YAML.
void YamlTreeBuilder::check_split(const ConfigNode& node, Frame& frame) {
  if (!frame.flow || frame.split_reported) return;
  if (std::count(node.text.begin(), node.text.end(), '(') <= std::count(node.text.begin(), node.text.end(), ')')) return;
  frame.split_reported = true;
  error(node.place, "yaml_trap",
        "the parenthesis in \"" + node.text + "\" is not closed: inside { } and [ ] YAML splits a value at each comma",
        "quote the value, or write one key per line");
}

// YAML takes a line without a colon as a key whose value is null.
void YamlTreeBuilder::check_key_colon(std::size_t key_end, const ConfigNode& key, Frame& frame) {
  const std::string_view rest = source_.text().substr(key_end);
  const std::size_t next = rest.find_first_not_of(" \t\r\n");
  if (next != std::string_view::npos && rest[next] == ':') return;
  const std::string_view source = source_.text();
  const bool complex_key = frame.content < source.size() && source[frame.content] == '?';
  if (frame.split_reported || complex_key) return;
  error(key.place, "yaml_syntax", "\"" + key.text + "\" has no colon, so YAML would read it as a key without a value",
        key.text.find(':') != std::string::npos ? "put a space after the colon" : "write \"key: value\"");
}

void YamlTreeBuilder::begin_collection(ConfigNode::Kind kind, std::size_t begin, Anchor anchor, Flow flow) {
  check_tag(begin, false);
  const std::size_t content = skip_properties(source_.text(), begin).content;
  Frame frame;
  frame.node.kind = kind;
  frame.node.place = source_.place(content, std::min(content + 1, source_.text().size()));
  frame.anchor = anchor;
  frame.flow = flow == Flow::kYes;
  frame.content = content;
  count(1, 0, frame.node.place);
  if (frames_.size() >= limits_.depth) {
    error(frame.node.place, "yaml_limit", fmt::format("nested deeper than {} levels", limits_.depth));
    throw YamlAbandoned{};
  }
  frames_.push_back(std::move(frame));
}

void YamlTreeBuilder::end_collection() {
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  apply_merges(frame);
  add(std::move(frame.node), frame.anchor);
}

void YamlTreeBuilder::add(ConfigNode node, Anchor anchor) {
  if (anchor != 0) {
    Anchored anchored{node, 0, 0};
    measure(node, anchored.nodes, anchored.text_bytes);
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
    frame.key.reset();
    frame.merges.push_back(std::move(node));
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
  for (const ConfigNode& merge : frame.merges) {
    if (merge.is_mapping()) {
      merge_one(frame, merge);
      continue;
    }
    const bool list = merge.is_sequence() &&
                      std::all_of(merge.items.begin(), merge.items.end(), [](const ConfigNode& item) { return item.is_mapping(); });
    if (!list) error(merge.place, "yaml_syntax", "<< takes a mapping or a list of mappings", "for example <<: *defaults");
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
