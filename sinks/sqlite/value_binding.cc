#include "sinks/sqlite/value_binding.h"

#include <cmath>

#include "core/civil_time.h"
#include "formats/json_writer.h"

namespace sluice::sinks {

using Type = Value::Type;

std::string_view declared_sqlite_type(std::optional<Type> type) {
  if (!type) return {};
  switch (*type) {
    case Type::kNull:
    case Type::kUnchanged: return {};
    case Type::kBool:
    case Type::kInt64: return "INTEGER";
    case Type::kFloat64: return "REAL";
    case Type::kBytes: return "BLOB";
    default: return "TEXT";
  }
}

std::string& ValueBinder::scratch() {
  if (used_ == texts_.size()) texts_.emplace_back();
  std::string& text = texts_[used_++];
  text.clear();
  return text;
}

void ValueBinder::bind(const Value& value) {
  const int parameter = ++parameter_;
  switch (value.type()) {
    case Type::kNull:
    case Type::kUnchanged: return statement_->bind_null(parameter);
    case Type::kBool: return statement_->bind_int64(parameter, value.as_bool() ? 1 : 0);
    case Type::kInt64: return statement_->bind_int64(parameter, value.as_int64());
    case Type::kFloat64:
      if (std::isnan(value.as_float64())) return statement_->bind_text(parameter, "NaN");
      return statement_->bind_double(parameter, value.as_float64());
    case Type::kBytes: return statement_->bind_blob(parameter, value.as_text());
    case Type::kDecimal:
    case Type::kString:
    case Type::kBits:
    case Type::kUuid:
    case Type::kJson: return statement_->bind_text(parameter, value.as_text());
    case Type::kUint64: {
      std::string& text = scratch();
      text = std::to_string(value.as_uint64());
      return statement_->bind_text(parameter, text);
    }
    case Type::kList:
    case Type::kStruct:
    case Type::kMap: {
      std::string& text = scratch();
      append_json_value(value, text);
      return statement_->bind_text(parameter, text);
    }
    default: break;  // the date and time types
  }
  std::string& text = scratch();
  text.resize(kTimeTextBytes);
  text.resize(static_cast<std::size_t>(write_time_value(text.data(), value) - text.data()));
  statement_->bind_text(parameter, text);
}

}  // namespace sluice::sinks
