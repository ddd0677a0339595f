#include "formats/debezium/connect_schema.h"

#include "formats/debezium/jackson_text.h"

namespace sluice::debezium {

namespace {

// What stands between "type" and "default".
struct Shape {
  std::string_view type;
  std::string_view inside = {};  // ,"fields":[...] or ,"keys":...
  std::string_view name = {};
  std::string_view doc = {};
  std::string parameters = {};
  bool always_optional = false;
};

constexpr std::string_view kVariableDecimalFields =
    R"(,"fields":[{"type":"int32","optional":false,"field":"scale"},{"type":"bytes","optional":false,"field":"value"}])";
constexpr std::string_view kPointFields =
    R"(,"fields":[{"type":"double","optional":false,"field":"x"},{"type":"double","optional":false,"field":"y"},)"
    R"({"type":"bytes","optional":true,"field":"wkb"},{"type":"int32","optional":true,"field":"srid"}])";
constexpr std::string_view kGeometryFields =
    R"(,"fields":[{"type":"bytes","optional":false,"field":"wkb"},{"type":"int32","optional":true,"field":"srid"}])";
constexpr std::string_view kTextMap = R"(,"keys":{"type":"string","optional":false},"values":{"type":"string","optional":true})";
constexpr std::string_view kSparseFields =
    R"(,"fields":[{"type":"int16","optional":false,"field":"dimensions"},)"
    R"({"type":"map","keys":{"type":"int16","optional":false},"values":{"type":"double","optional":false},"optional":false,"field":"vector"}])";

std::string quoted(std::string_view text) {
  TextBuffer out;
  write_jackson_string(text, out);
  return std::string(out.view());
}

Shape decimal_shape(const ColumnType& type, const Options& options) {
  if (options.decimal == DecimalMode::kDouble) return {"double"};
  if (options.decimal == DecimalMode::kString) return {"string"};
  if (type.kind == ColumnKind::kVariableDecimal)
    return {"struct", kVariableDecimalFields, "io.debezium.data.VariableScaleDecimal", "Variable scaled decimal"};
  const int scale = type.kind == ColumnKind::kMoney ? options.money_fraction_digits : type.scale;
  std::string parameters = R"({"scale":")" + std::to_string(scale) + '"';
  if (type.precision) parameters += R"(,"connect.decimal.precision":")" + std::to_string(*type.precision) + '"';
  return {"bytes", {}, "org.apache.kafka.connect.data.Decimal", {}, parameters + '}'};
}

Shape date_shape(const Options& options) {
  if (options.time == TimeMode::kConnect) return {"int32", {}, "org.apache.kafka.connect.data.Date"};
  if (options.time == TimeMode::kIsoString) return {"string", {}, "io.debezium.time.IsoDate"};
  return {"int32", {}, "io.debezium.time.Date"};
}

Shape time_shape(const ColumnType& type, const Options& options) {
  switch (options.time) {
    case TimeMode::kConnect: return {"int32", {}, "org.apache.kafka.connect.data.Time"};
    case TimeMode::kIsoString: return {"string", {}, "io.debezium.time.IsoTime"};
    case TimeMode::kNanoseconds: return {"int64", {}, "io.debezium.time.NanoTime"};
    case TimeMode::kAdaptive:
      if (type.precision.value_or(6) <= 3) return {"int32", {}, "io.debezium.time.Time"};
      break;
    default: break;
  }
  return {"int64", {}, "io.debezium.time.MicroTime"};
}

Shape timestamp_shape(const ColumnType& type, const Options& options) {
  switch (options.time) {
    case TimeMode::kConnect: return {"int64", {}, "org.apache.kafka.connect.data.Timestamp"};
    case TimeMode::kIsoString: return {"string", {}, "io.debezium.time.IsoTimestamp"};
    case TimeMode::kNanoseconds: return {"int64", {}, "io.debezium.time.NanoTimestamp"};
    case TimeMode::kMicroseconds: break;
    default:
      if (type.precision.value_or(6) <= 3) return {"int64", {}, "io.debezium.time.Timestamp"};
  }
  return {"int64", {}, "io.debezium.time.MicroTimestamp"};
}

Shape binary_shape(const Options& options) { return {options.binary == BinaryMode::kBytes ? "bytes" : "string"}; }

Shape bits_shape(const ColumnType& type) {
  if (type.length <= 1) return {"boolean"};
  return {"bytes", {}, "io.debezium.data.Bits", {}, R"({"length":")" + std::to_string(type.length) + "\"}"};
}

