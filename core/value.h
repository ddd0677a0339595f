#pragma once
// One field of a record: 16 bytes, tagged, trivially copyable.
//
//   byte   0        1            2 ............ 15
//         type   inline size     inline text                      text types, size <= 14
//         type   0xff        | 4..7 size  | 8..15 pointer         longer text, list, map, struct, interval
//         type   0           | 4..7 extra | 8..15 number          numbers and times
//
// A Value owns nothing: what it points to lives in the Arena of its Batch (or is static).  Any thread may read it.

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>

#include "core/arena.h"

namespace sluice {

class Schema;
class Value;
struct MapEntry;

// PostgreSQL's interval: three parts that do not convert into each other.
struct Interval {
  std::int32_t months = 0;
  std::int32_t days = 0;
  std::int64_t microseconds = 0;
  bool operator==(const Interval&) const = default;
};

class alignas(8) Value {
 public:
  enum class Type : std::uint8_t {
    kNull,
    kBool,
    kInt64,
    kUint64,
    kFloat64,
    kDecimal,  // canonical text with its scale ("12.30"), or NaN, Infinity, -Infinity
    kString,   // UTF-8
    kBytes,
    kDate,            // days since 1970-01-01, proleptic Gregorian; kInfinity and kMinusInfinity are PostgreSQL's
    kTime,            // microseconds since midnight, 24:00:00 included
    kTimeTz,          // microseconds since midnight; extra() = seconds east of UTC
    kTimestamp,       // microseconds since 1970-01-01T00:00:00Z; extra() = nanoseconds within (0..999); infinities as for kDate
    kLocalTimestamp,  // the same without a time zone
    kDuration,        // nanoseconds
    kInterval,
    kBits,  // text of 0 and 1
    kUuid,  // canonical text, lower case
    kJson,  // JSON text, as the database holds it
    kList,
    kStruct,
    kMap,        // entries in the order they were written
    kUnchanged,  // the log left this column out; never the same as kNull (G16)
  };

  static constexpr std::int64_t kInfinity = std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t kMinusInfinity = std::numeric_limits<std::int64_t>::min();
  static constexpr std::size_t kInlineBytes = 14;

  Value() = default;  // null

  static Value null() { return {}; }
  static Value unchanged() { return Value(Type::kUnchanged, 0, 0); }
  static Value boolean(bool value) { return Value(Type::kBool, 0, value ? 1U : 0U); }
  static Value int64(std::int64_t value) { return Value(Type::kInt64, 0, std::bit_cast<std::uint64_t>(value)); }
  static Value uint64(std::uint64_t value) { return Value(Type::kUint64, 0, value); }
  static Value float64(double value) { return Value(Type::kFloat64, 0, std::bit_cast<std::uint64_t>(value)); }
  static Value date(std::int64_t days) { return number(Type::kDate, days); }
  static Value time(std::int64_t microseconds) { return number(Type::kTime, microseconds); }
  static Value time_tz(std::int64_t microseconds, std::int32_t seconds_east) {
    return Value(Type::kTimeTz, std::bit_cast<std::uint32_t>(seconds_east), std::bit_cast<std::uint64_t>(microseconds));
  }
  static Value timestamp(std::int64_t microseconds, std::uint32_t nanoseconds = 0) {
    return Value(Type::kTimestamp, nanoseconds, std::bit_cast<std::uint64_t>(microseconds));
  }
  static Value local_timestamp(std::int64_t microseconds) { return number(Type::kLocalTimestamp, microseconds); }
  static Value duration(std::int64_t nanoseconds) { return number(Type::kDuration, nanoseconds); }

  // Text types: short text is copied into the Value, longer text is borrowed: it must live in the batch's arena or be static.
  static Value string(std::string_view borrowed) { return text(Type::kString, borrowed); }
  static Value bytes(std::string_view borrowed) { return text(Type::kBytes, borrowed); }
  static Value decimal(std::string_view borrowed) { return text(Type::kDecimal, borrowed); }
  static Value text(Type type, std::string_view borrowed);
  // The same with longer text copied into `arena`.
  static Value text_in(Arena& arena, Type type, std::string_view text);
  static Value string_in(Arena& arena, std::string_view text) { return text_in(arena, Type::kString, text); }

