#include "formats/codec.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "core/config_fields.h"
#include "formats/csv_writer.h"
#include "formats/debezium/debezium_encoder.h"
#include "formats/json_writer.h"

namespace sluice {

namespace {

constexpr std::size_t kHeaderBytes = 64 * 1024;  // of a file's beginning: longer than any header

// CsvOptions as YAML spells them.
struct CsvFields {
  std::string delimiter = ",";
  bool header = true;
  std::string null_text;
  std::vector<std::string> columns;

  static const ConfigFields<CsvFields>& fields();
};

void check_csv(const CsvFields& csv, const ConfigNode& node, BindContext& context) {
  const std::string& delimiter = csv.delimiter;
  const bool usable = delimiter.size() == 1 && delimiter != "\"" && delimiter != "\n" && delimiter != "\r" &&
                      static_cast<unsigned char>(delimiter[0]) < 0x80;
  const ConfigNode* place = node.find("delimiter");
  if (!usable)
    context.findings.error(place == nullptr ? node : *place, "bad_value",
                           "the delimiter must be one ASCII character, not a quote or a line break", "a tab is written \"\\t\"");
  if (csv.null_text.find_first_of("\"\r\n" + delimiter) != std::string::npos) {
    place = node.find("null_text");
    context.findings.error(place == nullptr ? node : *place, "bad_value",
                           "null_text must not contain quotes, line breaks or the delimiter");
  }
}

const ConfigFields<CsvFields>& CsvFields::fields() {
  static const auto kFields =
      ConfigFields<CsvFields>{}
          .optional("delimiter", &CsvFields::delimiter, "One character between fields.")
          .optional("header", &CsvFields::header, "The first line names the columns.")
          .optional("null_text", &CsvFields::null_text, "Text that means null when it stands without quotes.")
          .optional("columns", &CsvFields::columns,
                    "Writing: the columns and their order; _op, _id and _unchanged may be among them. Reading without a header: the names.")
          .check(check_csv);
  return kFields;
}

const ConfigFields<JsonOptions>& json_fields() {
  static const auto kFields = ConfigFields<JsonOptions>{}.optional("meta", &JsonOptions::meta, "Writes \"_meta\" behind the row's fields.");
  return kFields;
}

bool bind_csv(const ConfigNode& node, CsvOptions& out, BindContext& context) {
  CsvFields csv;
  if (!CsvFields::fields().bind(node, nullptr, csv, context)) return false;
  out = {csv.delimiter[0], csv.header, std::move(csv.null_text), std::move(csv.columns)};
  return true;
}

// The format's name node and, where options are given, their node.
struct Named {
  const ConfigNode* name = nullptr;
  const ConfigNode* options = nullptr;
};

std::optional<Named> name_of(const ConfigNode& node, BindContext& context) {
  if (node.is_scalar()) return Named{&node, nullptr};
  if (node.is_mapping() && node.entries.size() == 1) return Named{&node.entries[0].first, &node.entries[0].second};
  wrong_type(node, "a format such as json or {csv: {delimiter: \";\"}}", context);
  return std::nullopt;
}

// The format among `names`; nullopt after a finding.
std::optional<std::size_t> bind_name(const ConfigNode& name, const std::vector<std::string_view>& names, BindContext& context) {
  std::size_t index = 0;
  if (!bind_enum(name, names, index, context)) return std::nullopt;
  return index;
}

bool no_options(const ConfigNode& node, BindContext& context) {
  struct Nothing {};
  Nothing nothing;
  return ConfigFields<Nothing>{}.bind(node, nullptr, nothing, context);
}

constexpr std::array kOutputFormats = {Format::kJson, Format::kCsv, Format::kDebezium, Format::kMaxwell, Format::kCloudEvents};
const std::vector<std::string_view> kOutputNames = {"json", "csv", "debezium_json", "maxwell", "cloudevents"};
const std::vector<std::string_view> kInputNames = {"json", "csv", "lines"};

bool bind_options_of(CodecConfig& config, const ConfigNode& node, BindContext& context) {
  switch (config.format) {
    case Format::kCsv: return bind_csv(node, config.csv, context);
    case Format::kDebezium: return debezium::bind_options(node, config.debezium, context);
    case Format::kMaxwell: return MaxwellOptions::fields().bind(node, nullptr, config.maxwell, context);
    case Format::kCloudEvents: return CloudEventsOptions::fields().bind(node, nullptr, config.cloudevents, context);
    default: return json_fields().bind(node, nullptr, config.json, context);
  }
}

// A format's name, or its name with options.
ValueShape format_shape(const std::vector<std::string_view>& names, std::vector<FieldDoc> with_options) {
  return shapes::any_of(shapes::one_of({names.begin(), names.end()}), shapes::choice_of(std::move(with_options)));
}

FieldDoc options_of(std::string name, std::string doc, std::vector<FieldDoc> fields) {
  return shapes::field(std::move(name), "mapping", std::move(doc), shapes::mapping_of(std::move(fields)));
}

std::string show_debezium(const debezium::Options& options) {
  const std::string shown = debezium::show_options(options);
  return shown.empty() ? "debezium_json" : "{debezium_json: " + shown + "}";
}

std::string show_csv(const CsvOptions& csv) {
  const CsvFields fields{std::string(1, csv.delimiter), csv.header, csv.null_text, csv.columns};
  return "{csv: " + ConfigType<CsvFields>::show(fields) + "}";
}

class JsonEncoder final : public Encoder {
 public:
  explicit JsonEncoder(JsonMeta meta) : writer_(meta) {}
  Status encode(const Batch& batch, const Record& record, std::string& out) override { return writer_.append(batch, record, out); }