Shape enum_shape(const ColumnType& type) {
  std::string allowed;
  for (const std::string& label : type.labels) allowed += (allowed.empty() ? "" : ",") + label;
  return {"string", {}, "io.debezium.data.Enum", {}, R"({"allowed":)" + quoted(allowed) + '}'};
}

Shape vector_shape(const ColumnType& type) {
  if (type.kind == ColumnKind::kDoubleVector)
    return {"array", R"(,"items":{"type":"double","optional":false})", "io.debezium.data.DoubleVector"};
  if (type.kind == ColumnKind::kFloatVector)
    return {"array", R"(,"items":{"type":"float","optional":false})", "io.debezium.data.FloatVector"};
  return {"struct", kSparseFields, "io.debezium.data.SparseDoubleVector", "Sparse double vector"};
}

Shape shape_of(const ColumnType& type, const Options& options) {
  switch (type.kind) {
    case ColumnKind::kBoolean: return {"boolean"};
    case ColumnKind::kInt16: return {"int16"};
    case ColumnKind::kInt32: return {"int32"};
    case ColumnKind::kInt64: return {"int64"};
    case ColumnKind::kFloat32: return {"float"};
    case ColumnKind::kFloat64: return {"double"};
    case ColumnKind::kString: return {"string"};
    case ColumnKind::kXml: return {"string", {}, "io.debezium.data.Xml"};
    case ColumnKind::kNatural:
    case ColumnKind::kJson: return {"string", {}, "io.debezium.data.Json"};
    case ColumnKind::kUuid: return {"string", {}, "io.debezium.data.Uuid"};
    case ColumnKind::kLtree: return {"string", {}, "io.debezium.data.Ltree"};
    case ColumnKind::kTsvector: return {"string", {}, "io.debezium.data.Tsvector"};
    case ColumnKind::kEnum: return enum_shape(type);
    case ColumnKind::kShape:
    case ColumnKind::kUnknown:
    case ColumnKind::kBytes: return binary_shape(options);
    case ColumnKind::kBits: return bits_shape(type);
    case ColumnKind::kDate: return date_shape(options);
    case ColumnKind::kTime: return time_shape(type, options);
    case ColumnKind::kTimestamp: return timestamp_shape(type, options);
    case ColumnKind::kZonedTime: return {"string", {}, "io.debezium.time.ZonedTime"};
    case ColumnKind::kZonedTimestamp: return {"string", {}, "io.debezium.time.ZonedTimestamp"};
    case ColumnKind::kInterval:
      if (options.interval == IntervalMode::kString) return {"string", {}, "io.debezium.time.Interval"};
      return {"int64", {}, "io.debezium.time.MicroDuration"};
    case ColumnKind::kDecimal:
    case ColumnKind::kVariableDecimal:
    case ColumnKind::kMoney: return decimal_shape(type, options);
    case ColumnKind::kPoint: return {"struct", kPointFields, "io.debezium.data.geometry.Point", "Geometry (POINT)"};
    case ColumnKind::kGeometry: return {"struct", kGeometryFields, "io.debezium.data.geometry.Geometry", "Geometry", {}, true};
    case ColumnKind::kGeography: return {"struct", kGeometryFields, "io.debezium.data.geometry.Geography", "Geography"};
    case ColumnKind::kHstore:
      if (options.hstore == HstoreMode::kMap) return {"map", kTextMap};
      return {"string", {}, "io.debezium.data.Json"};
    case ColumnKind::kDoubleVector:
    case ColumnKind::kFloatVector:
    case ColumnKind::kSparseVector: return vector_shape(type);
  }
  return {"string"};
}

std::string write(const Shape& shape, bool optional, std::string_view default_json, std::string_view field) {
  std::string text = R"({"type":")" + std::string(shape.type) + '"' + std::string(shape.inside) +
                     (optional || shape.always_optional ? R"(,"optional":true)" : R"(,"optional":false)");
  if (!shape.name.empty()) text += R"(,"name":")" + std::string(shape.name) + R"(","version":1)";
  if (!shape.doc.empty()) text += R"(,"doc":")" + std::string(shape.doc) + '"';
  if (!shape.parameters.empty()) text += R"(,"parameters":)" + shape.parameters;
  if (!default_json.empty()) text += R"(,"default":)" + std::string(default_json);
  if (!field.empty()) text += R"(,"field":)" + quoted(field);
  return text + '}';
}

}  // namespace

