#pragma once
// YAML text from values, such that load_yaml() reads back the same.  Block style; one value a line, with a comment behind it.

#include <string>
#include <string_view>

namespace sluice::daemon {

class YamlEmitter {
 public:
  // Everything up to the matching close() stands below `key`, or below a list item when the key is empty.
  void open_mapping(std::string_view key) { open(key); }
  void open_sequence(std::string_view key) { open(key); }
  void close() { --depth_; }
  // The next key stands on the line of a list's dash.
  void item() { dash_ = true; }

  void scalar(std::string_view key, std::string_view text, std::string_view comment);
  // Already YAML, for example a flow collection.
  void raw(std::string_view key, std::string_view yaml, std::string_view comment);
  void comment(std::string_view text);

  std::string take() { return std::move(out_); }

 private:
  void open(std::string_view key);
  void begin_line();
  void literal_block(std::string_view key, std::string_view text, std::string_view comment);

  std::string out_;
  int depth_ = 0;
  bool dash_ = false;
};

// Plain where that is safe, else in quotes.
std::string yaml_scalar_text(std::string_view text);

}  // namespace sluice::daemon
