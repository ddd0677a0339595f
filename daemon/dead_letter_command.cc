// `sluice dlq list`: reads the stores while no daemon holds them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <ostream>

#include "core/civil_time.h"
#include "daemon/command_line.h"
#include "daemon/data_directory.h"
#include "dlq/stored_letters.h"

namespace sluice::daemon {

namespace {

namespace fs = std::filesystem;

std::string store_path(const std::string& data_dir, const std::string& pipeline) { return data_dir + "/" + pipeline + "/dead_letters.db"; }

// Pipelines that have a store, by name.
std::vector<std::string> pipelines_of(const std::string& data_dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(data_dir, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    std::error_code ignored;
    if (fs::exists(store_path(data_dir, name), ignored)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string time_text(std::int64_t microseconds) {
  std::array<char, kTimeTextBytes> buffer{};
  return {buffer.data(), write_timestamp(buffer.data(), microseconds)};
}

// Messages quote data, which must not move the cursor of a terminal.
std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return result;
}

void print_letter(const dlq::StoredLetter& letter, bool json, std::ostream& out) {
  if (json) {
    std::string line;
    dlq::append_letter_json(letter, line);
    out << line << "\n";
    return;
  }
  out << fmt::format("{}  {}  {} ({}, {})  {}  {}/{}/{}  {}\n", letter.id, time_text(letter.last_seen), printable(letter.stage),
                     printable(letter.component), printable(letter.phase), printable(letter.code), printable(letter.source),
                     printable(letter.partition), letter.ordinal.major, letter.state)
      << "    " << printable(letter.message) << "\n";
}

}  // namespace

int dead_letter_list_command(const DeadLetterListOptions& options, Streams streams) {
  std::error_code ignored;
  if (!fs::is_directory(options.data_dir, ignored)) {
    streams.err << fmt::format("there is no data directory \"{}\"\n", options.data_dir);
    return kUnusable;
  }
  if (data_directory_in_use(options.data_dir)) {
    streams.err << fmt::format("a daemon holds \"{}\": stop it first\n", options.data_dir);
    return kUnusable;
  }
  const auto pipelines = options.pipeline.empty() ? pipelines_of(options.data_dir) : std::vector{options.pipeline};
  if (!options.pipeline.empty() && !fs::is_directory(options.data_dir + "/" + options.pipeline, ignored)) {
    streams.err << fmt::format("\"{}\" knows no pipeline \"{}\"\n", options.data_dir, options.pipeline);
    return kFailed;
  }
  dlq::LetterFilter filter;
  if (!options.stage.empty()) filter.stage = options.stage;
  if (!options.code.empty()) filter.code = options.code;
  filter.limit = options.limit;
  for (const std::string& pipeline : pipelines) {
    const auto letters = dlq::list_letters(store_path(options.data_dir, pipeline), filter);
    if (!letters) {
      streams.err << fmt::format("error[{}]: {}\n", letters.error().code(), letters.error().message());
      return kFailed;
    }
    if (!options.json && !letters->empty()) streams.out << pipeline << "\n";
    for (const dlq::StoredLetter& letter : *letters) print_letter(letter, options.json, streams.out);
    filter.limit -= std::min(filter.limit, letters->size());
    if (filter.limit == 0) break;
  }
  return kOk;
}

}  // namespace sluice::daemon
