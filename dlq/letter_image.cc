#include "dlq/letter_image.h"

#include <bit>
#include <cstring>

namespace sluice::dlq {

namespace {

constexpr std::uint8_t kImageVersion = 1;
// Lists and maps within each other; deeper values come from no reader (JsonReader::kMaxDepth is 1024).
constexpr unsigned kMaxDepth = 2048;

Error damaged() { return {ErrorKind::kFatal, "damaged_letter", "the stored record of a dead letter is damaged"}; }

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void byte(std::uint8_t value) { out_ += static_cast<char>(value); }
  void number(std::uint64_t value) {
    while (value >= 0x80) {
      byte(static_cast<std::uint8_t>(value | 0x80U));
      value >>= 7U;
    }
    byte(static_cast<std::uint8_t>(value));
  }
  void signed_number(std::int64_t value) { number((static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63)); }
  void text(std::string_view value) {
    number(value.size());
    out_ += value;
  }
  void row(std::span<const Value> values) {
    number(values.size());
    for (const Value& value : values) this->value(value);
  }
  void schema(const Schema* schema);
  void value(const Value& value);

 private:
  std::string& out_;
};

void Writer::schema(const Schema* schema) {
  byte(schema != nullptr ? 1 : 0);
  if (schema == nullptr) return;
  const SchemaSpec& spec = schema->spec();
  for (const std::string* name : {&spec.database, &spec.schema, &spec.table}) text(*name);
  number(spec.fields.size());
  for (const Field& field : spec.fields) {
    text(field.name);
    byte(field.type ? static_cast<std::uint8_t>(*field.type) + 1 : 0);
    byte(field.nullable ? 1 : 0);
    for (const std::string* part : {&field.origin_type, &field.base_type, &field.default_expression}) text(*part);
    number(field.labels.size());
    for (const std::string& label : field.labels) text(label);
  }
  number(spec.key.size());
  for (const std::uint32_t slot : spec.key) number(slot);
}

void Writer::value(const Value& value) {
  byte(static_cast<std::uint8_t>(value.type()));
  if (value.is_text()) return text(value.as_text());
  switch (value.type()) {
    case Value::Type::kNull:
    case Value::Type::kUnchanged: return;
    case Value::Type::kInterval: {
      const Interval interval = value.as_interval();
      signed_number(interval.months);
      signed_number(interval.days);
      return signed_number(interval.microseconds);
    }
    case Value::Type::kList: return row(value.as_list());
    case Value::Type::kStruct: return schema(&value.as_struct_schema()), row(value.as_struct());
    case Value::Type::kMap:
      number(value.as_map().size());
      for (const MapEntry& entry : value.as_map()) {
        this->value(entry.key);
        this->value(entry.value);
      }
      return;
    default: break;
  }
  // Bool, numbers and times: both words as they are.
  number(value.extra());
  signed_number(value.as_int64());
}

class Reader {
 public:
  Reader(std::string_view bytes, SchemaPool* schemas, Batch* batch) : bytes_(bytes), schemas_(schemas), batch_(batch) {}

  bool good() const { return good_; }
  bool at_end() const { return at_ == bytes_.size(); }
  std::uint8_t byte() {
    if (at_ >= bytes_.size()) return good_ = false, std::uint8_t{0};
    return static_cast<std::uint8_t>(bytes_[at_++]);
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t part = byte();
      value |= static_cast<std::uint64_t>(part & 0x7fU) << shift;
      if ((part & 0x80U) == 0) return value;
    }
    good_ = false;
    return 0;
  }
  std::int64_t signed_number() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>((value >> 1U) ^ (~(value & 1U) + 1));
  }
  std::string_view text() {
    const std::size_t size = count(1);
    const std::string_view result = bytes_.substr(at_, size);
    at_ += size;
    return result;
  }
  SchemaRef schema();
  std::span<const Value> row(unsigned depth = 0);
  Value value(unsigned depth);

 private:
  // A number of things of at least `bytes` each, which must fit in what is left.
  std::size_t count(std::size_t bytes) {
    const std::uint64_t value = number();
    if (value <= (bytes_.size() - at_) / bytes) return static_cast<std::size_t>(value);
    good_ = false;
    return 0;
  }
  Value map(unsigned depth);
  Value plain(Value::Type type);

  std::string_view bytes_;
  SchemaPool* schemas_;
  Batch* batch_;
  std::size_t at_ = 0;
  bool good_ = true;
};

SchemaRef Reader::schema() {
  if (byte() == 0) return nullptr;
  SchemaSpec spec;
  for (std::string* name : {&spec.database, &spec.schema, &spec.table}) *name = text();
  spec.fields.resize(count(7));
  for (Field& field : spec.fields) {
    field.name = text();
    const std::uint8_t type = byte();
    if (type > static_cast<std::uint8_t>(Value::Type::kUnchanged) + 1) good_ = false;
    if (type != 0 && good_) field.type = static_cast<Value::Type>(type - 1);
    field.nullable = byte() != 0;
    for (std::string* part : {&field.origin_type, &field.base_type, &field.default_expression}) *part = text();
    field.labels.resize(count(1));
    for (std::string& label : field.labels) label = text();
  }
  spec.key.resize(count(1));
  for (std::uint32_t& slot : spec.key) {
    slot = static_cast<std::uint32_t>(number());
    if (slot >= spec.fields.size()) good_ = false;
  }
  return good_ ? schemas_->intern(std::move(spec)) : nullptr;
}

