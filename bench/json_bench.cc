// JSON lines of about 200 bytes: a bare simdjson parse, our reader, our writer.  Prints CPU nanoseconds per record, the median of
// interleaved rounds, and ratios to simdjson.      json_bench [records [rounds]]
#include <simdjson.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/json_reader.h"
#include "formats/json_writer.h"

namespace {

using namespace sluice;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::string make_lines(std::size_t records) {
  static const char* const kStatuses[] = {"new", "paid", "shipped", "test", "refunded"};
  std::string text;
  char line[512];
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < records; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const auto r = state >> 33;
    const int size = std::snprintf(
        line, sizeof(line),
        "{\"id\":%zu,\"customer_id\":%llu,\"status\":\"%s\",\"total\":%llu.%02llu,\"currency\":\"EUR\",\"country_code\":\"DE\","
        "\"created\":\"2026-01-%02lluT10:%02llu:00Z\",\"email\":\"customer%llu@example.com\",\"note\":null}\n",
        i, static_cast<unsigned long long>(r % 10000), kStatuses[r % 5], static_cast<unsigned long long>(r % 500),
        static_cast<unsigned long long>(r % 100), static_cast<unsigned long long>(1 + r % 28), static_cast<unsigned long long>(r % 60),
        static_cast<unsigned long long>(r % 10000));
    text.append(line, static_cast<std::size_t>(size));
  }
  return text;
}

template <typename Each>
void each_line(std::string_view text, Each each) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    each(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
}

std::size_t parse_simdjson(simdjson::dom::parser& parser, const std::string& padded, std::string_view text) {
  std::size_t fields = 0;
  each_line(text, [&](std::string_view line) {
    simdjson::dom::object object;
    const auto capacity = static_cast<std::size_t>(padded.data() + padded.capacity() - line.data());
    if (capacity < line.size() + simdjson::SIMDJSON_PADDING) std::abort();
    if (parser.parse(line.data(), line.size(), false).get(object) != simdjson::SUCCESS) std::abort();
    fields += object.size();
  });
  return fields;
}

// Batches of 2048 rows, as the pipeline has them.
std::vector<std::shared_ptr<Batch>> read_all(SchemaPool& pool, std::string_view text) {
  constexpr std::size_t kBatch = 2048;
  JsonReader reader(pool);
  std::vector<std::shared_ptr<Batch>> batches;
  const auto origin = std::make_shared<BatchOrigin>(BatchOrigin{"bench", nullptr});
  while (!text.empty()) {
    auto batch = std::make_shared<Batch>(origin, 0);
    batch->records().reserve(kBatch);
    const auto partition = batch->partition("p");
    while (!text.empty() && batch->size() < kBatch) {
      const std::size_t end = text.find('\n');
      const auto row = reader.read(text.substr(0, end), *batch, Utf8::kUnchecked);
      if (!row) std::abort();
      Record record;
      record.partition = partition;
      record.ordinal = {batch->size(), 0};
      record.schema = row->schema;
      record.after = row->values;
      batch->records().push_back(record);
      text.remove_prefix(end + 1);
    }
    batches.push_back(std::move(batch));
  }
  return batches;
}

std::size_t write_all(const std::vector<std::shared_ptr<Batch>>& batches, JsonMeta meta) {
  JsonWriter writer(meta);
  std::string out;
  std::size_t bytes = 0;
  for (const auto& batch : batches) {
    out.clear();
    for (const Record& record : batch->records()) {
      if (!writer.append(*batch, record, out)) std::abort();
    }
    bytes += out.size();
  }
  return bytes;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t records = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200'000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 7;
  std::string text = make_lines(records);
  text.reserve(text.size() + 128);
  simdjson::dom::parser parser;
  SchemaPool pool;
  std::vector<double> bare, reader, plain, meta;
  std::size_t sum = 0;
  for (int round = 0; round < rounds; ++round) {
    const double t0 = cpu_seconds();
    sum += parse_simdjson(parser, text, text);
    const double t1 = cpu_seconds();
    const auto batches = read_all(pool, text);
    const double t2 = cpu_seconds();
    sum += write_all(batches, JsonMeta::kOmit);
    const double t3 = cpu_seconds();
    sum += write_all(batches, JsonMeta::kInclude);
    const double t4 = cpu_seconds();
    bare.push_back(t1 - t0);
    reader.push_back(t2 - t1);
    plain.push_back(t3 - t2);
    meta.push_back(t4 - t3);
  }
  const double per = 1e9 / static_cast<double>(records);
  const double base = median(bare);
  std::printf("%zu records of %zu bytes, %d rounds (check %zu)\n", records, text.size() / records, rounds, sum);
  const auto line = [&](const char* name, const std::vector<double>& times) {
    std::printf("%-28s %6.0f ns/record  %5.2f x simdjson\n", name, median(times) * per, median(times) / base);
  };
  line("simdjson DOM, parse only", bare);
  line("our reader, into rows", reader);
  line("our writer, meta: false", plain);
  line("our writer with _meta", meta);
  return 0;
}
