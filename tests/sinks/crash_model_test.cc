// Random batches, commits, crashes at fault points and failing steps; after each, replay from what open() says.  In the end, and for
// files at every moment, each record is there exactly once and in order (G1, G5, G6, G22, G23).
// SLUICE_TEST_SEEDS sets the number of seeds; a failure prints its seed.

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <random>

#include "tests/sinks/harness.h"
#include "tests/sinks/sqlite_query.h"

using namespace sluice;
using namespace sluice::testing;

namespace {

constexpr std::uint64_t kRecords = 150;

unsigned seeds() {
  const char* given = std::getenv("SLUICE_TEST_SEEDS");
  return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : 150;
}

class Model {
 public:
  Model(unsigned seed, std::string type, Settings settings, std::vector<Field> fields, std::vector<std::uint32_t> key)
      : type_(std::move(type)), settings_(std::move(settings)), random_(seed), maker_(world, std::move(fields), std::move(key)) {}

  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

  // Makes record `ordinal` (always the same one); looks at the destination after every step.
  void run(const std::function<void(BatchMaker&, std::uint64_t)>& make, const std::function<void()>& look) {
    while (!finished_) {
      try {
        live_once(make, look);
      } catch (const SimulatedCrash&) {
        crashes.insert(world.faults.crashed_at);
      }
      world.faults.crash_at = 0;
      world.faults.failing.clear();
      look();
    }
  }

  World world;
  std::set<std::string> crashes;

 private:
  // From a start of the process to its crash, its graceful stop, or the end of the log.
  void live_once(const std::function<void(BatchMaker&, std::uint64_t)>& make, const std::function<void()>& look) {
    const auto sink = world.make_sink(type_, settings_);
    world.faults.crash_at = pick(4) == 0 ? 0 : 1 + pick(40);
    std::uint64_t next = reopen(*sink);
    while (next <= kRecords) {
      if (pick(6) == 0) fail_something();
      const Result<std::uint64_t> done = write_and_commit(*sink, next, make);
      world.faults.failing.clear();
      if (done) {
        next = *done;
      } else {
        REQUIRE((done.error().kind() == ErrorKind::kTransient || done.error().kind() == ErrorKind::kCommitUnknown));
        next = reopen(*sink);
      }
      world.clock.elapsed += std::chrono::seconds(pick(60));
      look();
      if (pick(8) == 0) {
        (void)sink->close(pick(2) == 0 ? Sink::Closing::kSeal : Sink::Closing::kAbandon);
        return;
      }
    }
    const Status closed = sink->close(Sink::Closing::kSeal);  // outside of REQUIRE, which would catch the crash
    REQUIRE(closed);
    finished_ = true;
  }

  std::uint64_t reopen(Sink& sink) {
    const Checkpoint known = open(sink);
    const auto found = known.find("files/log");
    if (found == known.end()) return 1;
    REQUIRE(found->second.resume == "resume " + std::to_string(found->second.done.major));
    return found->second.done.major + 1;
  }

  void fail_something() {
    static const std::vector<std::string> kSteps = {"file_sink.write",
                                                    "file_sink.fsync",
                                                    "file_sink.open",
                                                    "file_sink.seal_rename",
                                                    "file_sink_manifest.write",
                                                    "file_sink_manifest.fsync",
                                                    "file_sink_manifest.rename",
                                                    "file_sink_manifest.directory_sync"};
    world.faults.failing = {{kSteps[pick(static_cast<unsigned>(kSteps.size()))], pick(2) == 0 ? ENOSPC : EIO}};
  }

  Result<std::uint64_t> write_and_commit(Sink& sink, std::uint64_t next, const std::function<void(BatchMaker&, std::uint64_t)>& make) {
    Checkpoint through;
    Rejects rejects;
    for (unsigned batches = 1 + pick(3); batches > 0 && next <= kRecords; --batches) {
      const std::uint64_t last = std::min<std::uint64_t>(kRecords, next + pick(12));
      maker_.start();
      for (; next <= last; ++next) make(maker_, next);
      const auto batch = maker_.take();
      advance(through, batch->through());
      std::vector<std::uint32_t> all(batch->size());
      for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
      SLUICE_TRY(sink.write({batch, all}, rejects, {}));
    }
    SLUICE_TRY(sink.flush(rejects, {}));
    REQUIRE(rejects.empty());
    SLUICE_TRY(commit(sink, through));
    return next;
  }

