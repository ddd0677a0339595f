#include "formats/debezium/value_writer.h"

#include <algorithm>
#include <limits>

#include "formats/debezium/jackson_text.h"
#include "formats/debezium/payload_text.h"
#include "formats/debezium/shape_writer.h"
#include "formats/debezium/time_writer.h"
#include "formats/json_text.h"

namespace sluice::debezium {

namespace {

constexpr std::string_view kHex = "0123456789abcdef";

bool is_special_decimal(std::string_view text) { return text == "NaN" || text == "Infinity" || text == "-Infinity"; }

}  // namespace

bool ValueWriter::write(const ColumnType& type, const Value& value, TextBuffer& out) {
  return type.is_array ? write_list(type, value, out) : write_scalar(type, value, out);
}

bool ValueWriter::write_list(const ColumnType& type, const Value& value, TextBuffer& out) {
  if (value.type() != Value::Type::kList) return false;
  out.append('[');
  bool first = true;
  for (const Value& item : value.as_list()) {
    if (!first) out.append(',');
    first = false;
    if (item.is_null()) {
      out.append("null");
    } else if (!(item.type() == Value::Type::kList ? write_list(type, item, out) : write_scalar(type, item, out))) {
      return false;
    }
  }
  out.append(']');
  return true;
}

bool ValueWriter::write_scalar(const ColumnType& type, const Value& value, TextBuffer& out) {
  switch (type.kind) {
    case ColumnKind::kBoolean:
    case ColumnKind::kInt16:
    case ColumnKind::kInt32:
    case ColumnKind::kInt64:
    case ColumnKind::kFloat32:
    case ColumnKind::kFloat64: return write_number(type.kind, value, out);
    case ColumnKind::kDecimal:
    case ColumnKind::kVariableDecimal: return write_decimal(type, value, out);
    case ColumnKind::kMoney: return write_money(value, out);
    case ColumnKind::kString:
    case ColumnKind::kXml:
    case ColumnKind::kJson:
    case ColumnKind::kUuid:
    case ColumnKind::kLtree:
    case ColumnKind::kTsvector:
    case ColumnKind::kEnum: write_jackson_string(text_of(value), out); return true;
    case ColumnKind::kUnknown: write_binary(text_of(value), out); return true;
    case ColumnKind::kBytes:
      if (value.is_text()) write_binary(value.as_text(), out);
      return value.is_text();
    case ColumnKind::kBits: return write_bits(type, value, out);
    case ColumnKind::kDate: return write_date(options_, value, out);
    case ColumnKind::kTime: return write_time(options_, type, value, out);
    case ColumnKind::kTimestamp: return write_timestamp(options_, type, value, out);
    case ColumnKind::kZonedTime: return write_zoned_time(value, out);
    case ColumnKind::kZonedTimestamp: return write_zoned_timestamp(type, value, out);
    case ColumnKind::kInterval: return write_interval(options_, value, out);
    case ColumnKind::kPoint: return write_point(value, bytes_, out);
    case ColumnKind::kGeometry:
    case ColumnKind::kGeography: return write_geometry(value, bytes_, out);
    case ColumnKind::kHstore: return write_hstore(value, out);
    case ColumnKind::kDoubleVector: return write_vector(value, false, out);
    case ColumnKind::kFloatVector: return write_vector(value, true, out);
    case ColumnKind::kSparseVector: return write_sparse_vector(value, out);
    case ColumnKind::kShape:
      if (!shape_text(value, bytes_)) return false;
      write_binary(bytes_, out);
      return true;
    case ColumnKind::kNatural: return write_natural(value, out);
  }
  return false;
}

bool ValueWriter::write_number(ColumnKind kind, const Value& value, TextBuffer& out) {
  if (kind == ColumnKind::kBoolean) {
    if (value.type() == Value::Type::kBool) out.append(value.as_bool() ? "true" : "false");
    return value.type() == Value::Type::kBool;
  }
  if (kind == ColumnKind::kFloat32 || kind == ColumnKind::kFloat64) {
    if (value.type() != Value::Type::kFloat64) return false;
    if (kind == ColumnKind::kFloat32) {
      append_float(static_cast<float>(value.as_float64()), out);
    } else {
      append_double(value.as_float64(), out);
    }
    return true;
  }
  if (value.type() != Value::Type::kInt64) return false;
  const std::int64_t number = value.as_int64();
  if (kind == ColumnKind::kInt16 && number != static_cast<std::int16_t>(number)) return false;
  if (kind == ColumnKind::kInt32 && number != static_cast<std::int32_t>(number)) return false;
  append_integer(number, out);
  return true;
}

// The value's text, or that of its JSON where a step made something else of it.
std::string_view ValueWriter::text_of(const Value& value) {
  if (value.is_text()) return value.as_text();
  json_.clear();
  write_json_value(value, json_);
  return json_.view();
}

void ValueWriter::write_text(std::string_view text, TextBuffer& out) { write_jackson_string(text, out); }

bool ValueWriter::write_natural(const Value& value, TextBuffer& out) {
  json_.clear();
  write_json_value(value, json_);
  if (options_.schemas) {
    write_jackson_string(json_.view(), out);
  } else {
    out.append(json_.view());
  }
  return true;
}

void ValueWriter::write_binary(std::string_view bytes, TextBuffer& out) {
  out.append('"');
  if (options_.binary == BinaryMode::kHex) {
    char* at = out.room(bytes.size() * 2);
    for (const char c : bytes) {
      *at++ = kHex[static_cast<unsigned char>(c) >> 4];
      *at++ = kHex[static_cast<unsigned char>(c) & 15];
    }
    out.end_at(at);
  } else {
    const std::size_t before = out.size();
    write_base64(bytes, out);
    if (options_.binary == BinaryMode::kBase64UrlSafe) {
      char* const end = out.room(0);
      for (char* at = end - (out.size() - before); at < end; ++at) *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    }
  }
  out.append('"');
}

bool ValueWriter::write_decimal(const ColumnType& type, const Value& value, TextBuffer& out) {
  if (value.type() == Value::Type::kInt64) {  // made by a step
    text_ = std::to_string(value.as_int64());
  } else {
    if (value.type() != Value::Type::kDecimal && value.type() != Value::Type::kString) return false;
    text_ = value.as_text();
  }
  if (options_.decimal == DecimalMode::kDouble) {
    double number = 0;
    if (is_special_decimal(text_)) {
      number = text_ == "NaN" ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
      if (text_[0] == '-') number = -number;
    } else if (!parse_double(text_, number)) {
      return false;
    }
    append_double(number, out);
    return true;
  }
  if (is_special_decimal(text_)) {
    const std::string_view name = text_ == "NaN" ? "\"NAN\"" : text_ == "Infinity" ? "\"POSITIVE_INFINITY\"" : "\"NEGATIVE_INFINITY\"";
    out.append(options_.decimal == DecimalMode::kString ? name : "null");
    return true;
  }
  const bool fixed = type.kind == ColumnKind::kDecimal;
  return decimal_.parse(text_) && write_plain_decimal(fixed ? std::optional(static_cast<std::size_t>(type.scale)) : std::nullopt, out);
}

// decimal_, in precise or string mode; without a scale it keeps its own.
bool ValueWriter::write_plain_decimal(std::optional<std::size_t> scale, TextBuffer& out) {
  if (scale && !decimal_.rescale(*scale)) return false;
  bytes_.clear();
  if (options_.decimal == DecimalMode::kString) {
    decimal_.append_text(bytes_);
    out.append('"');
    out.append(bytes_);
    out.append('"');
    return true;
  }
  if (!scale) {
    decimal_.strip_zeros();
    out.append("{\"scale\":");
    append_integer(static_cast<std::int64_t>(decimal_.scale), out);
    out.append(",\"value\":");
  }
  decimal_.append_bytes(bytes_);
  out.append('"');
  write_base64(bytes_, out);
  out.append(scale ? "\"" : "\"}");
  return true;
}

bool ValueWriter::write_money(const Value& value, TextBuffer& out) {
  if (!value.is_text()) return false;
  const std::string_view text = value.as_text();
  text_.clear();
  bool negative = false;
  for (const char c : text) {
    negative = negative || c == '-' || c == '(';
    if ((c >= '0' && c <= '9') || c == '.') text_ += c;
  }
  if (negative) text_.insert(text_.begin(), '-');
  if (options_.decimal == DecimalMode::kDouble) {
    double number = 0;
    if (!parse_double(text_, number)) return false;
    append_double(number, out);
    return true;
  }
  if (!decimal_.parse(text_)) return false;
  if (options_.decimal == DecimalMode::kPrecise) decimal_.round_to(static_cast<std::size_t>(options_.money_fraction_digits));
  return write_plain_decimal(decimal_.scale, out);
}

bool ValueWriter::write_bits(const ColumnType& type, const Value& value, TextBuffer& out) {
  if (!value.is_text()) return false;
  const std::string_view bits = value.as_text();
  if (type.length <= 1) {
    out.append(bits.find('1') != std::string_view::npos ? "true" : "false");
    return true;
  }
  bytes_.clear();  // little-endian, without the zeros that come last
  for (std::size_t end = bits.size(); end > 0; end -= std::min<std::size_t>(end, 8)) {
    unsigned byte = 0;
    for (std::size_t i = 0; i < 8 && i < end; ++i) byte |= (bits[end - 1 - i] == '1' ? 1U : 0U) << i;
    bytes_ += static_cast<char>(byte);
  }
  while (!bytes_.empty() && bytes_.back() == '\0') bytes_.pop_back();
  out.append('"');
  write_base64(bytes_, out);
  out.append('"');
  return true;
}

bool ValueWriter::write_hstore(const Value& value, TextBuffer& out) {
  if (!hstore_.read(value)) return false;
  const bool as_text = options_.hstore == HstoreMode::kJson;
  text_ = "{";
  if (!as_text) out.append('{');
  bool first = true;
  for (const HstoreMap::Entry& entry : hstore_.entries()) {
    if (as_text) {
      text_ += (first ? "\"" : ",\"") + jackson_text(entry.key) + "\":";
      text_ += entry.value ? '"' + jackson_text(*entry.value) + '"' : "null";
    } else {
      if (!first) out.append(',');
      write_jackson_string(entry.key, out);
      out.append(':');
      if (entry.value) {
        write_jackson_string(*entry.value, out);
      } else {
        out.append("null");
      }
    }
    first = false;
  }
  if (as_text) {
    write_jackson_string(text_ + '}', out);
  } else {
    out.append('}');
  }
  return true;
}

}  // namespace sluice::debezium
