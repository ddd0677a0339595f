#include "sources/http/page_spool.h"

#include <unistd.h>

#include <charconv>
#include <filesystem>

#include "net/digest.h"
#include "storage/durable_file.h"

namespace sluice::sources {

namespace {

constexpr std::string_view kMagic = "sluice page 1\n";
constexpr std::size_t kDigestSize = 64;
constexpr std::uint64_t kLargest = 256ULL * 1024 * 1024;

Error damaged(const std::string& path) {
  return {ErrorKind::kFatal, "position_lost",
          path + " is damaged: it holds records that some sink may not have. Remove it to fetch that page again"};
}

std::optional<std::uint64_t> number_of(const std::string& name) {
  constexpr std::string_view kPrefix = "page-";
  std::uint64_t number = 0;
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const auto [end, problem] = std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), number);
  if (problem != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

}  // namespace

Status PageSpool::open(std::uint64_t done) {
  pages_.clear();
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, problem)) {
    const auto number = number_of(entry.path().filename().string());
    if (number) pages_[*number] = entry.path().string();
  }
  forget(done);
  return {};
}

Status PageSpool::put(std::uint64_t number, const SpooledPage& page) {
  if (pages_.empty()) SLUICE_TRY(storage::make_directories(folder_));
  std::string rest = std::to_string(page.state.size()) + "\n" + page.state + page.content_type + "\n" + page.body;
  const std::string text = std::string(kMagic) + net::sha256_hex(rest) + "\n" + rest;
  SLUICE_TRY(storage::replace_file(path_of(number), text, faults_, "http_client_spool"));
  pages_[number] = path_of(number);
  return {};
}

Result<std::optional<SpooledPage>> PageSpool::get(std::uint64_t number) const {
  if (!pages_.contains(number)) return std::optional<SpooledPage>();
  const std::string path = path_of(number);
  const auto text = SLUICE_TRY(storage::read_file(path, kLargest));
  if (!text) return damaged(path);
  std::string_view rest = *text;
  if (!rest.starts_with(kMagic) || rest.size() < kMagic.size() + kDigestSize + 1) return damaged(path);
  rest.remove_prefix(kMagic.size());
  const std::string_view digest = rest.substr(0, kDigestSize);
  rest.remove_prefix(kDigestSize + 1);
  if (net::sha256_hex(rest) != digest) return damaged(path);
  std::size_t state_size = 0;
  const std::size_t line = rest.find('\n');
  std::from_chars(rest.data(), rest.data() + line, state_size);
  rest.remove_prefix(line + 1);
  SpooledPage page;
  page.state = rest.substr(0, state_size);
  rest.remove_prefix(state_size);
  page.content_type = rest.substr(0, rest.find('\n'));
  page.body = rest.substr(page.content_type.size() + 1);
  return std::optional<SpooledPage>(std::move(page));
}

void PageSpool::forget(std::uint64_t number) {
  while (!pages_.empty() && pages_.begin()->first <= number) {
    ::unlink(pages_.begin()->second.c_str());
    pages_.erase(pages_.begin());
  }
}

}  // namespace sluice::sources
