#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "sinks/file/manifest.h"
#include "tests/sinks/harness.h"

using namespace sluice;
using namespace sluice::testing;

namespace {

const std::vector<Field> kFields = {{"id", Value::Type::kInt64}, {"country", Value::Type::kString}};

std::string line(int id, const std::string& country) { return "{\"id\":" + std::to_string(id) + ",\"country\":\"" + country + "\"}\n"; }

// JSON without _meta, so that lines are short to write down.
Settings settings(const std::string& path, Settings more = {}) {
  Settings result = {{"path", path}, {"format.json.meta", "false"}};
  result.insert(result.end(), more.begin(), more.end());
  return result;
}

std::shared_ptr<const Batch> rows(BatchMaker& maker, int first, int last, const std::string& country = "de") {
  for (int id = first; id <= last; ++id) maker.add(Op::kInsert, {Value::int64(id), maker.text(country)});
  return maker.take();
}

std::string lines(int first, int last, const std::string& country = "de") {
  std::string result;
  for (int id = first; id <= last; ++id) result += line(id, country);
  return result;
}

std::string gunzip(const std::string& packed) {
  std::string result;
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, MAX_WBITS + 16) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  char out[4096];
  while (stream.avail_in > 0) {
    stream.next_out = reinterpret_cast<Bytef*>(out);
    stream.avail_out = sizeof out;
    const int status = inflate(&stream, Z_NO_FLUSH);
    REQUIRE((status == Z_OK || status == Z_STREAM_END));
    result.append(out, sizeof out - stream.avail_out);
    if (status == Z_STREAM_END) inflateReset(&stream);
  }
  inflateEnd(&stream);
  return result;
}

}  // namespace

TEST_CASE("File sink: a directory gets numbered files, visible only once they are sealed (G22)") {
  World world;
  auto sink = world.make_sink("file", settings(world.directory / "out/"));
  CHECK(open(*sink).empty());
  BatchMaker maker(world, kFields);
  CHECK(write_all(*sink, rows(maker, 1, 3)).empty());
  CHECK(visible_files(world.directory / "out").empty());
  REQUIRE(sink->close(Sink::Closing::kSeal));
  const std::string file = world.directory / "out/shop-out-00000001.json";
  CHECK(visible_files(world.directory / "out") == std::vector{file});
  CHECK(read_text(file) == lines(1, 3));
}

TEST_CASE("File sink: the path template splits records, and a second file of a name gets a number (G22)") {
  World world;
  const auto config = settings(world.directory / "lake/${this.country}/x.json");
  BatchMaker maker(world, kFields);
  for (int round = 0; round < 2; ++round) {
    auto sink = world.make_sink("file", config);
    open(*sink);
    for (const int id : {1, 2, 3, 4}) maker.add(Op::kInsert, {Value::int64(round * 4 + id), maker.text(id % 2 == 0 ? "de" : "at")});
    CHECK(write_all(*sink, maker.take()).empty());
    REQUIRE(sink->close(Sink::Closing::kSeal));
  }
  CHECK(read_text(world.directory / "lake/at/x.json") == line(1, "at") + line(3, "at"));
  CHECK(read_text(world.directory / "lake/de/x.json") == line(2, "de") + line(4, "de"));
  const auto files = visible_files(world.directory / "lake");
  REQUIRE(files.size() == 4);
  CHECK(read_text(files[0]) == line(5, "at") + line(7, "at"));
  CHECK(files[0].ends_with("lake/at/x-00000003.json"));
}

