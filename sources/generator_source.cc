// `generator`: made-up shop data for trials, tests and measurements.
//
// Record `index` (from 1) depends on the seed and the index alone, so a replay makes the same records.  Ordinal: major = index.  Shard k of
// n makes the indices i with (i - 1) % n == k in a partition of its own, "<dataset>:<seed>:<k>of<n>".

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/civil_time.h"
#include "core/registry.h"

namespace sluice {

namespace sources {

namespace {

enum class Dataset : std::uint8_t { kOrders, kCustomers, kClicks };

struct GeneratorConfig {
  Dataset dataset = Dataset::kOrders;
  std::optional<std::uint64_t> count;
  std::optional<Rate> rate;
  std::uint64_t seed = 1;
  Share broken;
};

}  // namespace

}  // namespace sources

template <>
struct EnumNames<sources::Dataset> {
  static constexpr std::array kNames = {std::pair{std::string_view{"orders"}, sources::Dataset::kOrders},
                                        std::pair{std::string_view{"customers"}, sources::Dataset::kCustomers},
                                        std::pair{std::string_view{"clicks"}, sources::Dataset::kClicks}};
};

namespace sources {

namespace {

constexpr std::int64_t kFirstDay = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z in microseconds: index 1 lies near it
constexpr std::int64_t kStep = 1'000'000;                  // microseconds between records
constexpr std::uint64_t kCustomers = 10'000;               // orders and clicks refer to customers 1..kCustomers

// A country and the currency paid in there.
struct Country {
  std::string_view code, currency;
};

constexpr std::array<Country, 8> kCountries = {
    {{"DE", "EUR"}, {"FR", "EUR"}, {"US", "USD"}, {"GB", "GBP"}, {"JP", "JPY"}, {"BR", "BRL"}, {"IN", "INR"}, {"PL", "PLN"}}};
constexpr std::array<std::string_view, 5> kStatuses = {"new", "paid", "shipped", "test", "refunded"};
constexpr std::array<std::string_view, 12> kFirstNames = {"Ada",   "Björn", "Chloé", "Dmitri", "Elif",      "Fatima",
                                                          "Grace", "Hiro",  "Inês",  "Jürgen", "Katarzyna", "Łukasz"};
constexpr std::array<std::string_view, 10> kLastNames = {"Lovelace", "Müller", "Dubois", "Ivanov", "Yılmaz",
                                                         "Haddad",   "Hopper", "Tanaka", "Silva",  "Nowak"};
constexpr std::array<std::string_view, 6> kNotes = {"gift",    "leave at the door", "call before delivery \"please\"",
                                                    "Grüße 🎁", "second attempt",    "fragile"};
constexpr std::array<std::string_view, 6> kPages = {"/", "/search?q=lamp", "/product/4711", "/cart", "/checkout", "/help"};

// Random numbers of one record: splitmix64 (Steele, Lea, Flood 2014), seeded by seed and index.
class Dice {
 public:
  Dice(std::uint64_t seed, std::uint64_t index) : state_(mix(seed) ^ mix(index * 0x9e3779b97f4a7c15ULL)) {}

  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  double share() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // 0 <= x < 1
  template <typename T, std::size_t n>
  const T& of(const std::array<T, n>& choices) {
    return choices[below(n)];
  }