  const std::string type_;
  const Settings settings_;
  std::mt19937 random_;
  BatchMaker maker_;
  bool finished_ = false;
};

// What a reader saw of a folder must stay as it was.
class Reader {
 public:
  explicit Reader(std::string folder) : folder_(std::move(folder)) {}

  void look() {
    std::map<std::string, std::string> now;
    for (const std::string& file : visible_files(folder_)) now[file] = read_text(file);
    for (const auto& [file, text] : seen_) {
      INFO(file);
      REQUIRE(now[file] == text);
    }
    for (const auto& [file, text] : now) REQUIRE((!text.empty() && text.back() == '\n'));
    seen_ = std::move(now);
  }

  // Lines of all files whose path contains `part`, in the order of their numbers.
  std::string content(const std::string& part) const {
    std::map<std::uint64_t, std::string> by_number;
    for (const auto& [file, text] : seen_) {
      if (file.find(part) == std::string::npos) continue;
      const std::size_t dash = file.rfind('-');
      const bool numbered = dash != std::string::npos && file.find('/', dash) == std::string::npos;
      by_number[numbered ? std::stoull(file.substr(dash + 1)) : 0] += text;
    }
    std::string result;
    for (const auto& [number, text] : by_number) result += text;
    return result;
  }

 private:
  const std::string folder_;
  std::map<std::string, std::string> seen_;
};

std::string country_of(std::uint64_t ordinal) { return std::string(1, static_cast<char>('a' + ordinal * ordinal % 3)); }

}  // namespace

TEST_CASE("Crash model: the file sink shows every record exactly once, in order (G22)") {
  std::set<std::string> crashes;
  for (unsigned seed = 1; seed <= seeds(); ++seed) {
    INFO("seed " << seed);
    TemporaryDirectory lake(TemporaryDirectory::Place::kMemory);
    const Settings settings = {{"path", lake / (seed % 2 == 0 ? "lake/${this.country}/" : "lake/${this.country}/x.json")},
                               {"format.json.meta", "false"},
                               {"rotate.size", seed % 3 == 0 ? "200B" : "100KiB"},
                               {"rotate.after", "2m"}};
    Model model(seed, "file", settings, {{"id", Value::Type::kInt64}, {"country", Value::Type::kString}}, {});
    Reader reader(lake / "lake");
    model.run(
        [](BatchMaker& maker, std::uint64_t id) {
          maker.add_at(id, Op::kInsert, {Value::int64(static_cast<std::int64_t>(id)), maker.text(country_of(id))});
        },
        [&] { reader.look(); });
    for (const std::string country : {"a", "b", "c"}) {
      std::string expected;
      for (std::uint64_t id = 1; id <= kRecords; ++id) {
        if (country_of(id) == country) expected += "{\"id\":" + std::to_string(id) + ",\"country\":\"" + country + "\"}\n";
      }
      REQUIRE(reader.content("/" + country + "/") == expected);
    }
    crashes.insert(model.crashes.begin(), model.crashes.end());
  }
  for (const std::string step :
       {"seal_rename", "seal_sync", "part_write", "part_remove", "part_cut", "part_sync", "staging_sync", "manifest"}) {
    if (seeds() < 100) break;
    CHECK(crashes.contains("file_sink.before_" + step));
    CHECK(crashes.contains("file_sink.after_" + step));
  }
  for (const std::string step : {"write", "fsync", "rename", "directory_sync"}) {
    if (seeds() < 100) break;
    CHECK(crashes.contains("file_sink_manifest.before_" + step));
    CHECK(crashes.contains("file_sink_manifest.after_" + step));
  }
}