TEST_CASE("File sink: open() tells the position of the manifest and cuts what is not committed (G22, G6)") {
  World world;
  const auto config = settings(world.directory / "out/");
  BatchMaker maker(world, kFields);
  {
    auto sink = world.make_sink("file", config);
    open(*sink);
    write_all(*sink, rows(maker, 1, 3));
    Rejects rejects;
    REQUIRE(write_only(*sink, rows(maker, 4, 5000), rejects));  // more than a buffer: bytes are in the part
  }
  auto sink = world.make_sink("file", config);
  const Checkpoint known = open(*sink);
  REQUIRE(known.contains("files/log"));
  CHECK(known.at("files/log") == Position{{3, 0}, "resume 3", false});
  BatchMaker again(world, kFields);
  again.add_at(4, Op::kInsert, {Value::int64(4), again.text("de")});
  write_all(*sink, again.take());
  REQUIRE(sink->close(Sink::Closing::kSeal));
  CHECK(read_text(world.directory / "out/shop-out-00000001.json") == lines(1, 4));
}

TEST_CASE("File sink: abandoned rows never show (G22)") {
  World world;
  auto sink = world.make_sink("file", settings(world.directory / "out/"));
  open(*sink);
  BatchMaker maker(world, kFields);
  Rejects rejects;
  REQUIRE(write_only(*sink, rows(maker, 1, 3), rejects));
  REQUIRE(sink->close(Sink::Closing::kSeal));  // sealing takes committed rows only
  CHECK(visible_files(world.directory / "out").empty());
  REQUIRE(sink->close(Sink::Closing::kAbandon));
}

TEST_CASE("File sink: rotation by size within a batch and by age at a commit") {
  World world;
  auto sink = world.make_sink("file", settings(world.directory / "out/", {{"rotate.size", "60B"}, {"rotate.after", "5m"}}));
  open(*sink);
  BatchMaker maker(world, kFields);
  write_all(*sink, rows(maker, 1, 5));  // 24 bytes a line: full after the third
  CHECK(visible_files(world.directory / "out").size() == 1);
  CHECK(read_text(world.directory / "out/shop-out-00000001.json") == lines(1, 3));
  world.clock.elapsed += std::chrono::minutes(6);
  write_all(*sink, rows(maker, 6, 6));
  CHECK(read_text(world.directory / "out/shop-out-00000002.json") == lines(4, 6));
  CHECK(visible_files(world.directory / "out").size() == 2);
}

TEST_CASE("File sink: the age of a part goes on over a restart") {
  World world;
  const auto config = settings(world.directory / "out/", {{"rotate.after", "5m"}});
  BatchMaker maker(world, kFields);
  {
    auto sink = world.make_sink("file", config);
    open(*sink);
    write_all(*sink, rows(maker, 1, 1));
  }
  world.clock.elapsed += std::chrono::minutes(6);
  auto sink = world.make_sink("file", config);
  open(*sink);
  write_all(*sink, rows(maker, 2, 2));
  CHECK(read_text(world.directory / "out/shop-out-00000001.json") == lines(1, 2));
}

TEST_CASE("File sink: compressed files are whole at every commit (G22)") {
  World world;
  BatchMaker maker(world, kFields);
  const auto run = [&](const std::string& compression) {
    auto sink = world.make_sink("file", settings(world.directory / compression + "/", {{"compression", compression}}));
    open(*sink);
    write_all(*sink, rows(maker, 1, 2000));
    write_all(*sink, rows(maker, 2001, 2002));
    Rejects rejects;
    REQUIRE(write_only(*sink, rows(maker, 1, 9000), rejects));  // never committed
    sink = world.make_sink("file", settings(world.directory / compression + "/", {{"compression", compression}}));
    open(*sink);
    REQUIRE(sink->close(Sink::Closing::kSeal));
  };
  run("gzip");
  CHECK(gunzip(read_text(world.directory / "gzip/shop-out-00000001.json.gz")) == lines(1, 2002));
  run("zstd");
  const std::string packed = read_text(world.directory / "zstd/shop-out-00000001.json.zst");
  std::string unpacked(1 << 20, '\0');
  std::size_t size = 0;
  for (std::size_t at = 0; at < packed.size();) {
    const std::size_t frame = ZSTD_findFrameCompressedSize(packed.data() + at, packed.size() - at);
    REQUIRE(ZSTD_isError(frame) == 0);
    const std::size_t got = ZSTD_decompress(unpacked.data() + size, unpacked.size() - size, packed.data() + at, frame);
    REQUIRE(ZSTD_isError(got) == 0);
    size += got;
    at += frame;
  }
  CHECK(unpacked.substr(0, size) == lines(1, 2002));
}

