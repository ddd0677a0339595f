#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/sinks/harness.h"

using namespace sluice;
using namespace sluice::testing;

namespace {

// The standard output goes to `target` while it lives.
class Redirected {
 public:
  explicit Redirected(int target) : saved_(::dup(STDOUT_FILENO)) { ::dup2(target, STDOUT_FILENO); }
  ~Redirected() {
    ::dup2(saved_, STDOUT_FILENO);
    ::close(saved_);
  }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;

 private:
  int saved_;
};

}  // namespace

TEST_CASE("stdout sink: rows are out at the commit; it keeps no positions") {
  World world;
  auto sink = world.make_sink("stdout", {{"format", "csv"}});
  const auto opened = sink->open({});
  REQUIRE(opened);
  CHECK(!opened->has_value());
  BatchMaker maker(world, {{"id"}, {"name"}});
  maker.add(Op::kInsert, {Value::int64(1), maker.text("a")});
  maker.add(Op::kInsert, {Value::int64(2), maker.text("b")});
  const auto batch = maker.take();
  const std::string path = world.directory / "stdout";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  Status written;
  Status committed;
  {
    const Redirected redirected(file);
    Rejects rejects;
    written = write_only(*sink, batch, rejects);
    committed = commit(*sink, batch->through());
  }
  ::close(file);
  CHECK(written);
  CHECK(committed);
  CHECK(read_text(path) == "id,name\n1,a\n2,b\n");
}

TEST_CASE("stdout sink: a reader that does not read does not hold a stop back; half a line is completed after a reopen") {
  World world;
  auto sink = world.make_sink("stdout", {{"format", "csv"}});
  REQUIRE(sink->open({}));
  BatchMaker maker(world, {{"text"}});
  maker.add(Op::kInsert, {maker.text(std::string(200'000, 'x'))});
  const auto big = maker.take();
  maker.add(Op::kInsert, {maker.text("next")});
  const auto next = maker.take();
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::string seen;
  Status stopped;
  {
    const Redirected redirected(ends[1]);
    std::stop_source stop;
    std::vector<std::uint32_t> all = {0};
    Rejects rejects;
    std::jthread stopper([&] {
      // The pipe is full as soon as nothing more can be written to it: that is when the sink waits.
      std::array<char, 1> byte{};
      while (::read(ends[0], byte.data(), 1) != 1) {
      }
      seen += byte[0];
      stop.request_stop();
    });
    stopped = sink->write({big, all}, rejects, stop.get_token());
  }
  REQUIRE(!stopped);
  CHECK(stopped.error().kind() == ErrorKind::kCancelled);
  std::jthread reader([&] {
    char bytes[65536];
    for (ssize_t got = 0; (got = ::read(ends[0], bytes, sizeof bytes)) > 0;) seen.append(bytes, static_cast<std::size_t>(got));
  });
  Status committed;
  {
    const Redirected redirected(ends[1]);
    REQUIRE(sink->open({}));
    Rejects rejects;
    REQUIRE(write_only(*sink, next, rejects));
    committed = commit(*sink, next->through());
  }
  ::close(ends[1]);
  reader.join();
  ::close(ends[0]);
  CHECK(committed);
  CHECK(seen == "text\n" + std::string(200'000, 'x') + "\nnext\n");
}

TEST_CASE("discard sink: takes everything and keeps no positions") {
  World world;
  auto sink = world.make_sink("discard", {});
  const auto opened = sink->open({});
  REQUIRE(opened);
  CHECK(!opened->has_value());
  BatchMaker maker(world, {{"id"}});
  maker.add(Op::kInsert, {Value::int64(1)});
  CHECK(write_all(*sink, maker.take()).empty());
  CHECK(sink->close(Sink::Closing::kSeal));
}
