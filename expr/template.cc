// Text with expressions in it.
#include <array>
#include <utility>

#include "expr/expression.h"
#include "expr/value_text.h"

namespace sluice::expr {

struct Template::Part {
  std::string text;  // literal, or the expression for messages
  std::unique_ptr<Program> program;
};

namespace {

void append_percent(std::string& out, char c) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kDigits[byte >> 4U];
  out += kDigits[byte & 0xfU];
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

bool is_unsafe_in_path(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '/' || c == '\\' || c == '%' || byte < 0x20 || byte == 0x7f;
}

// A value is one name within a path: never a way up or down.  Every "." of "..", wherever it stands, so that two values or a
// value and the template's own text cannot make one either.
void append_for_path(std::string& out, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dots = text[i] == '.' && (text.size() == 1 || (i + 1 < text.size() && text[i + 1] == '.') || (i > 0 && text[i - 1] == '.'));
    const bool joins_dots = text[i] == '.' && i == 0 && !out.empty() && out.back() == '.';
    if (dots || joins_dots || is_unsafe_in_path(text[i])) {
      append_percent(out, text[i]);
    } else {
      out += text[i];
    }
  }
}

void append_for_url(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      append_percent(out, c);
    }
  }
}

Error missing(const std::string& expression, std::string_view why) {
  return {ErrorKind::kBadRecord, "template_missing", "the template's ${" + expression + "} has no value: " + std::string(why)};
}

bool is_missing(std::string_view code) { return code == "no_such_field" || code == "no_such_key" || code == "value_unavailable"; }

void append_encoded(std::string& out, std::string_view text, Template::Encoding encoding) {
  switch (encoding) {
    case Template::Encoding::kNone: out += text; break;
    case Template::Encoding::kPath: append_for_path(out, text); break;
    case Template::Encoding::kUrl: append_for_url(out, text); break;
  }
}

}  // namespace

Template::Template(std::vector<Part> parts, Encoding encoding) : parts_(std::move(parts)), encoding_(encoding) {}
Template::~Template() = default;

Result<std::unique_ptr<Template>> Template::compile(const TemplateText& text, Encoding encoding) {
  std::vector<Part> parts;
  for (const TemplateText::Part& source : text.parts) {
    Part part{source.text, nullptr};
    if (source.is_expression) part.program = SLUICE_TRY(Program::compile(source.text));
    parts.push_back(std::move(part));
  }
  return std::unique_ptr<Template>(new Template(std::move(parts), encoding));
}

Status Template::render(const Batch& batch, const Record& record, std::string& out) {
  const std::size_t before = out.size();
  for (const Part& part : parts_) {
    Status rendered = part.program == nullptr ? (out += part.text, Status()) : render_value(part, batch, record, out);
    if (rendered) continue;
    out.resize(before);
    return rendered;
  }
  return {};
}

Status Template::render_value(const Part& part, const Batch& batch, const Record& record, std::string& out) {
  Result<Value> value = part.program->evaluate(batch, record, scratch_.arena());
  Status status;
  if (!value) {
    status = is_missing(value.error().code()) ? Status(missing(part.text, value.error().message())) : Status(std::move(value).error());
  } else if (value->is_null()) {
    status = missing(part.text, "it is null");
  } else {
    std::array<char, kValueTextBuffer> buffer{};
    const Value& found = *value;
    if (const auto text = text_of(found, buffer)) {
      append_encoded(out, *text, encoding_);
    } else {
      status = Error(ErrorKind::kBadRecord, "template_type",
                     "the template's ${" + part.text + "} is of type " + std::string(type_name(found.type())) + ", which has no text");
    }
  }
  scratch_.reset();
  return status;
}

bool Template::is_constant() const {
  for (const Part& part : parts_) {
    if (part.program != nullptr) return false;
  }
  return true;
}

}  // namespace sluice::expr