TEST_CASE("File sink: CSV files have one header each and go on after a restart") {
  World world;
  const Settings config = {{"path", world.directory / "out/"}, {"format", "csv"}};
  BatchMaker maker(world, kFields);
  for (int round = 0; round < 2; ++round) {
    auto sink = world.make_sink("file", config);
    open(*sink);
    write_all(*sink, rows(maker, round * 2 + 1, round * 2 + 2));
  }
  auto sink = world.make_sink("file", config);
  open(*sink);
  REQUIRE(sink->close(Sink::Closing::kSeal));
  CHECK(read_text(world.directory / "out/shop-out-00000001.csv") == "id,country\n1,de\n2,de\n3,de\n4,de\n");
}

TEST_CASE("File sink: a part of another format is finished as it is") {
  World world;
  BatchMaker maker(world, kFields);
  {
    auto sink = world.make_sink("file", settings(world.directory / "out/"));
    open(*sink);
    write_all(*sink, rows(maker, 1, 2));
  }
  auto sink = world.make_sink("file", {{"path", world.directory / "out/"}, {"format", "csv"}});
  open(*sink);
  write_all(*sink, rows(maker, 3, 3));
  REQUIRE(sink->close(Sink::Closing::kSeal));
  const auto files = visible_files(world.directory / "out");
  REQUIRE(files.size() == 2);
  CHECK(read_text(files[1]) == "id,country\n3,de\n");
  CHECK(read_text(files[0]) == lines(1, 2));
}

TEST_CASE("File sink: values cannot leave the root or meet sluice's own files") {
  World world;
  auto sink = world.make_sink("file", settings(world.directory / "lake/${this.country}"));
  open(*sink);
  BatchMaker maker(world, kFields);
  std::ofstream(world.directory / "lake/taken") << "x";
  for (const std::string& country :
       {std::string("../up"), std::string(".."), std::string(".sluice"), std::string(300, 'x'), std::string("ok")}) {
    maker.add(Op::kInsert, {Value::int64(1), maker.text(country)});
  }
  maker.add(Op::kInsert, {Value::int64(1), Value::null()});
  const RejectCodes codes = write_all(*sink, maker.take());
  CHECK(codes == RejectCodes{{2, "bad_path"}, {3, "bad_path"}, {5, "template_missing"}});
  REQUIRE(sink->close(Sink::Closing::kSeal));
  CHECK(visible_files(world.directory.path()).size() >= 2);  // "ok", the one that stood there, and what the encoded ones became
  for (const std::string& file : visible_files(world.directory.path())) CHECK(file.starts_with(world.directory / "lake/"));
}

TEST_CASE("File sink: a symbolic link below the root is not followed") {
  World world;
  std::filesystem::create_directories(world.directory / "lake");
  std::filesystem::create_directories(world.directory / "elsewhere");
  std::filesystem::create_directory_symlink(world.directory / "elsewhere", world.directory / "lake/de");
  auto sink = world.make_sink("file", settings(world.directory / "lake/${this.country}/x.json"));
  open(*sink);
  BatchMaker maker(world, kFields);
  CHECK(write_all(*sink, rows(maker, 1, 1, "de")) == RejectCodes{{0, "bad_path"}});
  CHECK(visible_files(world.directory / "elsewhere").empty());
}

