#include "formats/debezium/time_writer.h"

#include "formats/debezium/java_time.h"
#include "formats/debezium/payload_text.h"

namespace sluice::debezium {

namespace {

constexpr std::int64_t kMicrosPerDay = 86'400'000'000;

// Text of ASCII without anything to escape, made by `write` from a buffer's place on.
template <typename Write>
void append_quoted(TextBuffer& out, const Write& write) {
  char* at = out.room(kJavaTimeBytes + 4);
  *at++ = '"';
  at = write(at);
  *at++ = '"';
  out.end_at(at);
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

std::int64_t times_thousand(std::int64_t micros) {  // wraps, as Java's does
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(micros) * 1000U);
}

}  // namespace

bool write_date(const Options& options, const Value& value, TextBuffer& out) {
  if (value.type() != Value::Type::kDate) return false;
  const std::int64_t days = finite_days(value.as_int64());
  if (options.time != TimeMode::kIsoString) {
    append_integer(days, out);
  } else {
    append_quoted(out, [days](char* at) {
      at = write_iso_date(at, days);
      *at++ = 'Z';
      return at;
    });
  }
  return true;
}

bool write_time(const Options& options, const ColumnType& type, const Value& value, TextBuffer& out) {
  if (value.type() != Value::Type::kTime) return false;
  const std::int64_t micros = value.as_int64();
  switch (options.time) {
    case TimeMode::kConnect: append_integer(micros / 1000, out); return true;
    case TimeMode::kNanoseconds: append_integer(micros * 1000, out); return true;
    case TimeMode::kIsoString:
      append_quoted(out, [micros](char* at) {
        at = write_iso_time(at, micros);
        *at++ = 'Z';
        return at;
      });
      return true;
    case TimeMode::kAdaptive: append_integer(type.precision.value_or(6) <= 3 ? micros / 1000 : micros, out); return true;
    default: append_integer(micros, out); return true;
  }
}

bool write_timestamp(const Options& options, const ColumnType& type, const Value& value, TextBuffer& out) {
  if (value.type() != Value::Type::kLocalTimestamp) return false;
  const std::int64_t micros = finite_micros(value.as_int64());
  switch (options.time) {
    case TimeMode::kConnect: append_integer(floor_divide(micros, 1000), out); return true;
    case TimeMode::kNanoseconds: append_integer(times_thousand(micros), out); return true;
    case TimeMode::kMicroseconds: append_integer(micros, out); return true;
    case TimeMode::kIsoString:
      append_quoted(out, [micros](char* at) {
        at = write_iso_timestamp(at, micros);
        *at++ = 'Z';
        return at;
      });
      return true;
    default: append_integer(type.precision.value_or(6) <= 3 ? floor_divide(micros, 1000) : micros, out); return true;
  }
}

bool write_zoned_time(const Value& value, TextBuffer& out) {
  if (value.type() != Value::Type::kTimeTz) return false;
  std::int64_t micros = (value.as_int64() - std::int64_t{value.seconds_east()} * 1'000'000) % kMicrosPerDay;
  if (micros < 0) micros += kMicrosPerDay;
  append_quoted(out, [micros](char* at) {
    at = write_iso_time(at, micros);
    *at++ = 'Z';
    return at;
  });
  return true;
}

bool write_zoned_timestamp(const ColumnType& type, const Value& value, TextBuffer& out) {
  if (value.type() != Value::Type::kTimestamp) return false;
  const std::int64_t micros = value.as_int64();
  if (micros == Value::kInfinity || micros == Value::kMinusInfinity) {
    out.append(micros == Value::kInfinity ? "\"infinity\"" : "\"-infinity\"");
    return true;
  }
  append_quoted(out, [&](char* at) {
    at = write_iso_timestamp(at, micros, type.precision.value_or(6));
    *at++ = 'Z';
    return at;
  });
  return true;
}

bool write_interval(const Options& options, const Value& value, TextBuffer& out) {
  if (value.type() != Value::Type::kInterval) return false;
  const Interval interval = value.as_interval();
  if (options.interval == IntervalMode::kNumeric) {
    append_integer(approximate_micros(interval), out);
  } else {
    append_quoted(out, [&](char* at) { return write_iso_interval(at, interval); });
  }
  return true;
}

}  // namespace sluice::debezium