 private:
  JsonWriter writer_;
};

class CsvEncoder final : public Encoder {
 public:
  explicit CsvEncoder(const CsvOptions& options) : writer_(options), resume_bytes_(options.header ? kHeaderBytes : 0) {}
  Status encode(const Batch& batch, const Record& record, std::string& out) override { return writer_.append(batch, record, out); }
  void header(const Schema& first, std::string& out) override { writer_.header(first, out); }
  Status resume(std::string_view start) override { return writer_.resume(start); }
  std::size_t resume_bytes() const override { return resume_bytes_; }
  std::string_view extension() const override { return "csv"; }
  std::string_view content_type() const override { return "text/csv"; }

 private:
  CsvWriter writer_;
  std::size_t resume_bytes_;
};

}  // namespace

bool ConfigType<CodecConfig>::bind(const ConfigNode& node, CodecConfig& out, BindContext& context) {
  const auto named = name_of(node, context);
  if (!named) return false;
  const auto index = bind_name(*named->name, kOutputNames, context);
  if (!index) return false;
  CodecConfig config;
  config.format = kOutputFormats[*index];
  if (named->options != nullptr && !bind_options_of(config, *named->options, context)) return false;
  out = std::move(config);
  return true;
}

ValueShape ConfigType<CodecConfig>::shape() {
  return format_shape(kOutputNames, {options_of("json", "Lines of JSON.", json_fields().docs()),
                                     options_of("csv", "Comma-separated values.", CsvFields::fields().docs()),
                                     options_of("debezium_json", "Debezium's change events.", debezium::option_docs()),
                                     options_of("maxwell", "Maxwell's change events.", MaxwellOptions::fields().docs()),
                                     options_of("cloudevents", "CloudEvents.", CloudEventsOptions::fields().docs())});
}

std::string ConfigType<CodecConfig>::show(const CodecConfig& value) {
  switch (value.format) {
    case Format::kDebezium: return show_debezium(value.debezium);
    case Format::kCsv: return value.csv == CsvOptions{} ? "csv" : show_csv(value.csv);
    case Format::kMaxwell:
      return value.maxwell == MaxwellOptions{} ? "maxwell" : "{maxwell: " + ConfigType<MaxwellOptions>::show(value.maxwell) + "}";
    case Format::kCloudEvents:
      if (value.cloudevents == CloudEventsOptions{}) return "cloudevents";
      return "{cloudevents: " + ConfigType<CloudEventsOptions>::show(value.cloudevents) + "}";
    default: return value.json.meta ? "json" : "{json: {meta: false}}";
  }
}

bool ConfigType<InputCodecConfig>::bind(const ConfigNode& node, InputCodecConfig& out, BindContext& context) {
  static constexpr std::array kFormats = {Format::kJson, Format::kCsv, Format::kLines};
  const auto named = name_of(node, context);
  if (!named) return false;
  const auto index = bind_name(*named->name, kInputNames, context);
  if (!index) return false;
  InputCodecConfig config;
  config.format = kFormats[*index];
  if (named->options != nullptr) {
    const bool good = config.format == Format::kCsv ? bind_csv(*named->options, config.csv, context) : no_options(*named->options, context);
    if (!good) return false;
  }
  out = std::move(config);
  return true;
}

ValueShape ConfigType<InputCodecConfig>::shape() {
  return format_shape(kInputNames,
                      {options_of("json", "Lines of JSON.", {}), options_of("csv", "Comma-separated values.", CsvFields::fields().docs()),
                       options_of("lines", "One field, `line`.", {})});
}

std::string ConfigType<InputCodecConfig>::show(const InputCodecConfig& value) {
  if (value.format == Format::kLines) return "lines";
  if (value.format == Format::kJson) return "json";
  return value.csv == CsvOptions{} ? "csv" : show_csv(value.csv);
}

std::unique_ptr<Encoder> make_encoder(const CodecConfig& config) {
  switch (config.format) {
    case Format::kCsv: return std::make_unique<CsvEncoder>(config.csv);
    case Format::kDebezium: return debezium::make_debezium_lines(config.debezium);
    case Format::kMaxwell: return make_maxwell_lines(config.maxwell);
    case Format::kCloudEvents: return make_cloudevents_lines(config.cloudevents);
    default: break;
  }
  return std::make_unique<JsonEncoder>(config.json.meta ? JsonMeta::kInclude : JsonMeta::kOmit);
}

}  // namespace sluice
