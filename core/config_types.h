#pragma once
// The types a component's configuration is made of beyond numbers, text, lists and enums: units are types, secrets are a type.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config_node.h"
#include "core/result.h"

namespace sluice {

// The form of every name that users give: [a-z0-9][a-z0-9_-]*, at most 100 characters (CONFIG.md rule 3).
bool valid_name(std::string_view name);

// "64MiB", "10GB", "512" (bytes).
struct ByteSize {
  std::uint64_t bytes = 0;
};

// "1000/s", "5/m": events per second.
struct Rate {
  double per_second = 0;
};

// "5%": 0.05.
struct Share {
  double fraction = 0;
};

// Reads again what a value was written as, `${file:PATH}` above all.
using Reread = std::function<Result<std::string>()>;

// Text that must not appear in any output: it prints as *** everywhere.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text, Reread reread = {}) : text_(std::move(text)), reread_(std::move(reread)) {}
  const std::string& reveal() const { return text_; }
  // What it is now: files that it names are read again, because a secret may be rotated while a pipeline runs.  Ask once per
  // connection.  kTransient secret_unreadable.  Any thread.
  Result<std::string> current() const { return reread_ ? reread_() : Result<std::string>(text_); }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
  Reread reread_;
};

// scheme://user:password@host/path?query with the password kept out of sight.
class ConnectionUrl {
 public:
  ConnectionUrl() = default;
  explicit ConnectionUrl(std::string text, Reread reread = {}) : text_(std::move(text)), reread_(std::move(reread)) {}
  const std::string& reveal() const { return text_; }
  Result<std::string> current() const { return reread_ ? reread_() : Result<std::string>(text_); }  // as Secret::current()
  std::string redacted() const;                                                                     // "postgresql://shop:***@db/orders"
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
  Reread reread_;
};

// An expression of expr/: never interpolated, compiled by the component.
struct Expression {
  ConfigNode node;
  const std::string& text() const { return node.text; }
};

// The same where only true or false makes sense.
struct Condition : Expression {};

// Text with expressions in it: "shop.${meta.table}".
struct TemplateText {
  struct Part {
    bool is_expression = false;
    std::string text;        // literal text after interpolation, or the expression between ${ and }
    std::size_t offset = 0;  // of the part in node.text
  };
  std::vector<Part> parts;
  ConfigNode node;
  bool is_constant() const {
    for (const Part& part : parts) {
      if (part.is_expression) return false;
    }
    return true;
  }
};

// Names a field, or one inside it: a.b, items[].price, `a.b`.c
struct FieldPath {
  struct Step {
    std::string name;         // empty with `every`: the path begins with []
    bool every_item = false;  // followed by []: each item of the list
  };
  std::vector<Step> steps;
  ConfigNode node;
};

}  // namespace sluice
