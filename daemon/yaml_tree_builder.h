#pragma once
// Builds the tree from the events of a YAML parser.  Private to daemon/yaml_*.cc.

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/yaml_loader.h"
#include "daemon/yaml_text.h"

namespace sluice::daemon {

// Thrown out of the parser when reading on makes no sense; the finding is already there.
struct YamlAbandoned {};

// One document, one thread.  Offsets are bytes from the file's begin, at a node's anchor or tag if it has one.  Anchors are numbers
// that the parser gives, 0 for none.
class YamlTreeBuilder {
 public:
  using Anchor = std::size_t;

  YamlTreeBuilder(const YamlText& source, const YamlLimits& limits, Diagnostics& findings)
      : source_(source), limits_(limits), findings_(findings) {}

  // Null until the document is complete.
  std::optional<ConfigNode>& root() { return root_; }

  void null(std::size_t offset, Anchor anchor);
  void alias(std::size_t offset, Anchor anchor);
  void scalar(std::size_t offset, Anchor anchor, const std::string& value);
  // Where the innermost { or [ that is still open stands; for a parser that gave up.
  std::optional<std::size_t> open_bracket() const;
  // Begin and end of the last scalar, if it is quoted and goes over several lines.
  std::optional<std::pair<std::size_t, std::size_t>> long_quote() const { return long_quote_; }
  // Reports what was kept back for the end of a collection that will not come.
  void report_open();

  enum class Flow : std::uint8_t { kNo, kYes };  // kYes: written in { } or [ ]
  void begin_collection(ConfigNode::Kind kind, std::size_t offset, Anchor anchor, Flow flow);
  void end_collection();

 private:
  struct Frame {
    ConfigNode node;
    Anchor anchor = 0;
    bool flow = false;
    std::size_t content = 0;                             // offset of the collection in the file
    std::optional<ConfigNode> key;                       // a mapping's key that waits for its value
    std::unordered_map<std::string, std::size_t> index;  // of a mapping's keys: position in node.entries
    std::vector<ConfigNode::Entry> merges;               // << and its value
    bool merged = false;                                 // << was there
    std::optional<Diagnostic> split;                     // a value that a comma split; reported with all of its pieces
    bool key_reported = false;                           // the key that waits is none: its entry is left out
    std::optional<ConfigNode> lost;                      // key:value without a blank: what was meant as the value
  };
  struct Anchored {
    ConfigNode node;
    std::size_t nodes = 0, text_bytes = 0;
  };

  void add(ConfigNode node, Anchor anchor);
  void add_to_mapping(Frame& frame, ConfigNode node);
  void add_entry(Frame& frame, ConfigNode value);
  void take_key(Frame& frame, ConfigNode node);
  void apply_merges(Frame& frame);
  void merge_one(Frame& frame, const ConfigNode& source);
  void count(std::size_t nodes, std::size_t text_bytes, const Place& place);
  void count_copies(std::size_t nodes, const Place& place);
  void check_tag(std::size_t at, std::size_t end, bool scalar);
  void check_key_colon(std::size_t key_end, const ConfigNode& key, Frame& frame);
  void check_split(const ConfigNode& node, Frame& frame);
  void check_invisible(const ConfigNode& node, std::size_t begin, std::size_t end, bool key);
  void check_plain_key(const ConfigNode& key);
  void error(const Place& place, std::string_view code, std::string message, std::string hint = {});
  bool expects_key() const;

  const YamlText& source_;
  const YamlLimits& limits_;
  Diagnostics& findings_;
  std::vector<Frame> frames_;
  std::unordered_map<Anchor, Anchored> anchors_;
  std::optional<ConfigNode> root_;
  std::size_t nodes_ = 0, copies_ = 0, text_bytes_ = 0;
  std::optional<std::pair<std::size_t, std::size_t>> long_quote_;
  bool missing_key_reported_ = false;  // once is enough
};

}  // namespace sluice::daemon
