#include "metrics/metrics_registry.h"

#include <prometheus/check_names.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <variant>

namespace sluice {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

using SortedLabels = std::vector<ClientMetric::Label>;

// Label values are the user's text: bytes that are no UTF-8 would make the scraper refuse the whole page.
std::string valid_utf8(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xc2 && lead < 0xe0 ? 2
                               : lead >= 0xe0 && lead < 0xf0 ? 3
                               : lead >= 0xf0 && lead < 0xf5 ? 4
                                                             : 0;
    bool good = length > 0 && at + length <= text.size();
    for (std::size_t i = 1; good && i < length; ++i) good = (static_cast<unsigned char>(text[at + i]) & 0xc0U) == 0x80U;
    if (good && length == 3) {
      const auto second = static_cast<unsigned char>(text[at + 1]);
      good = !(lead == 0xe0 && second < 0xa0) && !(lead == 0xed && second >= 0xa0);
    }
    if (good && length == 4) {
      const auto second = static_cast<unsigned char>(text[at + 1]);
      good = !(lead == 0xf0 && second < 0x90) && !(lead == 0xf4 && second >= 0x90);
    }
    result += good ? text.substr(at, length) : std::string_view("\xef\xbf\xbd");
    at += good ? length : 1;
  }
  return result;
}

SortedLabels sorted(const Labels& labels) {
  SortedLabels result;
  for (const auto& [name, value] : labels) result.push_back({name, valid_utf8(value)});
  std::sort(result.begin(), result.end());
  return result;
}

std::set<std::string> names_of(const SortedLabels& labels) {
  std::set<std::string> names;
  for (const auto& label : labels) names.insert(label.name);
  return names;
}

// What every series of a name must share.
struct FamilyKind {
  MetricType type;
  std::string help;
  std::set<std::string> label_names;
};

// "" or why Prometheus (or its users) would be confused by this series.
std::string flaw(const std::string& name, const FamilyKind& kind, const SortedLabels& labels) {
  if (!prometheus::CheckMetricName(name)) return "is no metric name";
  if (kind.help.empty()) return "has no help text";
  if (kind.type == MetricType::Counter && !name.ends_with("_total")) return "is a counter whose name does not end with _total";
  if (kind.label_names.size() != labels.size()) return "names a label twice";
  for (const auto& label : labels) {
    if (!prometheus::CheckLabelName(label.name)) return "has the label \"" + label.name + "\", which is no label name";
    if (kind.type == MetricType::Histogram && label.name == "le") return "is a histogram with the label le";
  }
  return {};
}

std::string mismatch(const FamilyKind& known, const FamilyKind& asked) {
  if (known.type != asked.type) return "is in use with another type";
  if (known.help != asked.help) return "is in use with another help text";
  if (known.label_names != asked.label_names) return "is in use with other label names";
  return {};
}

ClientMetric::Histogram cumulate(const Histogram& histogram) {
  const Histogram::Snapshot snapshot = histogram.snapshot();
  ClientMetric::Histogram result;
  result.sample_sum = snapshot.sum;
  for (std::size_t i = 0; i < snapshot.counts.size(); ++i) {
    result.sample_count += snapshot.counts[i];
    result.bucket.push_back({result.sample_count, i < histogram.bounds().size() ? histogram.bounds()[i] : HUGE_VAL});
  }
  return result;
}

// Families by name while a page is put together; drops series that are there already.
class Page final : public SampleWriter {
 public:
  void counter(std::string_view name, std::string_view help, const Labels& labels, double value) override {
    ClientMetric sample;
    sample.counter.value = value;
    add(std::string(name), {MetricType::Counter, std::string(help), {}}, sorted(labels), std::move(sample));
  }
  void gauge(std::string_view name, std::string_view help, const Labels& labels, double value) override {
    ClientMetric sample;
    sample.gauge.value = value;
    add(std::string(name), {MetricType::Gauge, std::string(help), {}}, sorted(labels), std::move(sample));
  }

  void add(const std::string& name, FamilyKind kind, const SortedLabels& labels, ClientMetric sample) {
    kind.label_names = names_of(labels);
    std::string problem = flaw(name, kind, labels);
    const auto known = kinds_.find(name);
    if (problem.empty() && known != kinds_.end()) problem = mismatch(known->second, kind);
    if (problem.empty() && !seen_.emplace(name, labels).second) problem = "is written twice with the same labels";
    if (!problem.empty()) {
      problems_.push_back(name + " " + problem);
      return;
    }
    MetricFamily& family = families_[name];
    family.name = name;
    family.help = kind.help;
    family.type = kind.type;
    sample.label = labels;
    family.metric.push_back(std::move(sample));
    kinds_.emplace(name, std::move(kind));
  }

  std::vector<MetricFamily> families() && {
    std::vector<MetricFamily> result;
    for (auto& [name, family] : families_) {
      std::sort(family.metric.begin(), family.metric.end(), [](const ClientMetric& a, const ClientMetric& b) { return a.label < b.label; });
      result.push_back(std::move(family));
    }
    return result;
  }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  std::map<std::string, MetricFamily> families_;
  std::map<std::string, FamilyKind> kinds_;
  std::set<std::pair<std::string, SortedLabels>> seen_;
  std::vector<std::string> problems_;
};

