#include <catch2/catch.hpp>

#include "daemon/log_output.h"

using namespace sluice;
using daemon::log_line;
using daemon::LogFormat;

TEST_CASE("a log line is one line, whatever it is given") {
  const std::int64_t at = 1'700'000'000'123'456;
  CHECK(log_line(LogFormat::kText, LogLevel::kInfo, "pipeline started", {{"pipeline", "orders"}, {"path", "a b"}}, at) ==
        "2023-11-14T22:13:20.123456Z info    pipeline started pipeline=orders path=\"a b\"");
  CHECK(log_line(LogFormat::kText, LogLevel::kError, "a\r\nb", {{"k\n", "v\n\"x\""}, {"empty", ""}}, at) ==
        "2023-11-14T22:13:20.123456Z error   a\\r\\nb k\\n=\"v\\n\\\"x\\\"\" empty=\"\"");
  CHECK(log_line(LogFormat::kJson, LogLevel::kWarning, "a\x1b[31m", {{"k", "\\"}}, at) ==
        "{\"time\":\"2023-11-14T22:13:20.123456Z\",\"level\":\"warning\",\"message\":\"a\\u001b[31m\",\"k\":\"\\\\\"}");
}