std::span<const Value> Reader::row(unsigned depth) {
  const auto values = batch_->arena().array<Value>(count(1));
  for (Value& value : values) value = this->value(depth);
  return values;
}

Value Reader::map(unsigned depth) {
  const auto entries = batch_->arena().array<MapEntry>(count(2));
  for (MapEntry& entry : entries) {
    entry.key = value(depth);
    entry.value = value(depth);
  }
  return Value::map(entries);
}

Value Reader::plain(Value::Type type) {
  const std::uint64_t extra = number();
  const std::int64_t word = signed_number();
  switch (type) {
    case Value::Type::kBool: return Value::boolean(word != 0);
    case Value::Type::kInt64: return Value::int64(word);
    case Value::Type::kUint64: return Value::uint64(static_cast<std::uint64_t>(word));
    case Value::Type::kFloat64: return Value::float64(std::bit_cast<double>(word));
    case Value::Type::kDate: return Value::date(word);
    case Value::Type::kTime: return Value::time(word);
    case Value::Type::kTimeTz: return Value::time_tz(word, static_cast<std::int32_t>(static_cast<std::uint32_t>(extra)));
    case Value::Type::kTimestamp: return Value::timestamp(word, static_cast<std::uint32_t>(extra));
    case Value::Type::kLocalTimestamp: return Value::local_timestamp(word);
    case Value::Type::kDuration: return Value::duration(word);
    default: good_ = false; return {};
  }
}

Value Reader::value(unsigned depth) {
  const auto type = static_cast<Value::Type>(byte());
  if (!good_ || depth > kMaxDepth) return good_ = false, Value();
  Arena& arena = batch_->arena();
  switch (type) {
    case Value::Type::kNull: return {};
    case Value::Type::kUnchanged: return Value::unchanged();
    case Value::Type::kDecimal:
    case Value::Type::kString:
    case Value::Type::kBytes:
    case Value::Type::kBits:
    case Value::Type::kUuid:
    case Value::Type::kJson: return Value::text_in(arena, type, text());
    case Value::Type::kInterval: {
      Interval interval;
      interval.months = static_cast<std::int32_t>(signed_number());
      interval.days = static_cast<std::int32_t>(signed_number());
      interval.microseconds = signed_number();
      return Value::interval_in(arena, interval);
    }
    case Value::Type::kList: return Value::list(row(depth + 1));
    case Value::Type::kMap: return map(depth + 1);
    case Value::Type::kStruct: {
      const SchemaRef schema = this->schema();
      const auto fields = row(depth + 1);
      if (schema == nullptr || fields.size() != schema->size()) return good_ = false, Value();
      return Value::structure_in(arena, batch_->keep(schema), fields);
    }
    default: return plain(type);
  }
}

bool fits(const Schema* schema, std::span<const Value> row) { return row.empty() || (schema != nullptr && row.size() == schema->size()); }

}  // namespace

std::string letter_image(const Batch& batch, const Record& record) {
  std::string out;
  Writer writer(out);
  writer.byte(kImageVersion);
  writer.signed_number(batch.ingest_time());
  const Schema* meta = batch.meta_schema();
  writer.number(meta == nullptr ? 0 : meta->size());
  for (std::size_t slot = 0; meta != nullptr && slot < meta->size(); ++slot) writer.text(meta->fields()[slot].name);
  writer.byte(static_cast<std::uint8_t>(record.op));
  writer.signed_number(record.source_time);
  writer.schema(record.schema);
  writer.row(record.before);
  writer.row(record.after);
  writer.row(record.key);
  writer.schema(record.input_schema);
  writer.row(record.input);
  writer.row(record.meta);
  writer.value(record.tags);
  return out;
}

Result<ImageHeader> read_image_header(std::string_view image) {
  Reader reader(image, nullptr, nullptr);
  if (reader.byte() != kImageVersion) return damaged();
  ImageHeader header;
  header.ingest_time = reader.signed_number();
  const std::uint64_t names = reader.number();
  for (std::uint64_t i = 0; i < names && reader.good(); ++i) header.meta.emplace_back(reader.text());
  if (!reader.good()) return damaged();
  return header;
}

Result<Record> read_image(std::string_view image, SchemaPool& schemas, Batch& batch) {
  Reader reader(image, &schemas, &batch);
  if (reader.byte() != kImageVersion) return damaged();
  reader.signed_number();
  const std::uint64_t names = reader.number();
  for (std::uint64_t i = 0; i < names && reader.good(); ++i) reader.text();
  Record record;
  const std::uint8_t op = reader.byte();
  record.op = static_cast<Op>(op);
  record.source_time = reader.signed_number();
  if (const SchemaRef schema = reader.schema()) record.schema = batch.keep(schema);
  record.before = reader.row();
  record.after = reader.row();
  record.key = reader.row();
  if (const SchemaRef schema = reader.schema()) record.input_schema = batch.keep(schema);
  record.input = reader.row();
  record.meta = reader.row();
  record.tags = reader.value(0);
  const bool fitting = fits(record.schema, record.before) && fits(record.schema, record.after) && fits(record.input_schema, record.input);
  if (!reader.good() || !reader.at_end() || op > static_cast<std::uint8_t>(Op::kMessage) || !fitting) return damaged();
  return record;
}

}  // namespace sluice::dlq