TEST_CASE("Crash model: sqlite append shows every record exactly once, in order (G23)") {
  std::set<std::string> crashes;
  for (unsigned seed = 1; seed <= (seeds() + 2) / 3; ++seed) {
    INFO("seed " << seed);
    TemporaryDirectory directory(TemporaryDirectory::Place::kMemory);
    const std::string path = directory / "out.db";
    Model model(seed, "sqlite", {{"path", path}, {"table", "items"}}, {{"id", Value::Type::kInt64}}, {});
    model.run([](BatchMaker& maker, std::uint64_t id) { maker.add_at(id, Op::kInsert, {Value::int64(static_cast<std::int64_t>(id))}); },
              [] {});
    std::string expected;
    for (std::uint64_t id = 1; id <= kRecords; ++id) expected += std::to_string(id) + ",'files/log/" + std::to_string(id) + "/0'\n";
    REQUIRE(query(path, "SELECT id, _id FROM items ORDER BY rowid") == expected);
    crashes.insert(model.crashes.begin(), model.crashes.end());
  }
  for (const std::string point :
       {"before_begin", "after_begin", "before_rows", "after_rows", "before_position", "before_commit", "after_commit"}) {
    if (seeds() >= 100) CHECK(crashes.contains("sqlite_sink." + point));
  }
}

TEST_CASE("Crash model: sqlite upsert equals the log applied in order (G16, G17, G23)") {
  for (unsigned seed = 1; seed <= (seeds() + 2) / 3; ++seed) {
    INFO("seed " << seed);
    // The log: a table of at most 12 keys under random changes, moves of keys included.
    std::mt19937 random(seed * 7919);
    struct Change {
      Op op;
      std::int64_t key, old_key;
      bool unchanged;
    };
    std::map<std::int64_t, std::pair<std::string, std::string>> table;
    std::vector<Change> log(1);
    for (std::uint64_t ordinal = 1; ordinal <= kRecords; ++ordinal) {
      Change change{Op::kInsert, static_cast<std::int64_t>(random() % 12), -1, false};
      const std::string text = "v" + std::to_string(ordinal);
      if (!table.contains(change.key)) {
        table[change.key] = {text, "long" + text};
      } else if (random() % 4 == 0) {
        change.op = Op::kDelete;
        table.erase(change.key);
      } else {
        change.op = Op::kUpdate;
        change.unchanged = random() % 2 == 0;
        const auto target = static_cast<std::int64_t>(random() % 12);
        auto row = std::pair{text, change.unchanged ? table[change.key].second : "long" + text};
        if (!table.contains(target)) {
          table.erase(change.key);
          change.old_key = change.key;
          change.key = target;
        }
        table[change.key] = row;
      }
      log.push_back(change);
    }
    TemporaryDirectory directory(TemporaryDirectory::Place::kMemory);
    const std::string path = directory / "out.db";
    Model model(seed, "sqlite", {{"path", path}, {"table", "items"}, {"mode", "upsert"}},
                {{"id", Value::Type::kInt64}, {"a", Value::Type::kString}, {"b", Value::Type::kString}}, {0});
    model.run(
        [&](BatchMaker& maker, std::uint64_t ordinal) {
          const Change& change = log[ordinal];
          const std::string text = "v" + std::to_string(ordinal);
          const Value key = Value::int64(change.key);
          if (change.op == Op::kDelete) {
            maker.add_at(ordinal, change.op, {}, {key, Value::unchanged(), Value::unchanged()});
            return;
          }
          std::vector<Value> before;
          if (change.old_key >= 0) before = {Value::int64(change.old_key), Value::unchanged(), Value::unchanged()};
          maker.add_at(ordinal, change.op, {key, maker.text(text), change.unchanged ? Value::unchanged() : maker.text("long" + text)},
                       before);
        },
        [] {});
    std::string expected;
    for (const auto& [key, row] : table) expected += std::to_string(key) + ",'" + row.first + "','" + row.second + "'\n";
    REQUIRE(query(path, "SELECT * FROM items ORDER BY id") == expected);
  }
}
