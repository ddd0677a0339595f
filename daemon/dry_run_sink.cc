#include "daemon/dry_run_sink.h"

#include <algorithm>
#include <utility>

#include "dlq/letter_content.h"

namespace sluice::daemon {

namespace {

class DryRunSink final : public Sink {
 public:
  DryRunSink(std::string name, DryRunOutput& output) : name_(std::move(name)), output_(output) {}

  Result<std::optional<Checkpoint>> open(std::stop_token) override { return std::optional<Checkpoint>(); }
  Status write(const BatchView& view, Rejects&, std::stop_token) override {
    for (const std::uint32_t index : view.selected) {
      const Record& record = view.batch->records()[index];
      const std::int64_t letter = view.batch->replay() == nullptr ? 0 : view.batch->replay()->of(record.ordinal).letter;
      output_.add({letter, name_, dlq::letter_record(*view.batch, record)});
    }
    return {};
  }
  Status flush(Rejects&, std::stop_token) override { return {}; }
  Status commit(const CommitRequest&, std::stop_token) override { return {}; }
  Status close(Closing) override { return {}; }

 private:
  const std::string name_;
  DryRunOutput& output_;
};

}  // namespace

std::vector<DryRunOutput::Row> DryRunOutput::take() {
  const std::lock_guard lock(mutex_);
  std::stable_sort(rows_.begin(), rows_.end(),
                   [](const Row& a, const Row& b) { return std::tie(a.letter, a.sink) < std::tie(b.letter, b.sink); });
  return std::exchange(rows_, {});
}

std::unique_ptr<Sink> make_dry_run_sink(std::string name, DryRunOutput& output) {
  return std::make_unique<DryRunSink>(std::move(name), output);
}

}  // namespace sluice::daemon
