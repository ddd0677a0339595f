// The file source at its interface: reading, following, rotation, truncation, and every kind of restart.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "file_source_fixture.h"
#include "sources/file_identity.h"

namespace sluice {

using namespace testing;
using std::chrono_literals::operator""s;

TEST_CASE("Once: all lines of all matching files, then finished") {
  TemporaryDirectory dir;
  write_file(dir / "a.jsonl", "{\"x\":1}\n\n  \t\n{\"x\":2}\r\n{\"x\":3}");
  write_file(dir / "b.jsonl", "");
  write_file(dir / "other.txt", "no");
  Life life("file", config(dir / "*.jsonl", "once"));
  CHECK(life.drain() == SourceState::kFinished);
  CHECK(life.contents() == Strings{"{\"x\":1}", "{\"x\":2}", "{\"x\":3}"});
  // G1: the ordinal is the byte offset of the line.
  REQUIRE(life.seen.size() == 3);
  CHECK(life.seen[0].ordinal == Ordinal{0, 0});
  CHECK(life.seen[1].ordinal == Ordinal{13, 0});
  CHECK(life.seen[2].ordinal == Ordinal{22, 0});
  Life again("file", config(dir / "*.jsonl", "once"), life.checkpoint);
  CHECK(again.drain() == SourceState::kFinished);
  CHECK(again.seen.empty());
}

TEST_CASE("Once: no file is no error") {
  TemporaryDirectory dir;
  Life life("file", config(dir / "*.jsonl", "once"));
  CHECK(life.drain() == SourceState::kFinished);
}

TEST_CASE("A bad line is rejected in its place with its bytes, the others are read") {
  TemporaryDirectory dir;
  write_file(dir / "a", "{\"x\":1}\nnonsense\n[1]\n{\"x\":\"\xff\"}\n{\"x\":2}\n");
  Life life("file", config(dir / "a", "once"));
  life.drain();
  CHECK(life.contents() ==
        Strings{"{\"x\":1}", "!json_not_object nonsense", "!json_not_object [1]", "!invalid_utf8 {\"x\":\"\xff\"}", "{\"x\":2}"});
}

TEST_CASE("Records carry their bytes and their file") {
  TemporaryDirectory dir;
  write_file(dir / "a", "\xef\xbb\xbf{\"x\":1} \r\n");
  Life life("file", config(dir / "a", "once"));
  REQUIRE(life.read() == SourceState::kMore);
  const Record& record = life.last_batch->records().at(0);
  CHECK(record.raw == "{\"x\":1} ");
  CHECK(record.op == Op::kInsert);
  REQUIRE(record.meta.size() == 1);
  CHECK(record.meta[0].as_text() == dir / "a");
}

TEST_CASE("Follow: appended lines come, a half-written one waits for its line feed") {
  TemporaryDirectory dir;
  write_file(dir / "log", "{\"x\":1}\n{\"x\"");
  Life life("file", config(dir / "log", "follow"));
  CHECK(life.drain() == SourceState::kIdle);
  CHECK(life.contents() == Strings{"{\"x\":1}"});
  append_file(dir / "log", ":2}");
  CHECK(life.drain() == SourceState::kIdle);
  CHECK(life.seen.size() == 1);
  append_file(dir / "log", "\n{\"x\":3}\n");
  CHECK(life.drain() == SourceState::kIdle);
  CHECK(life.contents() == Strings{"{\"x\":1}", "{\"x\":2}", "{\"x\":3}"});
}

TEST_CASE("G8: a source with nothing to say waits no longer than linger and says that it is idle") {
  TemporaryDirectory dir;
  Life life("file", config(dir / "log", "follow"));
  const auto before = life.clock.now();
  CHECK(life.read() == SourceState::kIdle);
  CHECK(life.clock.now() - before <= BatchLimits{}.linger + std::chrono::milliseconds(20));
  append_file(dir / "log", line(1));
  life.clock.advance(2s);
  life.drain();
  CHECK(life.contents() == rows(1, 1));
}

TEST_CASE("Rotation by rename: the old file is read to its end, then the new one; the old partition is retired (G4)") {
  TemporaryDirectory dir;
  const auto settings = config(dir / "app.log", "follow");
  write_file(dir / "app.log", lines(1, 3));
  Life life("file", settings);
  life.drain();
  append_file(dir / "app.log", line(4));
  std::filesystem::rename(dir / "app.log", dir / "app.log.1");
  append_file(dir / "app.log.1", line(5));  // the writer has not noticed yet
  write_file(dir / "app.log", lines(6, 7));
  life.clock.advance(2s);
  life.drain();
  append_file(dir / "app.log.1", line(8) + "{\"i\":9}");
  life.drain();
  CHECK(life.seen.size() == 8);
  for (int i = 0; i < 10; ++i) {
    life.clock.advance(2s);
    life.drain();
  }
  auto contents = life.contents();
  std::sort(contents.begin(), contents.end());
  CHECK(contents == rows(1, 9));  // with the half-written last line: nobody will end it
  REQUIRE(life.checkpoint.size() == 2);
  CHECK(std::count_if(life.checkpoint.begin(), life.checkpoint.end(), [](const auto& entry) { return entry.second.retired; }) == 1);
}

TEST_CASE("Rotation while the source is down: the rest of the renamed file is read") {
  TemporaryDirectory dir;
  const auto settings = config(dir / "app.log", "follow");
  write_file(dir / "app.log", lines(1, 3));
  Checkpoint checkpoint;
  {
    Life life("file", settings);
    life.drain(small_batches(2));
    checkpoint = life.checkpoint;
  }
  append_file(dir / "app.log", lines(4, 5));
  std::filesystem::rename(dir / "app.log", dir / "app.log.1");
  write_file(dir / "app.log", lines(6, 7));
  Life life("file", settings, checkpoint);
  life.drain();
  auto contents = life.contents();
  std::sort(contents.begin(), contents.end());
  CHECK(contents == rows(4, 7));
}

TEST_CASE("G2: copytruncate starts a new generation, seen by size or by content") {
  TemporaryDirectory dir;
  const auto settings = config(dir / "app.log", "follow");
  write_file(dir / "app.log", lines(1, 5));
  Life life("file", settings);
  life.drain();
  const std::string first = life.seen[0].partition;

  std::filesystem::resize_file(dir / "app.log", 0);
  append_file(dir / "app.log", lines(100, 101));
  life.drain();
  REQUIRE(life.seen.size() == 7);
  CHECK(life.seen[5].partition != first);
  CHECK(life.seen[5].ordinal == Ordinal{0, 0});
  CHECK(life.checkpoint.at("in/" + first).retired);

  // Grown beyond the old place before we looked: the size does not tell, the content does.
  std::filesystem::resize_file(dir / "app.log", 0);
  append_file(dir / "app.log", lines(200, 240));
  life.drain();
  CHECK(life.seen.size() == 7 + 41);
  CHECK(life.contents().back() == row(240));
}

TEST_CASE("G2: copytruncate while the source is down, and a generation that begins like the one before") {
  TemporaryDirectory dir;
  const auto settings = config(dir / "app.log", "follow");
  write_file(dir / "app.log", lines(1, 5));
  Life life("file", settings);
  life.drain();
  std::filesystem::resize_file(dir / "app.log", 0);
  append_file(dir / "app.log", line(1) + lines(200, 240));  // the same first line
  Life second("file", settings, life.checkpoint);
  second.drain();
  CHECK(second.seen.size() == 42);
  CHECK(second.seen[0].partition == life.seen[0].partition + ".2");
  CHECK(second.checkpoint.at("in/" + life.seen[0].partition).retired);
  // And its records keep their names in a third life (G1).
  Life third("file", settings, life.checkpoint);
  third.drain();
  CHECK(third.seen == second.seen);
}

TEST_CASE("G2: content that agrees in its first KiB and is as long is still told apart, in process and after a restart") {
  TemporaryDirectory dir;
  const auto settings = config(dir / "app.log", "follow");
  write_file(dir / "app.log", lines(1, 300));
  Life life("file", settings);
  life.drain();
  REQUIRE(life.seen.size() == 300);
  write_file(dir / "app.log", lines(1, 200) + lines(1001, 1200));  // the same inode, cut and written anew
  Life second("file", settings, life.checkpoint);
  second.drain();
  CHECK(second.seen.size() == 400);
  life.drain();
  CHECK(life.seen.size() == 300 + 400);
}

TEST_CASE("G2: an inode number that another file took over is another partition") {
  TemporaryDirectory dir;
  const auto settings = config(dir / "*.log", "follow");
  write_file(dir / "a.log", lines(1, 5));
  Life life("file", settings);
  life.drain();
  const auto id = *sources::partition_file(life.seen[0].partition);
  // The same inode under another content is what reuse looks like from outside.
  std::filesystem::rename(dir / "a.log", dir / "b.log");
  write_file(dir / "b.log", lines(50, 90));
  Life second("file", settings, life.checkpoint);
  second.drain();
  REQUIRE(second.seen.size() == 41);
  CHECK(*sources::partition_file(second.seen[0].partition) == id);
  CHECK(second.seen[0].partition != life.seen[0].partition);
}

TEST_CASE("G4: a file that is gone at the start is retired; a foreign or garbled position is left alone") {
  TemporaryDirectory dir;
  const auto settings = config(dir / "*.log", "follow");
  write_file(dir / "a.log", lines(1, 5));
  Life life("file", settings);
  life.drain();
  std::filesystem::remove(dir / "a.log");
  Checkpoint from = life.checkpoint;
  const std::string key = from.begin()->first;
  from["other/1:2:abc"] = Position{{7, 0}, "x", false};
  from["in/started/0"] = Position{{1, 0}, "", false};
  Life second("file", settings, from);
  second.drain();
  CHECK(second.seen.empty());
  CHECK(second.checkpoint.at(key).retired);
  CHECK_FALSE(second.checkpoint.at("other/1:2:abc").retired);
  CHECK_FALSE(second.checkpoint.at("in/started/0").retired);
}

TEST_CASE("Start latest: what is there at the first start is passed over, what comes later is not") {
  TemporaryDirectory dir;
  std::vector<std::pair<std::string, ConfigNode>> latest{{"start", scalar("latest")}};
  const auto settings = config(dir / "*.log", "follow", latest);
  write_file(dir / "a.log", lines(1, 5) + "{\"i\"");
  write_file(dir / "empty.log", "");
  Life life("file", settings);
  life.read();
  CHECK(life.last_batch->commit_wanted());
  life.drain();
  CHECK(life.seen.empty());
  CHECK_FALSE(life.last_batch->commit_wanted());
  append_file(dir / "a.log", ":6}\n");
  append_file(dir / "empty.log", line(7));
  write_file(dir / "new.log", line(8));
  Life second("file", settings, life.checkpoint);  // the first life's knowledge is in its checkpoint
  second.drain();
  auto contents = second.contents();
  std::sort(contents.begin(), contents.end());
  CHECK(contents == Strings{row(6), row(7), row(8)});
}

TEST_CASE("When done: a file is deleted or moved only after the acknowledgement covers it") {
  TemporaryDirectory dir;
  write_file(dir / "a", lines(1, 3));
  {
    Life life("file", config(dir / "a", "once", {{"when_done", scalar("delete")}}));
    CHECK(life.drain() == SourceState::kFinished);
    life.close();
    CHECK(exists(dir / "a"));  // closed without an acknowledgement
  }
  {
    Life life("file", config(dir / "a", "once", {{"when_done", scalar("delete")}}));
    life.read(small_batches(2));
    life.acknowledge();  // covers two of three
    CHECK(life.drain() == SourceState::kFinished);
    life.close();
    CHECK(exists(dir / "a"));
  }
  Checkpoint committed;
  {
    Life life("file", config(dir / "a", "once", {{"when_done", scalar("delete")}}));
    life.drain();
    life.acknowledge();
    committed = life.checkpoint;
    // The crash: committed, but not deleted.
  }
  REQUIRE(exists(dir / "a"));
  Life life("file", config(dir / "a", "once", {{"when_done", scalar("delete")}}), committed);
  life.drain();
  life.close();
  CHECK(life.seen.empty());
  CHECK_FALSE(exists(dir / "a"));

  std::filesystem::create_directory(dir / "done");
  write_file(dir / "b", lines(1, 3));
  write_file(dir / "done/b", "taken");
  Life mover("file", config(dir / "b", "once", {{"when_done", mapping({{"move", scalar(dir / "done")}})}}));
  mover.drain();
  mover.acknowledge();
  mover.close();
  CHECK_FALSE(exists(dir / "b"));
  CHECK(exists(dir / "done/b"));
  CHECK(exists(dir / "done/b.1"));
}

TEST_CASE("Shards share the files: each is read by exactly one") {
  TemporaryDirectory dir;
  for (int i = 0; i < 30; ++i) write_file(dir / std::to_string(i), line(i));
  Strings contents;
  std::size_t largest = 0;
  for (unsigned shard = 0; shard < 3; ++shard) {
    Life life("file", config(dir / "*", "once"), {}, shard, 3);
    life.drain();
    largest = std::max(largest, life.seen.size());
    for (const std::string& content : life.contents()) contents.push_back(content);
  }
  CHECK(largest < 30);
  std::sort(contents.begin(), contents.end());
  CHECK(std::unique(contents.begin(), contents.end()) == contents.end());
  CHECK(contents.size() == 30);
}

TEST_CASE("A closed file that is renamed out of the pattern is read to its end under its new name") {
  TemporaryDirectory dir;
  constexpr int kFiles = 300;  // more than may be open at once
  const auto name = [&](int i) { return dir / (std::to_string(i) + ".log"); };
  for (int i = 0; i < kFiles; ++i) write_file(name(i), line(i));
  Life life("file", config(dir / "*.log", "follow"));
  life.drain();
  for (int i = 0; i < kFiles; ++i) {
    append_file(name(i), line(kFiles + i));
    std::filesystem::rename(name(i), name(i) + ".1");
  }
  life.clock.advance(2s);
  life.drain();
  CHECK(life.seen.size() == 2 * kFiles);
  life.clock.advance(6s);
  life.drain();
  CHECK(std::all_of(life.checkpoint.begin(), life.checkpoint.end(), [](const auto& entry) { return entry.second.retired; }));
}

TEST_CASE("Random crashes under rotation: every record under one name, none lost", "[property]") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    TemporaryDirectory dir;
    const auto settings = config(dir / "app.log*", "follow");
    int written = 0, rotated = 0;
    std::map<std::string, Seen> known;  // by partition and ordinal
    std::set<std::string> contents;
    Checkpoint durable;
    auto life = std::make_unique<Life>("file", settings, durable);
    const auto note = [&] {
      for (const Seen& entry : life->seen) {
        const std::string name = entry.partition + "/" + std::to_string(entry.ordinal.major);
        const auto [slot, fresh] = known.emplace(name, entry);
        REQUIRE(slot->second == entry);                             // a name never means two records
        if (fresh) REQUIRE(contents.insert(entry.content).second);  // nor has a record two names
      }
      life->seen.clear();
    };
    for (int step = 0; step < 60; ++step) {
      switch (random() % 6) {
        case 0:
        case 1: {
          const int count = static_cast<int>(random() % 20);
          append_file(dir / "app.log", lines(written + 1, written + count));
          written += count;
          break;
        }
        case 2:
          if (exists(dir / "app.log")) std::filesystem::rename(dir / "app.log", dir / ("app.log." + std::to_string(++rotated)));
          break;
        case 3:
          if (random() % 2 == 0) durable = life->checkpoint;  // what a commit would have stored
          life = std::make_unique<Life>("file", settings, durable);
          break;
        case 4:
          life->read(small_batches(1 + random() % 8));
          note();
          break;
        default:  // truncation loses what was not read, so it comes after reading all
          life->clock.advance(2s);
          life->drain();
          note();
          durable = life->checkpoint;
          if (random() % 2 == 0 && exists(dir / "app.log")) std::filesystem::resize_file(dir / "app.log", 0);
          break;
      }
    }
    life = std::make_unique<Life>("file", settings, durable);
    life->drain();
    note();
    CHECK(contents.size() == static_cast<std::size_t>(written));
  }
}

}  // namespace sluice