TEST_CASE("File sink: a finished file is never overwritten") {
  World world;
  std::filesystem::create_directories(world.directory / "out");
  std::ofstream(world.directory / "out/x.json") << "theirs";
  auto sink = world.make_sink("file", settings(world.directory / "out/x.json"));
  open(*sink);
  BatchMaker maker(world, kFields);
  write_all(*sink, rows(maker, 1, 1));
  REQUIRE(sink->close(Sink::Closing::kSeal));
  CHECK(read_text(world.directory / "out/x.json") == "theirs");
  CHECK(read_text(world.directory / "out/x-00000001.json") == lines(1, 1));
}

TEST_CASE("File sink: more targets than open files (G22: at most 256)") {
  World world;
  auto sink = world.make_sink("file", settings(world.directory / "lake/${this.country}.json"));
  open(*sink);
  BatchMaker maker(world, kFields);
  for (int round = 0; round < 3; ++round) {
    for (int id = 0; id < 600; ++id) maker.add(Op::kInsert, {Value::int64(round), maker.text("c" + std::to_string(id))});
  }
  write_all(*sink, maker.take());
  std::size_t descriptors = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++descriptors;
  CHECK(descriptors < 256 + 30);
  REQUIRE(sink->close(Sink::Closing::kSeal));
  const auto files = visible_files(world.directory / "lake");
  REQUIRE(files.size() == 600);
  for (int id = 0; id < 600; ++id) {
    const std::string country = "c" + std::to_string(id);
    REQUIRE(read_text(world.directory / "lake/" + country + ".json") == line(0, country) + line(1, country) + line(2, country));
  }
}

TEST_CASE("File sink: a full disk is transient, and nothing is lost (G5)") {
  for (const std::string step : {"write", "fsync", "seal_rename"}) {
    for (const std::string who : {"file_sink", "file_sink_manifest"}) {
      World world;
      auto sink = world.make_sink("file", settings(world.directory / "out/", {{"rotate.size", "100B"}}));
      open(*sink);
      BatchMaker maker(world, kFields);
      write_all(*sink, rows(maker, 1, 3));
      const auto batch = rows(maker, 4, 9);
      world.faults.failing = {{who + "." + step, ENOSPC}};
      Rejects rejects;
      Status failed = write_only(*sink, batch, rejects);
      if (failed) failed = commit(*sink, batch->through());
      const bool hit = !(who == "file_sink_manifest" && step == "seal_rename");
      REQUIRE(bool(failed) == !hit);
      if (hit) {
        CHECK(failed.error().kind() == ErrorKind::kTransient);
        CHECK(failed.error().code() == "disk_full");
      }
      world.faults.failing.clear();
      const Checkpoint known = open(*sink);
      if (known.at("files/log").done < Ordinal{9, 0}) write_all(*sink, batch);
      REQUIRE(sink->close(Sink::Closing::kSeal));
      std::string all;
      for (const std::string& file : visible_files(world.directory / "out")) all += read_text(file);
      CHECK(all == lines(1, 9));
      CHECK(rejects.empty());
    }
  }
}

TEST_CASE("File sink: an idle source moves the position without a file (G8), a forgotten one leaves it (G4)") {
  World world;
  const auto config = settings(world.directory / "out/");
  auto sink = world.make_sink("file", config);
  open(*sink);
  REQUIRE(commit(*sink, {{"files/log", {{7, Ordinal::kEnd}, std::string("a\0b \n%", 6), true}}, {"files/old", {{1, 0}, "", false}}}));
  REQUIRE(commit(*sink, {{"files/log", {{5, 0}, "back", false}}}));  // never back
  sink = world.make_sink("file", config);
  const Checkpoint known = open(*sink);
  CHECK(known.at("files/log") == Position{{7, Ordinal::kEnd}, std::string("a\0b \n%", 6), true});
  const std::vector<std::string> forgotten = {"files/old"};
  const Checkpoint none;
  REQUIRE(sink->commit({none, forgotten}, {}));
  sink = world.make_sink("file", config);
  CHECK(open(*sink).size() == 1);
  // A name that is forgotten and given anew before the sink has heard of it: its new position counts.
  const Checkpoint anew = {{"files/log", {{2, 0}, "new", false}}};
  const std::vector<std::string> log = {"files/log"};
  REQUIRE(sink->commit({anew, log}, {}));
  sink = world.make_sink("file", config);
  CHECK(open(*sink) == anew);
}

