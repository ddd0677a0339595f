#include "daemon/source_texts.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace sluice::daemon {

namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

Error unreadable(const std::string& path, std::string_view why) {
  return {ErrorKind::kInvalidConfig, "unreadable_file", fmt::format("cannot read \"{}\": {}", path, why)};
}

}  // namespace

Result<std::string> read_whole_file(const std::string& path, std::size_t limit) {
  if (path.find('\0') != std::string::npos) return unreadable(path.substr(0, path.find('\0')), "the name holds a NUL");
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return unreadable(path, std::strerror(errno));
  std::string text;
  char buffer[16384];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, file.get())) {
    text.append(buffer, count);
    if (text.size() > limit) return unreadable(path, fmt::format("it has more than {} bytes", limit));
  }
  if (std::ferror(file.get()) != 0) return unreadable(path, std::strerror(errno));
  return text;
}

std::string_view SourceTexts::text(const std::string& file) const {
  const auto found = texts_.find(file);
  return found == texts_.end() ? std::string_view() : std::string_view(found->second);
}

std::string_view SourceTexts::line(const std::string& file, std::uint32_t number) const {
  std::string_view rest = text(file);
  if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
  for (std::uint32_t i = 1; i < number; ++i) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  std::string_view line = rest.substr(0, rest.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace sluice::daemon
