// The file source and what may be in files: compression, formats, oversize and damaged input, files that cannot be read.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "file_source_fixture.h"

namespace sluice {

using namespace testing;
using std::chrono_literals::operator""s;

namespace {

std::string gzip(std::string_view text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(text.size() + 1024, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

}  // namespace

TEST_CASE("Compressed files: gzip with several members, zstd; named auto by their magic; resumable anywhere") {
  TemporaryDirectory dir;
  write_file(dir / "a.gz", gzip(lines(1, 5000)) + gzip(lines(5001, 9000)));
  write_file(dir / "b.zst", zstd(lines(10001, 19000)));
  write_file(dir / "c", lines(20001, 20010));
  const auto settings = config(dir / "*", "once");
  Life whole("file", settings);
  CHECK(whole.drain() == SourceState::kFinished);
  CHECK(whole.seen.size() == 18010);
  auto expected = whole.seen;
  std::sort(expected.begin(), expected.end());

  std::vector<Seen> pieces;
  Checkpoint from;
  for (int life = 0; life < 40; ++life) {
    Life part("file", settings, from);
    const bool done = part.read(small_batches(700)) == SourceState::kFinished;
    pieces.insert(pieces.end(), part.seen.begin(), part.seen.end());
    from = part.checkpoint;
    if (done) break;
  }
  std::sort(pieces.begin(), pieces.end());
  CHECK(pieces == expected);
}

TEST_CASE("A compressed file that breaks off or is damaged gives what can be read and one dead letter") {
  TemporaryDirectory dir;
  const std::string good = gzip(lines(1, 20000));
  write_file(dir / "cut.gz", good.substr(0, good.size() / 2));
  const auto settings = config(dir / "*", "once");
  Life cut("file", settings);
  CHECK(cut.drain() == SourceState::kFinished);
  REQUIRE(cut.seen.size() > 1000);
  CHECK(cut.contents().back().starts_with("!compressed_truncated"));
  CHECK(cut.contents()[cut.seen.size() - 2] == row(static_cast<int>(cut.seen.size()) - 1));
  Life again("file", settings, cut.checkpoint);
  CHECK(again.drain() == SourceState::kFinished);
  CHECK(again.seen.empty());

  std::string bad = good;
  for (std::size_t i = bad.size() / 2; i < bad.size() / 2 + 100; ++i) bad[i] = static_cast<char>(~bad[i]);
  write_file(dir / "cut.gz", bad);
  Life damaged("file", settings);
  CHECK(damaged.drain() == SourceState::kFinished);
  CHECK(std::count_if(damaged.seen.begin(), damaged.seen.end(),
                      [](const Seen& s) { return s.content.starts_with("!compressed_corrupt"); }) == 1);
}

TEST_CASE("A compressed file that is still being copied is not disposed of, and a later run reads the rest (G1, G3)") {
  TemporaryDirectory dir;
  const std::string good = gzip(lines(1, 20000));
  const auto settings = config(dir / "*", "once", {{"when_done", scalar("delete")}});
  for (const std::size_t there : {good.size() / 2, std::size_t{12}}) {
    INFO(there);
    write_file(dir / "half.gz", good.substr(0, there));
    Life cut("file", settings);
    CHECK(cut.drain() == SourceState::kFinished);
    REQUIRE_FALSE(cut.seen.empty());
    CHECK(cut.contents().back().starts_with("!compressed_truncated"));
    cut.acknowledge();
    cut.close();
    REQUIRE(exists(dir / "half.gz"));
    append_file(dir / "half.gz", good.substr(there));
    Life rest("file", settings, cut.checkpoint);
    CHECK(rest.drain() == SourceState::kFinished);
    auto all = cut.contents();
    all.pop_back();
    const auto more = rest.contents();
    all.insert(all.end(), more.begin(), more.end());
    REQUIRE(all.size() == 20000);
    CHECK(all.front() == row(1));
    CHECK(all.back() == row(20000));
    rest.acknowledge();
    rest.close();
    CHECK_FALSE(exists(dir / "half.gz"));
  }
}

TEST_CASE("An oversize record is rejected by its beginning; the next line is read") {
  TemporaryDirectory dir;
  std::vector<std::pair<std::string, ConfigNode>> limit{{"max_record", scalar("100KiB")}};
  const std::string huge = "{\"x\":\"" + std::string(700'000, 'h') + "\"}\n";
  const std::string big = "{\"x\":\"" + std::string(103'000, 'b') + "\"}\n";
  write_file(dir / "a", line(1) + huge + line(2) + big + line(3) + huge.substr(0, 300'000));
  Life life("file", config(dir / "a", "follow", limit));
  life.drain();
  REQUIRE(life.seen.size() == 5);
  CHECK(life.contents()[1].starts_with("!record_too_large {\"x\":\"hhh"));
  CHECK(life.contents()[2] == row(2));
  CHECK(life.contents()[3].starts_with("!record_too_large {\"x\":\"bbb"));
  CHECK(life.contents()[4] == row(3));
  append_file(dir / "a", std::string(500'000, 'h'));
  life.drain();
  CHECK(life.seen.size() == 5);
  append_file(dir / "a", "\"}\n" + line(4));
  life.drain();
  REQUIRE(life.seen.size() == 7);
  CHECK(life.contents()[5].starts_with("!record_too_large"));
  CHECK(life.contents()[6] == row(4));
  Life again("file", config(dir / "a", "follow", limit));
  again.drain();
  CHECK(again.seen == life.seen);
}

TEST_CASE("A record larger than a batch is meant to be is read all the same, and one beyond max_record is rejected") {
  TemporaryDirectory dir;
  std::string text;
  Strings expected;
  for (const std::size_t size : {600'000U, 1'000'000U, 1'500'000U, 2'500'000U}) {
    expected.push_back("{\"t\":\"" + std::string(size, 'a') + "\"}");
    expected.push_back(row(static_cast<int>(size)));
    text += expected[expected.size() - 2] + "\n" + expected.back() + "\n";
  }
  text += lines(1, 200'000);
  write_file(dir / "a", text);
  Life whole("file", config(dir / "a", "once", {{"max_record", scalar("4MiB")}}));
  CHECK(whole.drain() == SourceState::kFinished);
  REQUIRE(whole.seen.size() == expected.size() + 200'000);
  CHECK(std::equal(expected.begin(), expected.end(), whole.contents().begin()));
  Life limited("file", config(dir / "a", "once"));
  CHECK(limited.drain() == SourceState::kFinished);
  CHECK(limited.seen.size() == whole.seen.size());
  CHECK(limited.contents()[2] == expected[2]);
  CHECK(limited.contents()[4].starts_with("!record_too_large"));
}

TEST_CASE("A file of nothing but bad lines comes in batches of the usual number of records") {
  TemporaryDirectory dir;
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "x\n";
  write_file(dir / "a", text);
  Life life("file", config(dir / "a", "once"));
  while (life.read() == SourceState::kMore) CHECK(life.last_batch->rejected_inputs().size() <= BatchLimits{}.records);
  CHECK(life.seen.size() == 10'000);
}

TEST_CASE("CSV files: header, quoted line breaks, resumed in the middle") {
  TemporaryDirectory dir;
  std::vector<std::pair<std::string, ConfigNode>> csv{{"format", scalar("csv")}};
  const auto settings = config(dir / "*.csv", "once", csv);
  write_file(dir / "a.csv", "\xef\xbb\xbf\"id\",text\r\n1,\"two\nlines\"\r\n2,\r\n3\r\n4,\"\"\r\n");
  Life life("file", settings);
  life.drain();
  CHECK(life.contents() ==
        Strings{R"({"id":"1","text":"two\nlines"})", R"({"id":"2","text":null})", "!csv_ragged_row 3", R"({"id":"4","text":""})"});
  std::vector<Seen> pieces;
  Checkpoint from;
  for (int i = 0; i < 10; ++i) {
    Life part("file", settings, from);
    const bool done = part.read(small_batches(1)) == SourceState::kFinished;
    pieces.insert(pieces.end(), part.seen.begin(), part.seen.end());
    from = part.checkpoint;
    if (done) break;
  }
  CHECK(pieces == life.seen);
}

TEST_CASE("CSV: a quote that is never closed costs its line, not the file; a bad header costs every row, loudly") {
  TemporaryDirectory dir;
  std::vector<std::pair<std::string, ConfigNode>> csv{{"format", scalar("csv")}};
  write_file(dir / "a.csv", "a,b\n1,2\n3,\"x\n5,6\n");
  Life life("file", config(dir / "a.csv", "once", csv));
  life.drain();
  CHECK(life.contents() == Strings{R"({"a":"1","b":"2"})", "!csv_unterminated_quote 3,\"x", R"({"a":"5","b":"6"})"});
  write_file(dir / "b.csv", "a,a\n1,2\n");
  Life bad("file", config(dir / "b.csv", "once", csv));
  bad.drain();
  CHECK(bad.contents() == Strings{"!csv_header 1,2"});
}

TEST_CASE("Lines: one field, whatever the text") {
  TemporaryDirectory dir;
  std::vector<std::pair<std::string, ConfigNode>> format{{"format", scalar("lines")}};
  write_file(dir / "a", "x \"y\"\n\n  z\nlast");
  Life life("file", config(dir / "a", "once", format));
  life.drain();
  CHECK(life.contents() == Strings{R"({"line":"x \"y\""})", R"({"line":"  z"})", R"({"line":"last"})"});
}

TEST_CASE("More files than may be open at once are all followed") {
  TemporaryDirectory dir;
  constexpr int kFiles = 300;
  for (int i = 0; i < kFiles; ++i) write_file(dir / std::to_string(i), line(i));
  Life life("file", config(dir / "*", "follow"));
  life.drain();
  CHECK(life.seen.size() == kFiles);
  for (int i = 0; i < kFiles; ++i) append_file(dir / std::to_string(i), line(kFiles + i));
  life.drain();
  CHECK(life.seen.size() == 2 * kFiles);
}

TEST_CASE("A directory that cannot be looked into for a while proves nothing: its files are not read again") {
  TemporaryDirectory dir;
  write_file(dir / "a", lines(1, 3));
  Life life("file", config(dir / "*", "follow"));
  life.drain();
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{3, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  for (int i = 0; i < 4; ++i) {
    life.clock.advance(6s);
    life.drain();
  }
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  append_file(dir / "a", line(4));
  life.clock.advance(6s);
  life.drain();
  CHECK(life.contents() == rows(1, 4));
  CHECK(life.checkpoint.size() == 1);
}

TEST_CASE("A file that cannot be read keeps no other from being read") {
  TemporaryDirectory dir;
  std::filesystem::permissions(dir.path(), std::filesystem::perms::all);
  Life life("file", config(dir / "*", "follow"));
  std::map<ino_t, std::string> files;
  for (int i = 0; i < 10; ++i) {
    const std::string path = dir / std::to_string(i);
    write_file(path, line(i));
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    files[status.st_ino] = path;
  }
  std::filesystem::permissions(files.begin()->second, std::filesystem::perms::none);  // the one that is looked at first
  life.clock.advance(2s);
  const uid_t before = ::geteuid();
  if (before == 0) REQUIRE(::seteuid(65534) == 0);  // nothing is unreadable to root
  const auto failed = life.try_read();
  life.drain();
  if (before == 0) REQUIRE(::seteuid(0) == 0);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == "file_unreadable");
  CHECK(life.seen.size() == 9);
}

TEST_CASE("Blocks end anywhere: lines of all lengths around the block size", "[property]") {
  TemporaryDirectory dir;
  std::mt19937_64 random(11);
  std::string text;
  Strings expected;
  for (int i = 0; i < 400; ++i) {
    const std::size_t size = random() % 5 == 0 ? random() % 140'000 : random() % 300;
    const std::string content = "{\"i\":" + std::to_string(i) + ",\"t\":\"" + std::string(size, static_cast<char>('a' + i % 26)) + "\"}";
    expected.push_back(content);
    text += content + (random() % 3 == 0 ? "\r\n" : "\n");
  }
  write_file(dir / "a", text);
  for (const std::size_t limit : {1, 7, 2048}) {
    Life life("file", config(dir / "a", "once"));
    CHECK(life.drain(small_batches(limit)) == SourceState::kFinished);
    CHECK(life.contents() == expected);
  }
}

// G1, G2: crashes at random places, with writing, rotation and truncation in between, show the same names and contents as one undisturbed
// reader.

}  // namespace sluice