std::string column_schema(const ColumnType& type, const Options& options, bool optional, std::string_view default_json,
                          std::string_view field) {
  const Shape shape = shape_of(type, options);
  if (!type.is_array) return write(shape, optional, default_json, field);
  // The elements of these Debezium leaves required.
  const bool required = type.kind == ColumnKind::kEnum || type.kind == ColumnKind::kUnknown || type.kind == ColumnKind::kShape;
  const std::string items = R"(,"items":)" + write(shape, !required, {}, {});
  return write({"array", items}, optional, default_json, field);
}

std::string_view connect_type(const ColumnType& type, const Options& options) {
  return type.is_array ? std::string_view("array") : shape_of(type, options).type;
}

std::string struct_schema(std::string_view fields, bool optional, std::string_view name, int version, std::string_view field) {
  std::string text = R"({"type":"struct","fields":[)" + std::string(fields) +
                     (optional ? R"(],"optional":true)" : R"(],"optional":false)") + R"(,"name":)" + quoted(name);
  if (version != 0) text += R"(,"version":)" + std::to_string(version);
  if (!field.empty()) text += R"(,"field":)" + quoted(field);
  return text + '}';
}

std::string_view source_schema() {
  return R"({"type":"struct","fields":[{"type":"string","optional":false,"field":"version"},)"
         R"({"type":"string","optional":false,"field":"connector"},{"type":"string","optional":false,"field":"name"},)"
         R"({"type":"int64","optional":false,"field":"ts_ms"},{"type":"string","optional":true,"name":"io.debezium.data.Enum","version":1,)"
         R"("parameters":{"allowed":"true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"},)"
         R"("default":"false","field":"snapshot"},{"type":"string","optional":false,"field":"db"},)"
         R"({"type":"string","optional":true,"field":"sequence"},{"type":"int64","optional":true,"field":"ts_us"},)"
         R"({"type":"int64","optional":true,"field":"ts_ns"},{"type":"string","optional":false,"field":"schema"},)"
         R"({"type":"string","optional":false,"field":"table"},{"type":"int64","optional":true,"field":"txId"},)"
         R"({"type":"int64","optional":true,"field":"lsn"},{"type":"int64","optional":true,"field":"xmin"},)"
         R"({"type":"string","optional":true,"field":"origin"},{"type":"int64","optional":true,"field":"origin_lsn"}],)"
         R"("optional":false,"name":"io.debezium.connector.postgresql.Source","version":1,"field":"source"})";
}

std::string_view transaction_block_schema() {
  return R"({"type":"struct","fields":[{"type":"string","optional":false,"field":"id"},{"type":"int64","optional":false,"field":"total_order"},)"
         R"({"type":"int64","optional":false,"field":"data_collection_order"}],"optional":true,"name":"event.block","version":1,)"
         R"("field":"transaction"})";
}

std::string_view message_key_schema() {
  return R"({"type":"struct","fields":[{"type":"string","optional":true,"field":"prefix"}],"optional":false,)"
         R"("name":"io.debezium.connector.postgresql.MessageKey","version":1})";
}

std::string message_value_schema(const Options& options) {
  return R"({"type":"struct","fields":[{"type":"string","optional":false,"field":"op"},{"type":"int64","optional":true,"field":"ts_ms"},)" +
         std::string(source_schema()) + ',' + std::string(transaction_block_schema()) +
         R"(,{"type":"struct","fields":[{"type":"string","optional":true,"field":"prefix"},{"type":")" +
         std::string(binary_shape(options).type) +
         R"(","optional":true,"field":"content"}],"optional":false,"name":"io.debezium.connector.postgresql.Message","version":1,)"
         R"("field":"message"}],"optional":false,"name":"io.debezium.connector.postgresql.MessageValue","version":1})";
}

std::string_view transaction_key_schema() {
  return R"({"type":"struct","fields":[{"type":"string","optional":false,"field":"id"}],"optional":false,)"
         R"("name":"io.debezium.connector.common.TransactionMetadataKey","version":1})";
}

std::string_view transaction_value_schema() {
  return R"({"type":"struct","fields":[{"type":"string","optional":false,"field":"status"},{"type":"string","optional":false,"field":"id"},)"
         R"({"type":"int64","optional":true,"field":"event_count"},{"type":"array","items":{"type":"struct","fields":[)"
         R"({"type":"string","optional":false,"field":"data_collection"},{"type":"int64","optional":false,"field":"event_count"}],)"
         R"("optional":true,"name":"event.collection","version":1},"optional":true,"field":"data_collections"},)"
         R"({"type":"int64","optional":false,"field":"ts_ms"}],"optional":false,)"
         R"("name":"io.debezium.connector.common.TransactionMetadataValue","version":1})";
}

}  // namespace sluice::debezium