using Series = std::variant<std::unique_ptr<Counter>, std::unique_ptr<Gauge>, std::unique_ptr<Histogram>>;

}  // namespace

class MetricsRegistry::Impl final : public prometheus::Collectable {
 public:
  template <typename T, typename Make>
  T& find_or_make(std::string_view name, FamilyKind kind, const Labels& given, const Make& make) {
    const SortedLabels labels = sorted(given);
    kind.label_names = names_of(labels);
    const std::lock_guard lock(mutex_);
    std::string problem = flaw(std::string(name), kind, labels);
    if (problem.empty()) {
      auto [family, added] = families_.try_emplace(std::string(name), Family{kind, {}});
      problem = mismatch(family->second.kind, kind);
      if (problem.empty()) {
        auto& series = family->second.series[labels];
        if (!std::holds_alternative<std::unique_ptr<T>>(series) || std::get<std::unique_ptr<T>>(series) == nullptr) series = make();
        return *std::get<std::unique_ptr<T>>(series);
      }
    }
    problems_.insert(std::string(name) + " " + problem);
    hidden_.emplace_back(make());
    return *std::get<std::unique_ptr<T>>(hidden_.back());
  }

  std::uint64_t add(Collector collector) {
    const std::lock_guard lock(collectors_mutex_);
    collectors_.emplace(++last_id_, std::move(collector));
    return last_id_;
  }

  void remove(std::uint64_t id) {
    const std::lock_guard lock(collectors_mutex_);
    collectors_.erase(id);
  }

  std::vector<MetricFamily> Collect() const override {
    Page page;
    write_series(page);
    {
      const std::lock_guard lock(collectors_mutex_);
      for (const auto& [id, collector] : collectors_) collector(page);
    }
    const std::lock_guard lock(mutex_);
    problems_.insert(page.problems().begin(), page.problems().end());
    return std::move(page).families();
  }

  std::vector<std::string> problems() const {
    const std::lock_guard lock(mutex_);
    return {problems_.begin(), problems_.end()};
  }

 private:
  struct Family {
    FamilyKind kind;
    std::map<SortedLabels, Series> series;
  };

  void write_series(Page& page) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, family] : families_) {
      for (const auto& [labels, series] : family.series) {
        ClientMetric sample;
        if (const auto* counter = std::get_if<std::unique_ptr<Counter>>(&series)) sample.counter.value = (*counter)->value();
        if (const auto* gauge = std::get_if<std::unique_ptr<Gauge>>(&series)) sample.gauge.value = (*gauge)->value();
        if (const auto* histogram = std::get_if<std::unique_ptr<Histogram>>(&series)) sample.histogram = cumulate(**histogram);
        page.add(name, family.kind, labels, std::move(sample));
      }
    }
  }

  mutable std::mutex mutex_;  // of the series
  std::map<std::string, Family> families_;
  std::vector<Series> hidden_;
  mutable std::set<std::string> problems_;

  mutable std::mutex collectors_mutex_;  // held while collectors run, so that remove() waits for them
  std::map<std::uint64_t, Collector> collectors_;
  std::uint64_t last_id_ = 0;
};

MetricsRegistry::MetricsRegistry() : impl_(std::make_unique<Impl>()) {}
MetricsRegistry::~MetricsRegistry() = default;

Counter& MetricsRegistry::counter(std::string_view name, std::string_view help, const Labels& labels) {
  return impl_->find_or_make<Counter>(name, {MetricType::Counter, std::string(help), {}}, labels,
                                      [] { return std::make_unique<Counter>(); });
}

Gauge& MetricsRegistry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  return impl_->find_or_make<Gauge>(name, {MetricType::Gauge, std::string(help), {}}, labels, [] { return std::make_unique<Gauge>(); });
}

Histogram& MetricsRegistry::histogram(std::string_view name, std::string_view help, std::span<const double> bounds, const Labels& labels) {
  return impl_->find_or_make<Histogram>(name, {MetricType::Histogram, std::string(help), {}}, labels,
                                        [bounds] { return std::make_unique<Histogram>(bounds); });
}

MetricsRegistry::Registration MetricsRegistry::add_collector(Collector collector) { return {*this, impl_->add(std::move(collector))}; }

std::string MetricsRegistry::text() const {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  prometheus::TextSerializer().Serialize(out, impl_->Collect());
  return std::move(out).str();
}

std::vector<std::string> MetricsRegistry::problems() const { return impl_->problems(); }

MetricsRegistry::Registration::Registration(Registration&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), id_(other.id_) {}

MetricsRegistry::Registration& MetricsRegistry::Registration::operator=(Registration&& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(id_, other.id_);
  return *this;
}

MetricsRegistry::Registration::~Registration() {
  if (owner_ != nullptr) owner_->impl_->remove(id_);
}

void publish_build_info(Metrics& metrics, std::string_view version) {
  metrics.gauge("sluice_build_info", "Version of the running program; always 1.", {{"version", std::string(version)}}).set(1);
}

}  // namespace sluice
