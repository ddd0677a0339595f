#include "formats/debezium/options.h"

#include <optional>

namespace sluice {

using debezium::BinaryMode;
using debezium::DecimalMode;
using debezium::HstoreMode;
using debezium::IntervalMode;
using debezium::Operation;
using debezium::TimeMode;
using std::pair;
using std::string_view;

template <>
struct EnumNames<DecimalMode> {
  static constexpr std::array kNames = {pair{string_view{"precise"}, DecimalMode::kPrecise},
                                        pair{string_view{"double"}, DecimalMode::kDouble},
                                        pair{string_view{"string"}, DecimalMode::kString}};
};
template <>
struct EnumNames<TimeMode> {
  static constexpr std::array kNames = {pair{string_view{"adaptive"}, TimeMode::kAdaptive},
                                        pair{string_view{"adaptive_time_microseconds"}, TimeMode::kAdaptiveTimeMicroseconds},
                                        pair{string_view{"connect"}, TimeMode::kConnect},
                                        pair{string_view{"isostring"}, TimeMode::kIsoString},
                                        pair{string_view{"microseconds"}, TimeMode::kMicroseconds},
                                        pair{string_view{"nanoseconds"}, TimeMode::kNanoseconds}};
};
template <>
struct EnumNames<BinaryMode> {
  static constexpr std::array kNames = {pair{string_view{"bytes"}, BinaryMode::kBytes}, pair{string_view{"base64"}, BinaryMode::kBase64},
                                        pair{string_view{"base64-url-safe"}, BinaryMode::kBase64UrlSafe},
                                        pair{string_view{"hex"}, BinaryMode::kHex}};
};
template <>
struct EnumNames<IntervalMode> {
  static constexpr std::array kNames = {pair{string_view{"numeric"}, IntervalMode::kNumeric},
                                        pair{string_view{"string"}, IntervalMode::kString}};
};
template <>
struct EnumNames<HstoreMode> {
  static constexpr std::array kNames = {pair{string_view{"json"}, HstoreMode::kJson}, pair{string_view{"map"}, HstoreMode::kMap}};
};
template <>
struct EnumNames<Operation> {
  static constexpr std::array kNames = {pair{string_view{"c"}, Operation::kCreate}, pair{string_view{"u"}, Operation::kUpdate},
                                        pair{string_view{"d"}, Operation::kDelete}, pair{string_view{"t"}, Operation::kTruncate},
                                        pair{string_view{"m"}, Operation::kMessage}};
};

namespace debezium {

namespace {

constexpr std::int16_t kMaxMoneyDigits = 18;

// As the user writes it: what is not given follows `lossless`.
struct OptionFields {
  bool lossless = false;
  bool schemas = false;
  bool transactions = false;
  std::string topic_prefix;
  std::optional<DecimalMode> decimal;
  std::optional<TimeMode> time;
  std::optional<BinaryMode> binary;
  std::optional<IntervalMode> interval;
  std::optional<HstoreMode> hstore;
  std::int16_t money_fraction_digits = 2;
  std::optional<bool> include_unknown;
  std::optional<bool> replace_null;
  std::optional<std::vector<Operation>> skipped;
  bool tombstones = true;
  std::string placeholder = Options{}.unavailable_value_placeholder;

