// Replay on a running pipeline, as the API does it (G20).
#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "dlq/dead_letter_store.h"
#include "pipeline/pipeline.h"
#include "tests/pipeline/simulation.h"

using namespace sluice;
using namespace sluice::pipeline;

namespace {

constexpr std::uint64_t kRecords = 20;

// Records 1..kRecords with one field, then nothing for ever.
class Numbers final : public Source {
 public:
  explicit Numbers(SchemaPool& schemas) : schema_(schemas.intern({{}, {}, "t", {{"n", Value::Type::kInt64}}, {0}})) {}
  Status open(const Checkpoint& from, std::stop_token) override {
    for (const auto& [key, position] : from) next_ = position.done.major + 1;
    return {};
  }
  Result<SourceState> read(BatchBuilder& out, std::stop_token) override {
    const std::uint16_t partition = out.partition("log");
    for (; next_ <= kRecords; ++next_) {
      const auto row = out.arena().array<Value>(1);
      row[0] = Value::int64(static_cast<std::int64_t>(next_));
      Record record;
      record.partition = partition;
      record.ordinal = {next_, 0};
      record.schema = out.batch().keep(schema_);
      record.after = row;
      record.key = row;
      out.append(record);
    }
    out.through()["feed/log"] = {{next_ - 1, 0}, "", false};
    if (out.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // as a source that waits for input
    return SourceState::kIdle;
  }
  Status acknowledge(const Checkpoint&) override { return {}; }
  Status close() override { return {}; }

 private:
  const SchemaRef schema_;
  std::uint64_t next_ = 1;
};

// Refuses every fifth number until it is mended.
class Picky final : public Transform {
 public:
  explicit Picky(const std::atomic<bool>& mended) : mended_(mended) {}
  Status apply(Batch& batch, Rejects& rejects, std::stop_token) override {
    for (const std::uint32_t i : batch.active()) {
      if (!mended_ && batch.records()[i].after[0].as_int64() % 5 == 0) rejects.add(i, Error(ErrorKind::kBadRecord, "five", "a five"));
    }
    return {};
  }

 private:
  const std::atomic<bool>& mended_;
};

struct Delivered {
  std::mutex mutex;
  std::vector<std::int64_t> numbers;
  std::vector<std::int64_t> sorted() {
    const std::lock_guard lock(mutex);
    auto copy = numbers;
    std::sort(copy.begin(), copy.end());
    return copy;
  }
};

class Collect final : public Sink {
 public:
  explicit Collect(Delivered& out) : out_(out) {}
  Result<std::optional<Checkpoint>> open(std::stop_token) override { return std::optional<Checkpoint>(); }
  Status write(const BatchView& view, Rejects&, std::stop_token) override {
    const std::lock_guard lock(out_.mutex);
    for (const std::uint32_t i : view.selected) out_.numbers.push_back(view.batch->records()[i].after[0].as_int64());
    return {};
  }
  Status flush(Rejects&, std::stop_token) override { return {}; }
  Status commit(const CommitRequest&, std::stop_token) override { return {}; }
  Status close(Closing) override { return {}; }

