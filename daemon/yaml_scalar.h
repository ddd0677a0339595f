#pragma once
// Where the text of a YAML scalar stands in the file.  The YAML library gives the text and where the node begins; walking both side
// by side gives the rest: style, end, and a run for every stretch that is the same in both.

#include <string_view>
#include <vector>

#include "core/config_node.h"
#include "daemon/yaml_text.h"

namespace sluice::daemon {

// What stands before a node's content: `&anchor` and `!tag`.
struct NodeProperties {
  std::size_t content = 0;  // offset of the content
  bool has_tag = false;
  std::size_t tag_begin = 0, tag_end = 0;
};
NodeProperties skip_properties(std::string_view source, std::size_t at);

struct ScalarScan {
  ConfigNode::Style style = ConfigNode::Style::kPlain;
  std::size_t end = 0;           // offset after the last byte (the closing quote included)
  bool closed = true;            // false: a quoted scalar without its closing quote, which the library accepts at the file's end
  bool comment_follows = false;  // plain: the rest of the line is a comment
  std::vector<ConfigNode::Run> runs;
};

// `text`: the scalar as the YAML library gives it; `begin`: offset of its content.
ScalarScan scan_scalar(const YamlText& source, std::size_t begin, std::string_view text);

}  // namespace sluice::daemon