  static const ConfigFields<OptionFields>& fields();
};

void conflict(const ConfigNode& node, std::string_view name, std::string_view hint, BindContext& context) {
  const ConfigNode* place = node.find(name);
  context.findings.error(place == nullptr ? node : *place, "conflict", "lossless: true, but this " + std::string(name) + " loses something",
                         std::string(hint));
}

void check_options(const OptionFields& f, const ConfigNode& node, BindContext& context) {
  if (f.money_fraction_digits < 0 || f.money_fraction_digits > kMaxMoneyDigits) {
    const ConfigNode* place = node.find("money_fraction_digits");
    context.findings.error(place == nullptr ? node : *place, "out_of_range", "money_fraction_digits must be between 0 and 18");
  }
  if (!f.lossless) return;
  if (f.decimal.value_or(DecimalMode::kString) != DecimalMode::kString)
    conflict(node, "decimal_handling_mode", "string keeps every digit, NaN and the infinities", context);
  const TimeMode time = f.time.value_or(TimeMode::kAdaptive);
  if (time == TimeMode::kConnect || time == TimeMode::kIsoString || time == TimeMode::kNanoseconds)
    conflict(node, "time_precision_mode", "adaptive, adaptive_time_microseconds and microseconds keep everything", context);
  if (f.interval.value_or(IntervalMode::kString) != IntervalMode::kString)
    conflict(node, "interval_handling_mode", "string keeps months apart from days", context);
  if (!f.include_unknown.value_or(true)) conflict(node, "include_unknown_datatypes", "true keeps the columns of every type", context);
  if (f.replace_null.value_or(false)) conflict(node, "replace_null_with_default", "false tells a null from the column's default", context);
}

const ConfigFields<OptionFields>& OptionFields::fields() {
  static const auto kFields =
      ConfigFields<OptionFields>{}
          .optional("lossless", &OptionFields::lossless, "Every handling mode is the one that loses nothing, unless it is given.")
          .optional("schemas", &OptionFields::schemas, "Keys and values carry their schema, as with schemas.enable.")
          .optional("transactions", &OptionFields::transactions, "Transaction block in each message and the topic <prefix>.transaction.")
          .optional("topic_prefix", &OptionFields::topic_prefix,
                    "source.name and the beginning of schema names; default: the source's name.")
          .optional("decimal_handling_mode", &OptionFields::decimal, "precise, double or string; default precise, lossless string.")
          .optional("time_precision_mode", &OptionFields::time, "How dates and times are written; default adaptive.")
          .optional("binary_handling_mode", &OptionFields::binary, "How bytea is written; default bytes.")
          .optional("interval_handling_mode", &OptionFields::interval, "numeric or string; default numeric, lossless string.")
          .optional("hstore_handling_mode", &OptionFields::hstore, "json or map; default json.")
          .optional("money_fraction_digits", &OptionFields::money_fraction_digits, "Digits behind the point of money.")
          .optional("include_unknown_datatypes", &OptionFields::include_unknown,
                    "Columns of types that Debezium does not map, as bytes of their text; default false, lossless true.")
          .optional("replace_null_with_default", &OptionFields::replace_null,
                    "A null in a column with a default is written as that default; default true, lossless false.")
          .optional("skipped_operations", &OptionFields::skipped, "Changes that make no message: c, u, d, t, m; default [t], lossless [].")
          .optional("tombstones_on_delete", &OptionFields::tombstones, "A message without a value follows each delete.")
          .optional("unavailable_value_placeholder", &OptionFields::placeholder, "Stands for a value that the log left out.")
          .check(check_options);
  return kFields;
}

Options resolve(OptionFields f) {
  Options options;
  options.schemas = f.schemas;
  options.transactions = f.transactions;
  options.topic_prefix = std::move(f.topic_prefix);
  options.decimal = f.decimal.value_or(f.lossless ? DecimalMode::kString : DecimalMode::kPrecise);
  options.time = f.time.value_or(TimeMode::kAdaptive);
  options.binary = f.binary.value_or(BinaryMode::kBytes);
  options.interval = f.interval.value_or(f.lossless ? IntervalMode::kString : IntervalMode::kNumeric);
  options.hstore = f.hstore.value_or(HstoreMode::kJson);
  options.money_fraction_digits = f.money_fraction_digits;
  options.include_unknown_datatypes = f.include_unknown.value_or(f.lossless);
  options.replace_null_with_default = f.replace_null.value_or(!f.lossless);
  options.tombstones_on_delete = f.tombstones;
  options.unavailable_value_placeholder = std::move(f.placeholder);
  if (f.skipped) {
    options.skipped_operations = *std::move(f.skipped);
  } else if (f.lossless) {
    options.skipped_operations.clear();
  }
  return options;
}

}  // namespace

bool bind_options(const ConfigNode& node, Options& out, BindContext& context) {
  OptionFields fields;
  if (!OptionFields::fields().bind(node, nullptr, fields, context)) return false;
  out = resolve(std::move(fields));
  return true;
}

std::vector<FieldDoc> option_docs() { return OptionFields::fields().docs(); }

std::string show_options(const Options& options) {
  const auto as_fields = [](const Options& o) {
    return OptionFields{false,
                        o.schemas,
                        o.transactions,
                        o.topic_prefix,
                        o.decimal,
                        o.time,
                        o.binary,
                        o.interval,
                        o.hstore,
                        o.money_fraction_digits,
                        o.include_unknown_datatypes,
                        o.replace_null_with_default,
                        o.skipped_operations,
                        o.tombstones_on_delete,
                        o.unavailable_value_placeholder};
  };
  const auto shown = OptionFields::fields().show(as_fields(options));
  const auto defaults = OptionFields::fields().show(as_fields(Options{}));
  std::string text;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (shown[i].second != defaults[i].second) text += (text.empty() ? "" : ", ") + shown[i].first + ": " + shown[i].second;
  }
  return text.empty() ? "" : "{" + text + "}";
}

}  // namespace debezium

}  // namespace sluice