  static Value interval_in(Arena& arena, const Interval& interval);
  static Value list(std::span<const Value> borrowed);
  static Value map(std::span<const MapEntry> borrowed);
  // `fields` has as many values as `schema` has fields; both are borrowed.
  static Value structure_in(Arena& arena, const Schema* schema, std::span<const Value> fields);

  Type type() const { return type_; }
  bool is_null() const { return type_ == Type::kNull; }
  bool is_unchanged() const { return type_ == Type::kUnchanged; }
  bool is_text() const {
    return type_ == Type::kDecimal || type_ == Type::kString || type_ == Type::kBytes || (type_ >= Type::kBits && type_ <= Type::kJson);
  }

  // Each accessor asks for a Value of its type; nothing is converted.
  bool as_bool() const { return word() != 0; }
  std::int64_t as_int64() const { return std::bit_cast<std::int64_t>(word()); }  // also every time type but kInterval
  std::uint64_t as_uint64() const { return word(); }
  double as_float64() const { return std::bit_cast<double>(word()); }
  std::uint32_t extra() const { return load<std::uint32_t>(4); }
  std::int32_t seconds_east() const { return std::bit_cast<std::int32_t>(extra()); }

  // Every text type.  A view of short text points into this Value, so it is for lvalues only.
  std::string_view as_text() const& {
    if (inline_size_ != kPointer) return {bytes_.data(), inline_size_};
    return {pointer<char>(), extra()};
  }
  std::string_view as_text() const&& = delete;

  Interval as_interval() const { return *pointer<Interval>(); }
  std::span<const Value> as_list() const { return {pointer<Value>(), extra()}; }
  std::span<const MapEntry> as_map() const;
  const Schema& as_struct_schema() const;
  std::span<const Value> as_struct() const;

 private:
  static constexpr std::uint8_t kPointer = 0xff;

  Value(Type type, std::uint32_t extra, std::uint64_t word) : type_(type) {
    store(4, extra);
    store(8, word);
  }
  static Value number(Type type, std::int64_t value) { return Value(type, 0, std::bit_cast<std::uint64_t>(value)); }
  static Value pointing(Type type, const void* target, std::size_t size);

  std::uint64_t word() const { return load<std::uint64_t>(8); }
  template <typename T>
  const T* pointer() const {
    return static_cast<const T*>(load<const void*>(8));
  }
  // bytes_ begins at byte 2 of the object.
  template <typename T>
  T load(std::size_t offset) const {
    T result;
    std::memcpy(&result, bytes_.data() + offset - 2, sizeof(T));
    return result;
  }
  template <typename T>
  void store(std::size_t offset, T value) {
    std::memcpy(bytes_.data() + offset - 2, &value, sizeof(T));
  }

  Type type_ = Type::kNull;
  std::uint8_t inline_size_ = 0;
  std::array<char, kInlineBytes> bytes_{};
};
static_assert(sizeof(Value) == 16 && alignof(Value) == 8);

struct MapEntry {
  Value key;  // kString where it came from JSON; bool, int64, uint64 or string in general
  Value value;
};

inline std::span<const MapEntry> Value::as_map() const { return {pointer<MapEntry>(), extra()}; }

// Same type and same content, deeply.  Not the equality of expressions: 1 and 1.0 differ here, NaN equals itself.
bool identical(const Value& a, const Value& b);

// A copy whose long text, lists and maps live in `arena`.
Value deep_copy(const Value& value, Arena& arena);

// "int64", "string", "timestamp", ...: for messages and docs.
std::string_view type_name(Value::Type type);

inline Value Value::text(Type type, std::string_view borrowed) {
  if (borrowed.size() > kInlineBytes) return pointing(type, borrowed.data(), borrowed.size());
  Value result;
  result.type_ = type;
  result.inline_size_ = static_cast<std::uint8_t>(borrowed.size());
  if (!borrowed.empty()) std::memcpy(result.bytes_.data(), borrowed.data(), borrowed.size());
  return result;
}

inline Value Value::pointing(Type type, const void* target, std::size_t size) {
  Value result;
  result.type_ = type;
  result.inline_size_ = kPointer;
  result.store(4, static_cast<std::uint32_t>(size));  // callers bound their input far below 4 GiB
  result.store(8, target);
  return result;
}

inline Value Value::text_in(Arena& arena, Type type, std::string_view text) {
  return Value::text(type, text.size() > kInlineBytes ? arena.copy(text) : text);
}

}  // namespace sluice