 private:
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

Value text_in(Arena& arena, std::string_view text) { return Value::string_in(arena, text); }

// RFC 3339, whole seconds apart with random microseconds.
Value time_text(std::uint64_t index, Dice& dice, Arena& arena) {
  std::array<char, kTimeTextBytes> buffer{};
  const std::int64_t at =
      kFirstDay + static_cast<std::int64_t>(index % 1'000'000'000) * kStep + static_cast<std::int64_t>(dice.below(kStep));
  const char* const end = write_timestamp(buffer.data(), at);
  return text_in(arena, {buffer.data(), static_cast<std::size_t>(end - buffer.data())});
}

Value amount(Dice& dice, Arena& arena) {  // decimal(10,2)
  const std::uint64_t cents = 100 + dice.below(50'000);
  std::string text = std::to_string(cents / 100) + '.';
  text += static_cast<char>('0' + cents / 10 % 10);
  text += static_cast<char>('0' + cents % 10);
  return Value::text_in(arena, Value::Type::kDecimal, text);
}

Value email_of(std::uint64_t customer, Arena& arena) { return text_in(arena, "customer" + std::to_string(customer) + "@example.com"); }

Value number(std::uint64_t value) { return Value::int64(static_cast<std::int64_t>(value)); }

// What a dataset consists of.
struct DatasetType {
  std::string_view name;
  SchemaSpec (*spec)();
  void (*fill)(std::uint64_t index, Dice& dice, Arena& arena, std::span<Value> row);
  std::uint32_t wrong;  // slot that gets a wrong type, or is missing, in a broken record
};

SchemaSpec spec_of(std::string_view table, std::vector<Field> fields) {
  SchemaSpec spec;
  spec.table = table;
  spec.fields = std::move(fields);
  spec.key = {0};
  return spec;
}

SchemaSpec orders_spec() {
  using Type = Value::Type;
  return spec_of("orders", {{"id", Type::kInt64, false, "bigint"},
                            {"customer_id", Type::kInt64, false, "bigint"},
                            {"status", Type::kString, false, "text"},
                            {"total", Type::kDecimal, false, "decimal(10,2)"},
                            {"currency", Type::kString, false, "text"},
                            {"country_code", Type::kString, false, "text"},
                            {"created", Type::kString, false, "text"},
                            {"email", Type::kString, false, "text"},
                            {"note", Type::kString, true, "text"}});
}

void fill_order(std::uint64_t index, Dice& dice, Arena& arena, std::span<Value> row) {
  const std::uint64_t customer = 1 + dice.below(kCustomers);
  const Country& country = dice.of(kCountries);
  row[0] = number(index);
  row[1] = number(customer);
  row[2] = Value::string(dice.of(kStatuses));
  row[3] = amount(dice, arena);
  row[4] = Value::string(country.currency);
  row[5] = Value::string(country.code);
  row[6] = time_text(index, dice, arena);
  row[7] = email_of(customer, arena);
  row[8] = dice.below(4) == 0 ? Value::string(dice.of(kNotes)) : Value::null();
}

SchemaSpec customers_spec() {
  using Type = Value::Type;
  return spec_of("customers", {{"id", Type::kInt64, false, "bigint"},
                               {"name", Type::kString, false, "text"},
                               {"email", Type::kString, false, "text"},
                               {"country_code", Type::kString, false, "text"},
                               {"created", Type::kString, false, "text"}});
}

void fill_customer(std::uint64_t index, Dice& dice, Arena& arena, std::span<Value> row) {
  row[0] = number(index);
  row[1] = text_in(arena, std::string(dice.of(kFirstNames)) + ' ' + std::string(dice.of(kLastNames)));
  row[2] = email_of(index, arena);
  row[3] = Value::string(dice.of(kCountries).code);
  row[4] = time_text(index, dice, arena);
}

SchemaSpec clicks_spec() {
  using Type = Value::Type;
  return spec_of("clicks", {{"id", Type::kInt64, false, "bigint"},
                            {"session", Type::kString, false, "text"},
                            {"user_id", Type::kInt64, true, "bigint"},
                            {"url", Type::kString, false, "text"},
                            {"at", Type::kString, false, "text"},
                            {"duration_ms", Type::kInt64, false, "bigint"}});
}

void fill_click(std::uint64_t index, Dice& dice, Arena& arena, std::span<Value> row) {
  std::array<char, 16> session{};
  const char* const end = std::to_chars(session.data(), session.data() + session.size(), dice.next() >> 16, 16).ptr;
  row[0] = number(index);
  row[1] = text_in(arena, {session.data(), static_cast<std::size_t>(end - session.data())});
  row[2] = dice.below(3) == 0 ? Value::null() : number(1 + dice.below(kCustomers));
  row[3] = text_in(arena, "https://shop.example.com" + std::string(dice.of(kPages)));
  row[4] = time_text(index, dice, arena);
  row[5] = number(dice.below(30'000));
}

const DatasetType& dataset_type(Dataset dataset) {
  static constexpr std::array<DatasetType, 3> kTypes = {
      {{"orders", orders_spec, fill_order, 3}, {"customers", customers_spec, fill_customer, 2}, {"clicks", clicks_spec, fill_click, 5}}};
  return kTypes[static_cast<std::size_t>(dataset)];
}

void check_config(const GeneratorConfig& config, const ConfigNode& node, BindContext& context) {
  const ConfigNode* place = node.find("count");
  if (config.count && *config.count == 0) context.findings.error(*place, "out_of_range", "count must be above 0");
}

const ConfigFields<GeneratorConfig>& config_fields() {
  static const auto kFields =
      ConfigFields<GeneratorConfig>{}
          .optional("dataset", &GeneratorConfig::dataset, "What to make up.")
          .optional("count", &GeneratorConfig::count, "Records in all; without it there is no end.")
          .optional("rate", &GeneratorConfig::rate, "Records per time, over all shards; without it as fast as can be.")
          .optional("seed", &GeneratorConfig::seed, "Another seed gives other records.")
          .optional("broken", &GeneratorConfig::broken, "Share of bad records: a line that is no JSON, a wrong type, a missing field.")
          .check(check_config);
  return kFields;
}

class GeneratorSource final : public Source {
 public:
  GeneratorSource(const GeneratorConfig& config, const BuildContext& context)
      : config_(config), context_(context), type_(dataset_type(config.dataset)), schema_(context.schemas.intern(type_.spec())) {
    SchemaSpec lacking = type_.spec();
    lacking.fields.erase(lacking.fields.begin() + type_.wrong);
    lacking_schema_ = context.schemas.intern(std::move(lacking));
    SchemaSpec loose = type_.spec();
    loose.fields[type_.wrong].type.reset();  // of records in which it has a wrong type
    loose_schema_ = context.schemas.intern(std::move(loose));
    partition_ = std::string(type_.name) + ':' + std::to_string(config.seed) + ':' + std::to_string(context.shard) + "of" +
                 std::to_string(context.shard_count);
  }

  Status open(const Checkpoint& from, std::stop_token) override {
    next_ = context_.shard + 1;
    const auto known = from.find(key());
    if (known != from.end()) next_ = known->second.done.major + context_.shard_count;
    began_ = context_.clock.now();
    first_ = next_;
    return {};
  }

  Result<SourceState> read(BatchBuilder& out, std::stop_token stop) override {
    if (finished()) return SourceState::kFinished;
    const std::uint64_t before = next_;
    std::uint64_t due = due_now();
    if (due == 0) {
      const auto wait = std::min<std::chrono::nanoseconds>(out.linger(), until_next());
      (void)context_.clock.sleep_for(wait, stop);
      due = due_now();
    }
    const std::uint16_t partition = out.partition(partition_);
    for (; due > 0 && !out.full() && !finished(); --due) {
      make(partition, out);
      next_ += context_.shard_count;
    }
    if (next_ == before) return SourceState::kIdle;
    const std::uint64_t last = next_ - context_.shard_count;
    out.through()[key()] = Position{{last, 0}, std::to_string(last), false};
    return SourceState::kMore;
  }

  Status acknowledge(const Checkpoint&) override { return {}; }
  Status close() override { return {}; }

 private:
  std::string key() const { return checkpoint_key(context_.component, partition_); }
  bool finished() const { return config_.count && next_ > *config_.count; }
  double shard_rate() const { return config_.rate->per_second / context_.shard_count; }
  std::uint64_t made() const { return (next_ - first_) / context_.shard_count; }

  // How many records may be made now.
  std::uint64_t due_now() const {
    if (!config_.rate) return std::numeric_limits<std::uint64_t>::max();
    const std::chrono::duration<double> elapsed = context_.clock.now() - began_;
    const double allowed = elapsed.count() * shard_rate();
    const auto made_so_far = static_cast<double>(made());
    return allowed > made_so_far ? static_cast<std::uint64_t>(allowed - made_so_far) : 0;
  }
  std::chrono::nanoseconds until_next() const {
    const double at = (static_cast<double>(made()) + 1) / shard_rate();
    const auto due = began_ + std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(std::min(at, 1e9)));
    return std::max<std::chrono::nanoseconds>(due - context_.clock.now(), std::chrono::microseconds(1));
  }

  void make(std::uint16_t partition, BatchBuilder& out) {
    Dice dice(config_.seed, next_);
    const bool broken = config_.broken.fraction > 0 && dice.share() < config_.broken.fraction;
    const std::uint64_t way = broken ? dice.below(3) : 3;
    const auto row = out.arena().array<Value>(schema_->size());
    type_.fill(next_, dice, out.arena(), row);
    if (way == 0) return reject_line(partition, out);
    Record record;
    record.op = Op::kInsert;
    record.partition = partition;
    record.ordinal = {next_, 0};
    const Schema* schema = out.batch().keep(way == 1 ? loose_schema_ : way == 2 ? lacking_schema_ : schema_);
    record.schema = schema;
    record.after = row;
    if (way == 1) row[type_.wrong] = Value::string("not a value");
    if (way == 2) {
      std::copy(row.begin() + type_.wrong + 1, row.end(), row.begin() + type_.wrong);
      record.after = row.first(row.size() - 1);
    }
    record.key = record.after.first(1);
    out.append(record);
  }

  // As if a line of a file had been cut in the middle.
  void reject_line(std::uint16_t partition, BatchBuilder& out) const {
    const std::string line = "{\"id\":" + std::to_string(next_) + ",\"" + schema_->fields()[1].name + "\":";
    out.reject(
        partition, {next_, 0}, line,
        Error(ErrorKind::kBadRecord, "json_syntax", "byte " + std::to_string(line.size()) + " of the JSON text: the text ends too early"));
  }

  const GeneratorConfig config_;
  const BuildContext context_;
  const DatasetType& type_;
  const SchemaRef schema_;
  SchemaRef lacking_schema_, loose_schema_;
  std::string partition_;
  std::uint64_t next_ = 1;   // index of the next record
  std::uint64_t first_ = 1;  // of this run: the rate counts from it
  std::chrono::steady_clock::time_point began_;
};

// Of the good records: a broken one lacks a field or has another type there, which is what it is for.
Result<KnownShape> shape(const GeneratorConfig& config, const ShapeContext&) {
  const DatasetType& type = dataset_type(config.dataset);
  RecordShape result;
  result.origin = "the generator's dataset " + std::string(type.name);
  const SchemaSpec spec = type.spec();
  for (std::uint32_t slot = 0; slot < spec.fields.size(); ++slot) {
    const Field& field = spec.fields[slot];
    const bool may_lack = config.broken.fraction > 0 && slot == type.wrong;
    result.fields.push_back({field.name, field.type, field.nullable, may_lack});
  }
  return KnownShape(std::move(result));
}

Result<std::unique_ptr<Source>> build(const GeneratorConfig& config, const BuildContext& context) {
  return std::unique_ptr<Source>(std::make_unique<GeneratorSource>(config, context));
}

Guarantee guarantee(const GeneratorConfig&) { return {true, "a record follows from the seed and its index alone"}; }

constexpr std::string_view kExample = R"(
dataset: orders
count: 1000
rate: 100/s
)";

}  // namespace

}  // namespace sources

void register_generator_source(Registry& registry);
void register_generator_source(Registry& registry) {
  SourceType<sources::GeneratorConfig> type;
  type.name = "generator";
  type.summary = "Made-up orders, customers or clicks; the same for the same seed";
  type.example = sources::kExample;
  type.fields = &sources::config_fields();
  type.build = sources::build;
  type.shape = sources::shape;
  type.guarantee = sources::guarantee;
  type.can_end = [](const sources::GeneratorConfig& config) { return config.count.has_value(); };
  type.partitioned = [](const sources::GeneratorConfig&) { return true; };
  registry.add(type);
}

}  // namespace sluice
