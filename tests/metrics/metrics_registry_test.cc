#include "metrics/metrics_registry.h"

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>

#include "core/labelled_metrics.h"

namespace sluice {
namespace {

std::size_t occurrences(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

bool has_line(const std::string& text, const std::string& line) { return ("\n" + text).find("\n" + line + "\n") != std::string::npos; }

TEST_CASE("a series shows at 0 from the moment it is asked for, and is the same one when asked again") {
  MetricsRegistry metrics;
  Counter& counter = metrics.counter("sluice_records_in_total", "Records read.", {{"pipeline", "orders"}, {"component", "in"}});
  CHECK(has_line(metrics.text(), "sluice_records_in_total{component=\"in\",pipeline=\"orders\"} 0"));
  metrics.counter("sluice_records_in_total", "Records read.", {{"component", "in"}, {"pipeline", "orders"}}).add(3);
  CHECK(counter.value() == 3);
  CHECK(metrics.problems().empty());
}

TEST_CASE("the page is Prometheus text: HELP and TYPE once for a family, families in order, integers without a fraction") {
  MetricsRegistry metrics;
  metrics.gauge("sluice_queue_bytes", "Bytes in the queue.", {{"component", "b"}}).set(1.5);
  metrics.gauge("sluice_queue_bytes", "Bytes in the queue.", {{"component", "a"}}).set(16777216);
  metrics.counter("sluice_commits_total", "Commits.", {}).add(12);
  publish_build_info(metrics, "0.1.0");
  CHECK(metrics.text() ==
        "# HELP sluice_build_info Version of the running program; always 1.\n"
        "# TYPE sluice_build_info gauge\n"
        "sluice_build_info{version=\"0.1.0\"} 1\n"
        "# HELP sluice_commits_total Commits.\n"
        "# TYPE sluice_commits_total counter\n"
        "sluice_commits_total 12\n"
        "# HELP sluice_queue_bytes Bytes in the queue.\n"
        "# TYPE sluice_queue_bytes gauge\n"
        "sluice_queue_bytes{component=\"a\"} 16777216\n"
        "sluice_queue_bytes{component=\"b\"} 1.5\n");
}

TEST_CASE("counts beyond 2^24 keep every digit") {
  MetricsRegistry metrics;
  metrics.counter("sluice_bytes_in_total", "Bytes.", {}).add(9007199254740991.0);
  CHECK(has_line(metrics.text(), "sluice_bytes_in_total 9007199254740991"));
}

TEST_CASE("label values are escaped and broken UTF-8 is replaced") {
  MetricsRegistry metrics;
  metrics.gauge("sluice_x", "X.", {{"path", "a\"b\\c\nd\xff\xc3\xa9"}}).set(1);
  CHECK(has_line(metrics.text(), "sluice_x{path=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\xc3\xa9\"} 1"));
}

TEST_CASE("histograms are cumulated, with +Inf, sum and count") {
  MetricsRegistry metrics;
  const std::array bounds{0.001, 0.5, 60.0};
  Histogram& histogram = metrics.histogram("sluice_commit_duration_seconds", "Time of a commit.", bounds, {{"component", "out"}});
  histogram.observe(0.5);
  histogram.observe(0.25);
  histogram.observe(100);
  const std::string text = metrics.text();
  CHECK(has_line(text, "# TYPE sluice_commit_duration_seconds histogram"));
  CHECK(has_line(text, "sluice_commit_duration_seconds_count{component=\"out\"} 3"));
  CHECK(has_line(text, "sluice_commit_duration_seconds_sum{component=\"out\"} 100.75"));
  CHECK(has_line(text, "sluice_commit_duration_seconds_bucket{component=\"out\",le=\"0.001\"} 0"));
  CHECK(has_line(text, "sluice_commit_duration_seconds_bucket{component=\"out\",le=\"0.5\"} 2"));
  CHECK(has_line(text, "sluice_commit_duration_seconds_bucket{component=\"out\",le=\"+Inf\"} 3"));
}

TEST_CASE("a series that Prometheus would refuse counts, is not shown, and is named") {
  MetricsRegistry metrics;
  metrics.counter("sluice_good_total", "Good.", {{"a", "1"}});
  metrics.counter("no-name_total", "Bad.", {}).add();
  metrics.counter("sluice_counter", "No suffix.", {}).add();
  metrics.counter("sluice_label_total", "Bad label.", {{"__a", "1"}}).add();
  metrics.counter("sluice_twice_total", "Label twice.", {{"a", "1"}, {"a", "2"}}).add();
  metrics.counter("sluice_help_total", "", {}).add();
  metrics.gauge("sluice_good_total", "Good.", {{"a", "1"}}).set(1);
  metrics.counter("sluice_good_total", "Other help.", {{"a", "1"}}).add();
  metrics.counter("sluice_good_total", "Good.", {{"b", "1"}}).add();
  CHECK(metrics.text() == "# HELP sluice_good_total Good.\n# TYPE sluice_good_total counter\nsluice_good_total{a=\"1\"} 0\n");
  CHECK(metrics.problems().size() == 8);
}

TEST_CASE("a collector's samples join the family of the series and vanish with its registration") {
  MetricsRegistry metrics;
  metrics.gauge("sluice_pipeline_state", "State.", {{"pipeline", "a"}}).set(1);
  {
    const auto registration = metrics.add_collector([](SampleWriter& out) {
      out.gauge("sluice_pipeline_state", "State.", {{"pipeline", "b"}}, 0);
      out.counter("sluice_records_out_total", "Out.", {{"pipeline", "b"}}, 7);
      out.counter("sluice_records_out_total", "Out.", {{"pipeline", "b"}}, 8);  // a second time: a mistake, the first stays
    });
    const std::string text = metrics.text();
    CHECK(occurrences(text, "# TYPE sluice_pipeline_state") == 1);
    CHECK(has_line(text, "sluice_pipeline_state{pipeline=\"b\"} 0"));
    CHECK(has_line(text, "sluice_records_out_total{pipeline=\"b\"} 7"));
    CHECK(metrics.problems().size() == 1);
  }
  CHECK(metrics.text().find("pipeline=\"b\"") == std::string::npos);
}

// G12: whatever the moment of the scrape, the numbers of one collector belong together.
TEST_CASE("a scrape sees one consistent snapshot of the books (G12)") {
  struct Books {
    std::mutex mutex;
    double in = 0, out = 0, in_flight = 0;
  } books;
  MetricsRegistry metrics;
  const auto registration = metrics.add_collector([&books](SampleWriter& writer) {
    const std::lock_guard lock(books.mutex);
    writer.counter("sluice_records_in_total", "In.", {}, books.in);
    writer.counter("sluice_records_out_total", "Out.", {}, books.out);
    writer.gauge("sluice_records_in_flight", "In flight.", {}, books.in_flight);
  });
  const auto value_of = [](const std::string& text, const std::string& name) {
    return std::stod(text.substr(text.find("\n" + name + " ") + name.size() + 2));
  };
  std::jthread pipeline([&books](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const std::lock_guard lock(books.mutex);
      books.in += 5;
      books.in_flight += 5;
      if (books.in_flight >= 50) {
        books.out += books.in_flight;
        books.in_flight = 0;
      }
    }
  });
  for (int i = 0; i < 200; ++i) {
    const std::string text = "\n" + metrics.text();
    REQUIRE(value_of(text, "sluice_records_in_total") ==
            value_of(text, "sluice_records_out_total") + value_of(text, "sluice_records_in_flight"));
  }
}

TEST_CASE("series may be made and counted on many threads while the page is written") {
  MetricsRegistry metrics;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&metrics] {
        for (int i = 0; i < 200; ++i) metrics.counter("sluice_retries_total", "Retries.", {{"component", std::to_string(i % 10)}}).add();
      });
    }
    for (int i = 0; i < 20; ++i) CHECK_FALSE(metrics.text().starts_with("sluice"));
  }
  double sum = 0;
  for (int i = 0; i < 10; ++i) sum += metrics.counter("sluice_retries_total", "Retries.", {{"component", std::to_string(i)}}).value();
  CHECK(sum == 800);
}

TEST_CASE("a component's series carry the labels that say whose they are") {
  MetricsRegistry metrics;
  LabelledMetrics labelled(metrics, {{"pipeline", "orders"}, {"component", "drop"}});
  labelled.counter("sluice_path_misses_total", "Misses.", {{"path", "a.b"}}).add(2);
  CHECK(has_line(metrics.text(), "sluice_path_misses_total{component=\"drop\",path=\"a.b\",pipeline=\"orders\"} 2"));
}

}  // namespace
}  // namespace sluice