 private:
  Delivered& out_;
};

// A pipeline with a fork: `behind` reads the step, `beside` reads the source.
struct Running {
  Running() {
    std::string pattern = std::filesystem::temp_directory_path() / "sluice-replay-XXXXXX";
    directory = ::mkdtemp(pattern.data());
    Definition definition;
    definition.name = "numbers";
    SourceDefinition feed;
    feed.name = feed.type = "feed";
    feed.build = [](const BuildContext& context) -> Result<std::unique_ptr<Source>> {
      return std::unique_ptr<Source>(std::make_unique<Numbers>(context.schemas));
    };
    definition.sources.push_back(std::move(feed));
    StepDefinition picky;
    picky.name = picky.type = "picky";
    picky.from = {"feed"};
    picky.build = [this](const BuildContext&) -> Result<std::unique_ptr<Transform>> {
      return std::unique_ptr<Transform>(std::make_unique<Picky>(mended));
    };
    definition.steps.push_back(std::move(picky));
    for (auto& [name, from, out] :
         std::vector<std::tuple<std::string, std::string, Delivered*>>{{"behind", "picky", &behind}, {"beside", "feed", &beside}}) {
      SinkDefinition sink;
      sink.name = sink.type = name;
      sink.from = {from};
      sink.commit.every = std::chrono::milliseconds(5);
      sink.build = [out = out](const BuildContext&) -> Result<std::unique_ptr<Sink>> {
        return std::unique_ptr<Sink>(std::make_unique<Collect>(*out));
      };
      definition.sinks.push_back(std::move(sink));
    }
    const auto open = [](const Definition& made, const Environment& environment) -> Result<std::unique_ptr<DeadLetterQueue>> {
      auto store = dlq::SqliteDeadLetterStore::open(environment.state_directory + "/dead_letters.db", {made.name, "hash"},
                                                    environment.clock, environment.faults);
      if (!store) return std::move(store).error();
      return std::unique_ptr<DeadLetterQueue>(std::move(store).value());
    };
    pipeline = std::make_unique<Pipeline>(std::move(definition), Environment{directory, "i", metrics, log, clock, faults, open});
    thread = std::jthread([this] { result = pipeline->run(stop.get_token()); });
  }
  ~Running() {
    stop.request_stop();
    thread = {};
    std::filesystem::remove_all(directory);
  }

  // Whether it is so within ten seconds.
  bool soon(const std::function<bool()>& holds) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }
  std::size_t letters(const std::string& state) const {
    dlq::LetterFilter filter;
    filter.state = state;
    const auto listed = pipeline->dead_letters()->list(filter);
    return listed ? listed->size() : 0;
  }

  std::string directory;
  std::atomic<bool> mended{false};
  Delivered behind, beside;
  simulation::PlainMetrics metrics;
  simulation::QuietLogger log;
  SystemClock clock;
  FaultPoints faults;
  std::unique_ptr<Pipeline> pipeline;
  std::stop_source stop;
  Status result;
  std::jthread thread;
};

std::vector<std::int64_t> all_numbers() {
  std::vector<std::int64_t> numbers(kRecords);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int64_t>(i) + 1;
  return numbers;
}

}  // namespace

TEST_CASE("A running pipeline replays when it is asked, into the lanes that lack the records only (G20)") {
  Running at;
  REQUIRE(at.soon([&] { return at.letters("open") == 4; }));
  const auto service = at.pipeline->dead_letters();
  auto& letters = *service;
  // Still broken: refused again.
  const auto first = letters.replay({});
  REQUIRE(first);
  CHECK(first->accepted == 4);
  REQUIRE(at.soon([&] { return letters.progress(*first).value().refused_again == 4; }));
  REQUIRE(at.soon([&] { return at.letters("open") == 4; }));
  CHECK(letters.list({}).value().at(0).attempts == 2);
  CHECK(at.behind.sorted().size() == 16);
  // Mended.
  at.mended = true;
  CHECK(letters.discard({.id = 2})->discarded == 1);
  const auto second = letters.replay({});
  REQUIRE(second);
  CHECK(second->accepted == 3);
  REQUIRE(at.soon([&] { return letters.progress(*second).value().replayed == 3; }));
  CHECK(at.letters("replayed") == 3);
  auto expected = all_numbers();
  expected.erase(std::find(expected.begin(), expected.end(), 10));
  CHECK(at.behind.sorted() == expected);
  CHECK(at.beside.sorted() == all_numbers());
  for (const LaneBooks& books : at.pipeline->books()) {
    INFO(books.sink);
    CHECK(books.in + books.created ==
          books.filtered + books.deduplicated + books.dead_lettered + books.skipped + books.out + books.in_flight);
  }
  at.stop.request_stop();
  at.thread.join();
  CHECK(at.result);
}

TEST_CASE("Requests from several threads at once are all kept") {
  Running at;
  REQUIRE(at.soon([&] { return at.letters("open") == 4; }));
  at.mended = true;
  std::atomic<std::uint64_t> accepted{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        const auto ticket = at.pipeline->dead_letters()->replay({});
        if (ticket) accepted += ticket->accepted;
      });
    }
  }
  CHECK(accepted == 4);
  REQUIRE(at.soon([&] { return at.letters("replayed") == 4; }));
  CHECK(at.behind.sorted() == all_numbers());
}
