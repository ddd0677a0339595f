#pragma once
// Receives the YAML library's events and builds the tree.  Private to daemon/yaml_*.cc: the only header with the library in it.

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/yaml_loader.h"
#include "daemon/yaml_text.h"

namespace sluice::daemon {

// Thrown out of the library's parser when a limit is reached; the finding is already there.
struct YamlLimitReached {};

class YamlTreeBuilder final : public YAML::EventHandler {
 public:
  YamlTreeBuilder(const YamlText& source, const YamlLimits& limits, Diagnostics& findings) : source_(source), limits_(limits), findings_(findings) {}

  // Null until the document is complete.
  std::optional<ConfigNode>& root() { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { end_collection(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { end_collection(); }

 private:
  struct Frame {
    ConfigNode node;
    YAML::anchor_t anchor = 0;
    bool flow = false;
    std::size_t content = 0;                             // offset of the collection in the file
    std::optional<ConfigNode> key;                       // a mapping's key that waits for its value
    std::unordered_map<std::string, std::size_t> index;  // of a mapping's keys: position in node.entries
    std::vector<ConfigNode> merges;                      // values of <<
    bool split_reported = false;
  };
  struct Anchored {
    ConfigNode node;
    std::size_t nodes = 0, text_bytes = 0;
  };

  std::size_t offset(const YAML::Mark& mark) const;
  void begin_collection(ConfigNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor, YAML::EmitterStyle::value style);
  void end_collection();
  void add(ConfigNode node, YAML::anchor_t anchor);
  void add_to_mapping(Frame& frame, ConfigNode node);
  void add_entry(Frame& frame, ConfigNode value);
  void take_key(Frame& frame, ConfigNode node);
  void apply_merges(Frame& frame);
  void merge_one(Frame& frame, const ConfigNode& source);
  void count(std::size_t nodes, std::size_t text_bytes, const Place& place);
  void check_tag(std::size_t at, bool scalar);
  void check_key_colon(std::size_t key_end, const ConfigNode& key, Frame& frame);
  void check_split(const ConfigNode& node, Frame& frame);
  void error(const Place& place, std::string_view code, std::string message, std::string hint = {});
  bool expects_key() const;

  const YamlText& source_;
  const YamlLimits& limits_;
  Diagnostics& findings_;
  std::vector<Frame> frames_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  std::optional<ConfigNode> root_;
  std::size_t nodes_ = 0, text_bytes_ = 0;
};

}  // namespace sluice::daemon