TEST_CASE("File sink: another installation and a lost manifest stop it (G30, G11)") {
  World world;
  const auto config = settings(world.directory / "out/");
  BatchMaker maker(world, kFields);
  {
    auto sink = world.make_sink("file", config);
    open(*sink);
    write_all(*sink, rows(maker, 1, 1));
    auto second = world.make_sink("file", config);
    auto locked = second->open({});
    REQUIRE(!locked);
    CHECK(locked.error().code() == "destination_locked");
    CHECK(locked.error().kind() == ErrorKind::kTransient);
  }
  world.instance = "there";
  auto foreign = world.make_sink("file", config)->open({});
  REQUIRE(!foreign);
  CHECK(foreign.error().code() == "other_instance");
  CHECK(foreign.error().kind() == ErrorKind::kFatal);
  world.instance = "here";
  std::filesystem::remove(world.directory / "out/.sluice/shop.out/.manifest");
  auto lost = world.make_sink("file", config)->open({});
  REQUIRE(!lost);
  CHECK(lost.error().code() == "manifest_missing");
}

TEST_CASE("File sink: a removed or cut part is told, not papered over") {
  World world;
  const auto config = settings(world.directory / "out/");
  BatchMaker maker(world, kFields);
  {
    auto sink = world.make_sink("file", config);
    open(*sink);
    write_all(*sink, rows(maker, 1, 5));
  }
  std::filesystem::resize_file(world.directory / "out/.sluice/shop.out/.00000001.part", 10);
  auto cut = world.make_sink("file", config)->open({});
  REQUIRE(!cut);
  CHECK(cut.error().code() == "part_missing");
  CHECK(cut.error().kind() == ErrorKind::kFatal);
}

TEST_CASE("Manifest: what is written is read back; damage and newer versions are refused (G29)") {
  sinks::FileManifest manifest;
  manifest.instance = "a b";
  manifest.next_number = 12;
  manifest.open.push_back({7, 123, 456, "json+none", "de/ü %\n.json"});
  manifest.open.push_back({8, 1, -5, "csv+gzip", ""});
  manifest.sealed.push_back({5, 9, "at/x end 1.json"});
  manifest.checkpoint["pg/7:1/shop"] = {{~0ULL, Ordinal::kEnd}, std::string("\0\xff", 2), true};
  manifest.checkpoint["f/1"] = {{1, 2}, "", false};
  const std::string text = sinks::serialize_manifest(manifest);
  const auto read = sinks::parse_manifest(text);
  REQUIRE(read);
  CHECK(sinks::serialize_manifest(*read) == text);
  CHECK(read->checkpoint == manifest.checkpoint);
  CHECK(read->open[0].target == manifest.open[0].target);
  CHECK(read->open[1].target.empty());
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string damaged = text;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    const auto result = sinks::parse_manifest(damaged);
    REQUIRE(!result);
    CHECK(result.error().kind() == ErrorKind::kFatal);
    REQUIRE(!sinks::parse_manifest(text.substr(0, at)));
  }
  const auto newer = sinks::parse_manifest("sluice-file-manifest 2\nwhatever\n");
  REQUIRE(!newer);
  CHECK(newer.error().code() == "newer_state");
}

TEST_CASE("File sink: settings that make no sense are refused") {
  World world;
  CHECK(world.refused("file", {{"path", "out/"}, {"rotate.size", "0B"}}) == std::vector<std::string>{"out_of_range"});
  CHECK(world.refused("file", {{"path", "out/"}, {"compression", "zip"}}) == std::vector<std::string>{"bad_value"});
  CHECK(world.refused("file", {{"paht", "out/"}}).size() == 2);
}
