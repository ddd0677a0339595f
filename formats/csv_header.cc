#include "formats/csv_header.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "formats/csv_reader.h"

namespace sluice {

namespace {

constexpr std::size_t kMaxHeader = 64 * 1024;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

Error unreadable(const std::string& path, std::string_view why) {
  return {ErrorKind::kInvalidConfig, "unreadable_file", "cannot read the header of \"" + path + "\": " + std::string(why)};
}

}  // namespace

Result<std::vector<std::string>> csv_header_of_file(const std::string& path, const CsvOptions& options) {
  if (path.find('\0') != std::string::npos) return unreadable(path.substr(0, path.find('\0')), "the name holds a NUL");
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return unreadable(path, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return unreadable(path, "it is no regular file");
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return unreadable(path, std::strerror(errno));
  std::string text(kMaxHeader, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return unreadable(path, std::strerror(errno));
  if (text.empty()) return unreadable(path, "it is empty");
  if (text.find('\0') != std::string::npos) return unreadable(path, "it is no text");
  SchemaPool schemas;
  CsvReader reader(schemas, options);
  std::size_t length = reader.record_length(text);
  if (length == 0) length = text.size() < kMaxHeader ? text.size() : 0;  // a file of one line without its end
  if (length == 0) return unreadable(path, "its first line has no end within 64 KiB");
  std::vector<CsvCell> cells;
  std::string_view record = without_line_end(std::string_view(text).substr(0, length));
  if (record.starts_with("\xef\xbb\xbf")) record.remove_prefix(3);
  if (const auto split = split_csv_record(record, options.delimiter, cells); !split) return unreadable(path, split.error().message());
  if (const auto usable = reader.set_columns(std::string_view(text).substr(0, length)); !usable)
    return unreadable(path, usable.error().message());
  std::vector<std::string> names;
  for (const CsvCell& cell : cells) names.push_back(csv_cell_text(cell));
  return names;
}

}  // namespace sluice
