#include "daemon/yaml_loader.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <streambuf>

#include "daemon/yaml_syntax_error.h"
#include "daemon/yaml_tree_builder.h"

namespace sluice::daemon {

namespace {

// Lets the parser read a view without copying it.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // NOLINT: streambuf has no const interface; a get area is never written
    setg(begin, begin, begin + text.size());
  }
};

// The library's events, without its types.
class Adapter final : public YAML::EventHandler {
 public:
  explicit Adapter(YamlTreeBuilder& builder) : builder_(builder) {}

  void OnDocumentStart(const YAML::Mark& mark) override { document_ = offset(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { builder_.null(offset(mark), anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override { builder_.alias(offset(mark), anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
    builder_.scalar(offset(mark), anchor, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value style) override {
    builder_.begin_collection(ConfigNode::Kind::kSequence, offset(mark), anchor, flow(style));
  }
  void OnSequenceEnd() override { builder_.end_collection(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value style) override {
    builder_.begin_collection(ConfigNode::Kind::kMapping, offset(mark), anchor, flow(style));
  }
  void OnMapEnd() override { builder_.end_collection(); }

  // Offset of the document that began last.
  std::size_t document() const { return document_; }

 private:
  static std::size_t offset(const YAML::Mark& mark) { return mark.pos < 0 ? 0 : static_cast<std::size_t>(mark.pos); }
  static YamlTreeBuilder::Flow flow(YAML::EmitterStyle::value style) {
    return style == YAML::EmitterStyle::Flow ? YamlTreeBuilder::Flow::kYes : YamlTreeBuilder::Flow::kNo;
  }

  YamlTreeBuilder& builder_;
  std::size_t document_ = 0;
};

bool plain_key(std::string_view key) {
  for (const char c : key) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!word) return false;
  }
  return !key.empty();
}

// After the tree is complete, so that a merged or aliased node gets the path of where it is used.
void assign_paths(ConfigNode& node, const std::string& path) {
  node.path = path;
  for (std::size_t i = 0; i < node.items.size(); ++i) assign_paths(node.items[i], fmt::format("{}[{}]", path, i));
  for (auto& [key, value] : node.entries) {
    const std::string name = plain_key(key.text) ? key.text : "`" + key.text + "`";
    key.path = path.empty() ? name : path + "." + name;
    assign_paths(value, key.path);
  }
}

// A place for anchors, of no meaning itself.
void drop_extensions(ConfigNode& root) {
  std::erase_if(root.entries, [](const ConfigNode::Entry& entry) { return entry.first.text.starts_with("x-"); });
}

// Reads the one document; false when the text could not be read to its end.
bool parse(const YamlText& text, YamlTreeBuilder& builder, Diagnostics& findings) {
  ViewBuffer buffer(text.text());
  std::istream stream(&buffer);
  Adapter adapter(builder);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(adapter)) return true;
    auto first = std::move(builder.root());
    builder.root().reset();
    if (parser.HandleNextDocument(adapter)) {
      explain_second_document(text, adapter.document(), findings);
      return false;
    }
    builder.root() = std::move(first);
    return true;
  } catch (const YamlAbandoned&) {
    builder.report_open();
  } catch (const YAML::Exception& exception) {
    builder.report_open();
    explain_syntax_error(text, {exception.mark.pos, exception.msg, builder.open_bracket(), builder.long_quote()}, findings);
  } catch (const std::exception& exception) {
    findings.add({Diagnostic::Severity::kError, {text.file(), 1, 1, 1, 1}, {}, "yaml_syntax", exception.what(), {}, {}});
  }
  return false;
}

}  // namespace

std::optional<ConfigNode> load_yaml(std::string_view bytes, const std::string& file, Diagnostics& findings, const YamlLimits& limits) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  if (bytes.size() > limits.bytes) {
    findings.add({Diagnostic::Severity::kError,
                  {file, 1, 1, 1, 1},
                  {},
                  "yaml_limit",
                  fmt::format("the file has more than {} bytes", limits.bytes),
                  {},
                  {}});
    return std::nullopt;
  }
  const YamlText text(bytes, file);
  if (bytes.starts_with("\xef\xbb\xbf")) {  // the library would leave it out and count wrongly
    add_text_error(text, 0, 3, "yaml_trap", "a second byte order mark stands here", "delete it", findings);
    return std::nullopt;
  }
  if (!check_bytes(text, findings)) return std::nullopt;
  YamlTreeBuilder builder(text, limits, findings);
  if (!parse(text, builder, findings)) return std::nullopt;
  ConfigNode root = builder.root() ? std::move(*builder.root()) : ConfigNode{};
  if (root.is_null()) root.place = {file, 1, 1, 1, 1};
  drop_extensions(root);
  assign_paths(root, "");
  return root;
}

}  // namespace sluice::daemon
