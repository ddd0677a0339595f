#include "sources/file_identity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace sluice::sources {

namespace {

constexpr std::string_view kVersion = "1";

std::string hex(std::uint64_t number) {
  std::array<char, 16> digits{};
  for (std::size_t i = digits.size(); i-- > 0; number >>= 4) digits[i] = "0123456789abcdef"[number & 15];
  return {digits.data(), digits.size()};
}

bool parse_number(std::string_view text, int base, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// Bytes [begin, end) of the stream; fewer where it is shorter.
Result<std::string> read_range(FileBytes& bytes, std::uint64_t begin, std::uint64_t end) {
  std::string text;
  const std::size_t there = SLUICE_TRY(bytes.available(begin, static_cast<std::size_t>(end - begin)));
  text.resize(there);
  const std::size_t count = SLUICE_TRY(bytes.read(begin, text.data(), there));
  text.resize(count);
  return text;
}

}  // namespace

std::uint64_t content_hash(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

std::string write_resume(const FileResume& resume) {
  std::string text = std::string(kVersion) + ' ' + std::to_string(resume.offset) + ' ' + hex(resume.head) + ' ' + hex(resume.tail);
  if (resume.ended) text += " end";
  return text;
}

std::optional<FileResume> parse_resume(std::string_view text) {
  const auto parts = split(text, ' ');
  if (parts.size() < 4 || parts.size() > 5 || parts[0] != kVersion) return std::nullopt;
  FileResume resume;
  if (!parse_number(parts[1], 10, resume.offset) || !parse_number(parts[2], 16, resume.head) || !parse_number(parts[3], 16, resume.tail))
    return std::nullopt;
  if (parts.size() == 5 && parts[4] != "end") return std::nullopt;
  resume.ended = parts.size() == 5;
  return resume;
}

std::string partition_prefix(const FileId& id) { return std::to_string(id.device) + ':' + std::to_string(id.inode) + ':'; }

std::string partition_name(const FileId& id, std::string_view first_bytes, unsigned attempt) {
  std::string name = partition_prefix(id) + hex(content_hash(first_bytes.substr(0, kHeadBytes)));
  if (attempt > 1) name += '.' + std::to_string(attempt);
  return name;
}

std::optional<FileId> partition_file(std::string_view partition) {
  const auto parts = split(partition, ':');
  FileId id;
  if (parts.size() != 3 || !parse_number(parts[0], 10, id.device) || !parse_number(parts[1], 10, id.inode)) return std::nullopt;
  return id;
}

void FileContent::consume(std::string_view bytes) {
  offset_ += bytes.size();
  if (head_.size() < kHeadBytes) head_.append(bytes.substr(0, kHeadBytes - head_.size()));
  if (bytes.size() >= kTailBytes) {
    tail_ = bytes.substr(bytes.size() - kTailBytes);
  } else {
    tail_.append(bytes);
    if (tail_.size() > kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
  }
}

FileResume FileContent::resume() const { return {offset_, content_hash(head_), content_hash(tail_), false}; }

Result<FileContent> FileContent::at(FileBytes& bytes, std::uint64_t offset) {
  FileContent content;
  content.head_ = SLUICE_TRY(read_range(bytes, 0, std::min<std::uint64_t>(offset, kHeadBytes)));
  content.tail_ = SLUICE_TRY(read_range(bytes, offset - std::min<std::uint64_t>(offset, kTailBytes), offset));
  content.offset_ = offset;
  return content;
}

Result<bool> FileContent::still_in(FileBytes& bytes) const {
  const std::string head = SLUICE_TRY(read_range(bytes, 0, head_.size()));
  const std::string tail = SLUICE_TRY(read_range(bytes, offset_ - tail_.size(), offset_));
  return head == head_ && tail == tail_;
}

}  // namespace sluice::sources
