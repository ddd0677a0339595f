// Reads a number of changes with the postgres_cdc source alone and throws them away: what the source costs without a pipeline.
//   postgres_drain create URL TABLE          makes the publication and the slot sluice_drain
//   postgres_drain read URL TABLE ROWS       goes on from the slot's position, prints wall and CPU seconds
// Compare with `pg_recvlogical -f /dev/null` on a copy of the slot.

#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <string>

#include "sources/postgres_cdc/config.h"
#include "sources/postgres_cdc/postgres_cdc_source.h"

namespace {

using namespace sluice;

class NoMetrics final : public Metrics {
 public:
  Counter& counter(std::string_view, std::string_view, const Labels&) override { return counters_.emplace_back(); }
  Gauge& gauge(std::string_view, std::string_view, const Labels&) override { return gauges_.emplace_back(); }
  Histogram& histogram(std::string_view, std::string_view, std::span<const double> bounds, const Labels&) override {
    return histograms_.emplace_back(bounds);
  }

 private:
  std::deque<Counter> counters_;
  std::deque<Gauge> gauges_;
  std::deque<Histogram> histograms_;
};

class NoLog final : public Logger {
 public:
  void log(LogLevel, std::string_view, Fields) override {}
};

double seconds(const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6; }

int fail(const Error& error) {
  std::cerr << error.message() << '\n';
  return 1;
}

int drain(Source& source, std::size_t wanted) {
  const auto origin = std::make_shared<BatchOrigin>(BatchOrigin{"drain", nullptr});
  const auto begun = std::chrono::steady_clock::now();
  std::size_t rows = 0;
  std::size_t batches = 0;
  while (rows < wanted) {
    BatchBuilder builder(std::make_shared<Batch>(origin, 0), {});
    const auto state = source.read(builder, {});
    if (!state) return fail(state.error());
    rows += builder.batch().size();
    ++batches;
    if (const Status told = source.acknowledge(builder.through()); !told) return fail(told.error());
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begun;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::cout << rows << " rows in " << batches << " batches, wall " << wall.count() << " s, user " << seconds(usage.ru_utime)
            << " s, system " << seconds(usage.ru_stime) << " s, peak RSS " << usage.ru_maxrss / 1024 << " MiB\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 3 ? argv[1] : "";
  if (command != "create" && (command != "read" || argc < 5)) {
    std::cerr << "postgres_drain create URL TABLE | postgres_drain read URL TABLE ROWS\n";
    return 64;
  }
  NoMetrics metrics;
  NoLog log;
  SchemaPool schemas;
  SystemClock clock;
  FaultPoints faults;
  sources::postgres::PostgresCdcConfig config;
  config.url = ConnectionUrl(argv[2]);
  config.tables = std::vector<std::string>{argv[3]};
  config.adopt = true;
  auto settings = sources::postgres::session_settings(config, "drain", "drain", "");
  if (!settings) return fail(settings.error());
  sources::postgres::PostgresCdcSource source(std::move(settings).value(),
                                              {"drain", "drain", 0, 1, "", "", metrics, schemas, log, clock, faults});
  if (const Status opened = source.open({}, {}); !opened) return fail(opened.error());
  const int code = command == "create" ? 0 : drain(source, std::strtoull(argv[4], nullptr, 10));
  if (const Status closed = source.close(); !closed) return fail(closed.error());
  return code;
}
