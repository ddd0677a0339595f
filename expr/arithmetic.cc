#include "expr/arithmetic.h"

#include <array>
#include <cstring>
#include <limits>

#include "core/civil_time.h"
#include "expr/compare.h"
#include "expr/decimal.h"

namespace sluice::expr {

namespace {

using Type = Value::Type;

constexpr std::int64_t kMicrosPerDay = 86'400'000'000;
constexpr std::int64_t kMinTimestamp = -62'135'596'800'000'000;  // 0001-01-01T00:00:00Z
constexpr std::int64_t kMaxTimestamp = 253'402'300'799'999'999;  // 9999-12-31T23:59:59.999999Z

std::string_view op_text(char op) {
  static constexpr std::string_view kOps = "+-*/%";
  const std::size_t at = kOps.find(op);
  return kOps.substr(at == std::string_view::npos ? 0 : at, 1);
}

bool overflow(Context& context, char op) { return context.fail("overflow", "the result is out of range:", op_text(op)); }
bool divide_by_zero(Context& context) { return context.fail("divide_by_zero", "divide by zero"); }

template <typename Integer>
bool integer_arithmetic(Context& context, char op, Integer a, Integer b, Integer& result) {
  bool over = false;
  switch (op) {
    case '+': over = __builtin_add_overflow(a, b, &result); break;
    case '-': over = __builtin_sub_overflow(a, b, &result); break;
    case '*': over = __builtin_mul_overflow(a, b, &result); break;
    default:
      if (b == 0) return divide_by_zero(context);
      if constexpr (std::numeric_limits<Integer>::is_signed) {
        if (a == std::numeric_limits<Integer>::min() && b == -1) return overflow(context, op);
      }
      result = static_cast<Integer>(op == '/' ? a / b : a % b);
      break;
  }
  return !over || overflow(context, op);
}

bool int_arithmetic(Context& context, char op, std::int64_t a, std::int64_t b, Value& out) {
  std::int64_t result = 0;
  if (!integer_arithmetic(context, op, a, b, result)) return false;
  out = Value::int64(result);
  return true;
}

bool uint_arithmetic(Context& context, char op, std::uint64_t a, std::uint64_t b, Value& out) {
  std::uint64_t result = 0;
  if (!integer_arithmetic(context, op, a, b, result)) return false;
  out = Value::uint64(result);
  return true;
}

bool double_arithmetic(Context& context, char op, double a, double b, Value& out) {
  switch (op) {
    case '+': out = Value::float64(a + b); return true;
    case '-': out = Value::float64(a - b); return true;
    case '*': out = Value::float64(a * b); return true;
    case '/': out = Value::float64(a / b); return true;
    default: {
      const std::array<Value, 2> arguments = {Value::float64(a), Value::float64(b)};
      return context.no_overload("%", arguments);
    }
  }
}

// int with uint under the pipeline's rules: exact, an int where it fits, else a uint.
bool mixed_integers(Context& context, char op, const Value& a, const Value& b, Value& out) {
  __extension__ using Wide = __int128;
  const auto widen = [](const Value& value) -> Wide {
    return value.type() == Type::kInt64 ? Wide{value.as_int64()} : Wide{value.as_uint64()};
  };
  const Wide left = widen(a);
  const Wide right = widen(b);
  if ((op == '/' || op == '%') && right == 0) return divide_by_zero(context);
  Wide result = 0;
  switch (op) {
    case '+': result = left + right; break;
    case '-': result = left - right; break;
    case '*': result = left * right; break;  // below 2^127
    case '/': result = left / right; break;
    default: result = left % right; break;
  }
  if (result >= std::numeric_limits<std::int64_t>::min() && result <= std::numeric_limits<std::int64_t>::max()) {
    out = Value::int64(static_cast<std::int64_t>(result));
  } else if (result > 0 && result <= Wide{std::numeric_limits<std::uint64_t>::max()}) {
    out = Value::uint64(static_cast<std::uint64_t>(result));
  } else {
    return overflow(context, op);
  }
  return true;
}

double to_double(const Value& number) {
  switch (number.type()) {
    case Type::kInt64: return static_cast<double>(number.as_int64());
    case Type::kUint64: return static_cast<double>(number.as_uint64());
    default: return number.as_float64();
  }
}

bool with_decimal(Context& context, char op, const Value& a, const Value& b, Value& out) {
  std::array<char, kDecimalBuffer> left{};
  std::array<char, kDecimalBuffer> right{};
  switch (decimal_arithmetic(op, *decimal_text(a, left), *decimal_text(b, right), *context.arena, out)) {
    case DecimalProblem::kNone: return true;
    case DecimalProblem::kDivideByZero: return divide_by_zero(context);
    case DecimalProblem::kTooLarge: break;
  }
  return overflow(context, op);
}

bool mixed_numbers(Context& context, char op, const Value& a, const Value& b, Value& out) {
  if (a.type() == Type::kDecimal || b.type() == Type::kDecimal) return with_decimal(context, op, a, b, out);
  if (a.type() == Type::kFloat64 || b.type() == Type::kFloat64) return double_arithmetic(context, op, to_double(a), to_double(b), out);
  return mixed_integers(context, op, a, b, out);
}

bool concatenate_text(Context& context, Type type, const Value& a, const Value& b, Value& out) {
  const std::string_view left = a.as_text();
  const std::string_view right = b.as_text();
  const std::size_t size = left.size() + right.size();
  if (!context.spend(size)) return false;
  std::array<char, Value::kInlineBytes> small{};
  char* memory = size <= small.size() ? small.data() : static_cast<char*>(context.arena->allocate(size, 1));
  if (!left.empty()) std::memcpy(memory, left.data(), left.size());
  if (!right.empty()) std::memcpy(memory + left.size(), right.data(), right.size());
  out = Value::text(type, {memory, size});
  return true;
}

bool concatenate_lists(Context& context, const Value& a, const Value& b, Value& out) {
  const auto left = a.as_list();
  const auto right = b.as_list();
  if (!context.spend((left.size() + right.size()) * sizeof(Value))) return false;
  const std::span<Value> items = context.arena->array<Value>(left.size() + right.size());
  std::copy(left.begin(), left.end(), items.begin());
  std::copy(right.begin(), right.end(), items.begin() + static_cast<std::ptrdiff_t>(left.size()));
  out = Value::list(items);
  return true;
}

bool is_infinite_time(const Value& value) { return value.as_int64() == Value::kInfinity || value.as_int64() == Value::kMinusInfinity; }

bool difference(Context& context, const Value& a, const Value& b, Value& out) {
  if (is_infinite_time(a) || is_infinite_time(b)) return overflow(context, '-');
  std::int64_t micros = 0;
  std::int64_t nanos = 0;
  if (__builtin_sub_overflow(a.as_int64(), b.as_int64(), &micros) || __builtin_mul_overflow(micros, std::int64_t{1000}, &nanos) ||
      __builtin_add_overflow(nanos, std::int64_t{a.extra()} - std::int64_t{b.extra()}, &nanos)) {
    return overflow(context, '-');
  }
  out = Value::duration(nanos);
  return true;
}

bool shifted(Context& context, char op, const Value& time, std::int64_t nanoseconds, Value& out) {
  if (op == '-') {
    if (nanoseconds == std::numeric_limits<std::int64_t>::min()) return overflow(context, op);
    nanoseconds = -nanoseconds;
  }
  const auto sum = add_nanoseconds(time, nanoseconds);
  if (!sum) return overflow(context, op);
  out = *sum;
  return true;
}

bool is_instant(Type type) { return type == Type::kTimestamp || type == Type::kLocalTimestamp; }

// Days between two dates as a duration; a date and a whole number of days.
bool date_arithmetic(Context& context, char op, const Value& a, const Value& b, Value& out) {
  std::int64_t nanos = 0;
  if (is_infinite_time(a)) return overflow(context, op);
  if (b.type() == Type::kDate) {
    if (is_infinite_time(b) || __builtin_mul_overflow(a.as_int64() - b.as_int64(), kMicrosPerDay * 1000, &nanos))
      return overflow(context, op);
    out = Value::duration(nanos);
    return true;
  }
  constexpr std::int64_t kNanosPerDay = kMicrosPerDay * 1000;
  if (b.as_int64() % kNanosPerDay != 0) return context.fail("no_matching_overload", "only whole days can be added to a date");
  const std::int64_t days = b.as_int64() / kNanosPerDay;
  out = Value::date(op == '+' ? a.as_int64() + days : a.as_int64() - days);
  return true;
}

bool time_arithmetic(Context& context, char op, const Value& a, const Value& b, Value& out) {
  if (op == '+' || op == '-') {
    if (a.type() == Type::kDuration && b.type() == Type::kDuration) {
      std::int64_t result = 0;
      if (!integer_arithmetic(context, op, a.as_int64(), b.as_int64(), result)) return false;
      out = Value::duration(result);
      return true;
    }
    if (is_instant(a.type()) && b.type() == Type::kDuration) return shifted(context, op, a, b.as_int64(), out);
    if (a.type() == Type::kDate && (b.type() == Type::kDuration || (op == '-' && b.type() == Type::kDate)))
      return date_arithmetic(context, op, a, b, out);
  }
  if (op == '+' && a.type() == Type::kDuration && is_instant(b.type())) return shifted(context, op, b, a.as_int64(), out);
  if (op == '-' && is_instant(a.type()) && a.type() == b.type()) return difference(context, a, b, out);
  const std::array<Value, 2> arguments = {a, b};
  return context.no_overload(op_text(op), arguments);
}

}  // namespace

bool arithmetic(Context& context, char op, const Value& a, const Value& b, Value& out) {
  if (a.type() == b.type()) {
    switch (a.type()) {
      case Type::kInt64: return int_arithmetic(context, op, a.as_int64(), b.as_int64(), out);
      case Type::kUint64: return uint_arithmetic(context, op, a.as_uint64(), b.as_uint64(), out);
      case Type::kFloat64: return double_arithmetic(context, op, a.as_float64(), b.as_float64(), out);
      case Type::kDecimal: return with_decimal(context, op, a, b, out);
      case Type::kBytes:
        if (op == '+') return concatenate_text(context, Type::kBytes, a, b, out);
        break;
      case Type::kList:
        if (op == '+') return concatenate_lists(context, a, b, out);
        break;
      default: break;
    }
  }
  if (op == '+' && is_string_like(a.type()) && is_string_like(b.type())) return concatenate_text(context, Type::kString, a, b, out);
  if (context.rules == Rules::kPipeline && is_number(a.type()) && is_number(b.type())) return mixed_numbers(context, op, a, b, out);
  return time_arithmetic(context, op, a, b, out);
}

bool negate(Context& context, const Value& a, Value& out) {
  switch (a.type()) {
    case Type::kInt64:
      if (a.as_int64() == std::numeric_limits<std::int64_t>::min()) return overflow(context, '-');
      out = Value::int64(-a.as_int64());
      return true;
    case Type::kFloat64: out = Value::float64(-a.as_float64()); return true;
    case Type::kDecimal: return with_decimal(context, '-', Value::int64(0), a, out);
    case Type::kDuration:
      if (a.as_int64() == std::numeric_limits<std::int64_t>::min()) return overflow(context, '-');
      out = Value::duration(-a.as_int64());
      return true;
    default: break;
  }
  return context.no_overload("-", {&a, 1});
}

bool is_timestamp_in_range(const Value& timestamp) {
  return timestamp.as_int64() >= kMinTimestamp && timestamp.as_int64() <= kMaxTimestamp;
}

std::optional<Value> add_nanoseconds(const Value& timestamp, std::int64_t nanoseconds) {
  if (!is_timestamp_in_range(timestamp)) return std::nullopt;
  std::int64_t micros = timestamp.as_int64() + nanoseconds / 1000;  // both far from the ends of 64 bits
  std::int64_t nanos = std::int64_t{timestamp.extra()} + nanoseconds % 1000;
  if (nanos < 0) {
    nanos += 1000;
    --micros;
  } else if (nanos >= 1000) {
    nanos -= 1000;
    ++micros;
  }
  const Value result = Value::timestamp(micros, static_cast<std::uint32_t>(nanos));
  if (!is_timestamp_in_range(result)) return std::nullopt;
  return timestamp.type() == Type::kLocalTimestamp ? Value::local_timestamp(micros) : result;
}

}  // namespace sluice::expr
