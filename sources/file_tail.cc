#include "sources/file_tail.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

namespace sluice::sources {

namespace {

constexpr std::size_t kSmallestBlock = 64 * 1024;  // bytes read at a time; larger is no faster, smaller shows in system calls
constexpr std::size_t kLargestBlock = 512 * 1024;
constexpr std::size_t kKeptOfOversize = 64 * 1024;  // bytes of an oversize record that its dead letter holds
constexpr std::size_t kLineEnd = 2;                 // CR LF
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view without_mark(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

// The first record that is not blank, without its line end; empty where `text` holds none as a whole.
std::string_view first_record(std::string_view text, const FileDecoder& decoder) {
  text = without_mark(text);
  while (true) {
    const std::size_t length = decoder.record_length(text);
    const std::string_view record = without_line_end(text.substr(0, length));
    if (length == 0 || !decoder.is_blank(record)) return record;
    text.remove_prefix(length);
  }
}

// A batch that is full has to hold something: a record may be larger than a batch is meant to be.
bool holds_enough(const BatchBuilder& out) { return out.full() && !out.empty(); }

bool same_time(const struct timespec& a, const struct timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

}  // namespace

FileTail::FileTail(FileId id, std::string path, TailSettings& settings, std::unique_ptr<FileDecoder> decoder)
    : id_(id), path_(std::move(path)), settings_(settings), decoder_(std::move(decoder)) {}

Result<FileTail::Progress> FileTail::open(LastLine last_line) {
  if (bytes_) return Progress::kMore;
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0 || file_id(status) != id_) return Progress::kGone;
  FileDescriptor file = SLUICE_TRY(open_file(path_));
  if (::fstat(file.get(), &status) != 0 || file_id(status) != id_) return Progress::kGone;
  Compression compression = settings_.compression;
  if (compression == Compression::kAuto) {
    std::array<char, 4> beginning{};
    const std::size_t size = SLUICE_TRY(read_at(file.get(), beginning.data(), beginning.size(), 0));
    compression = detect_compression({beginning.data(), size});
    if (compression == Compression::kAuto && last_line == LastLine::kWaitForItsEnd) return Progress::kAtEnd;
    if (compression == Compression::kAuto) compression = Compression::kNone;  // it stays that short: not even a magic number fits
  }
  bytes_ = make_file_bytes(std::move(file), compression);
  return Progress::kMore;
}

Result<bool> FileTail::restore(const std::string& partition, const Position& position) {
  const auto resume = parse_resume(position.resume);
  if (!resume) return false;
  const FileContent content = SLUICE_TRY(FileContent::at(*bytes_, resume->offset));
  const FileResume found = content.resume();
  const bool whole = content.tail().size() == std::min<std::uint64_t>(resume->offset, kTailBytes);
  if (!whole || found.head != resume->head || found.tail != resume->tail) return false;
  content_ = content;
  partition_ = partition;
  position_ = position;
  position_->retired = false;
  last_offset_ = position.done.major;
  ended_ = resume->ended;
  return true;
}

Status FileTail::start_at_end() {
  std::vector<char> block(kSmallestBlock);
  std::uint64_t at = 0, end = 0;
  if (!bytes_->compressed()) {  // the last line end is near the end: look there first
    struct stat status {};
    if (::fstat(bytes_->fd(), &status) == 0) {
      const auto size = static_cast<std::uint64_t>(status.st_size);
      at = size - std::min<std::uint64_t>(size, settings_.max_record + kLineEnd);
    }
  }
  while (true) {
    const std::size_t wanted = SLUICE_TRY(bytes_->available(at, block.size()));
    const std::size_t count = SLUICE_TRY(bytes_->read(at, block.data(), wanted));
    if (count == 0) break;
    const std::size_t line_end = std::string_view(block.data(), count).rfind('\n');
    if (line_end != std::string_view::npos) end = at + line_end + 1;
    at += count;
  }
  if (end == 0) return {};  // no line yet: all of the file is new
  content_ = SLUICE_TRY(FileContent::at(*bytes_, end));
  name_partition();
  last_offset_ = end - 1;
  position_ = Position{{last_offset_, Ordinal::kEnd}, write_resume(content_.resume()), false};
  return {};
}

// Before a batch is filled: cheap unless somebody has written to the file since.
Result<bool> FileTail::was_replaced() {
  struct stat status {};
  if (::fstat(bytes_->fd(), &status) != 0) return false;
  if (bytes_->compressed()) {  // its content cannot be compared without decompressing it again
    const bool shrunk = status.st_size < seen_size_;
    seen_size_ = status.st_size;
    return shrunk;
  }
  if (status.st_size == seen_size_ && same_time(status.st_mtim, seen_mtime_)) return false;
  seen_size_ = status.st_size;
  seen_mtime_ = status.st_mtim;
  if (static_cast<std::uint64_t>(status.st_size) < content_.offset()) return true;
  const bool same = SLUICE_TRY(content_.still_in(*bytes_));
  return !same;
}

void FileTail::begin_batch(BatchBuilder& out) {
  const auto meta = out.arena().array<Value>(1);
  meta[0] = Value::string_in(out.arena(), path_);
  meta_ = meta;
  partition_index_.reset();
}

Result<FileTail::Progress> FileTail::fill(BatchBuilder& out, LastLine last_line) {
  const Progress opened = SLUICE_TRY(open(last_line));
  if (opened != Progress::kMore || ended_) return ended_ ? Progress::kAtEnd : opened;
  truncated_ = false;
  const bool replaced = SLUICE_TRY(was_replaced());
  if (replaced) return Progress::kReplaced;
  if (content_.offset() > 0 && decoder_->columns() != FileDecoder::Columns::kKnown) {
    Status columns = load_columns();
    if (!columns) return std::move(columns).error();
  }
  begin_batch(out);
  while (!holds_enough(out)) {
    Block block = SLUICE_TRY(load(out));
    const std::size_t consumed = decode(block, out, last_line);
    settle(block, consumed, out);
    if (holds_enough(out)) break;
    const bool stuck = consumed == 0 && block.text.size() > settings_.max_record + kLineEnd;
    if (stuck) {
      const bool found = SLUICE_TRY(skip_oversize(block, out, last_line));
      if (!found) return Progress::kAtEnd;
      continue;
    }
    if (consumed == 0) block_bytes_ = block.text.size() * 2;
    if (!block.at_end) continue;
    const StreamEnd end = bytes_->end();
    if (end == StreamEnd::kCorrupt || (end == StreamEnd::kInsideFrame && last_line == LastLine::kIsARecord))
      reject_rest(block, consumed, out);
    return Progress::kAtEnd;
  }
  return Progress::kMore;
}

// Reads the next bytes straight into the batch's arena, where the records' texts then stay.
Result<FileTail::Block> FileTail::load(BatchBuilder& out) {
  // What is read beyond a full batch is read again: no more than the batch is likely to take.
  const auto records_left = static_cast<double>(BatchLimits{}.records) - static_cast<double>(out.batch().size());
  const auto likely = static_cast<std::size_t>(std::max(record_bytes_ * records_left, 0.0));
  const std::size_t wanted = std::max(std::clamp(likely, kSmallestBlock, kLargestBlock),
                                      std::min<std::size_t>(block_bytes_, settings_.max_record + kSmallestBlock));
  const std::size_t there = SLUICE_TRY(bytes_->available(content_.offset(), wanted));
  Block block;
  block.at_end = there < wanted;
  if (there == 0) return block;
  auto* const memory = static_cast<char*>(out.arena().allocate(there + JsonReader::kPadding, 1));
  const std::size_t count = SLUICE_TRY(bytes_->read(content_.offset(), memory, there));
  std::memset(memory + count, 0, JsonReader::kPadding);
  block.text = {memory, count};
  // Valid as a whole, cut at line feeds: each line is valid.  The last one, which may be incomplete, is not part of the check.
  const std::size_t lines = block.text.rfind('\n') + 1;
  if (is_valid_utf8(block.text.substr(0, lines))) block.utf8 = Utf8::kValid;
  return block;
}

// The columns of a file that is read on from its middle: those of its first record.
Status FileTail::load_columns() {
  std::string text;
  for (std::size_t wanted = kSmallestBlock;; wanted *= 2) {
    const std::size_t there = SLUICE_TRY(bytes_->available(0, wanted));
    text.resize(there);
    text.resize(SLUICE_TRY(bytes_->read(0, text.data(), there)));
    const std::string_view record = first_record(text, *decoder_);
    if (record.empty() && there == wanted && wanted <= settings_.max_record) continue;
    (void)decoder_->set_columns(record);  // where that fails, each row is rejected with the reason
    return {};
  }
}

// Length of the record that begins `rest`; 0: its end is not there yet.
std::size_t FileTail::next_length(std::string_view rest, bool is_last) const {
  const std::size_t length = decoder_->record_length(rest);
  if (length != 0) return length;
  if (!is_last && rest.size() <= settings_.max_record + kLineEnd) return 0;
  // A quote that is never closed must not swallow the rest of the file: its line alone is the (bad) record.
  const std::size_t line = rest.find('\n');
  if (line != std::string_view::npos) return line + 1;
  return is_last ? rest.size() : 0;
}

// Takes the records of the block in order; returns where it stopped.
std::size_t FileTail::decode(Block& block, BatchBuilder& out, LastLine last_line) {
  const bool is_last = block.at_end && last_line == LastLine::kIsARecord && bytes_->end() == StreamEnd::kClean;
  std::size_t at = 0;
  while (at < block.text.size() && !holds_enough(out)) {
    const std::size_t length = next_length(block.text.substr(at), is_last);
    if (length == 0) break;
    take(block, at, at + length, out);
    at += length;
  }
  return at;
}

void FileTail::take(Block& block, std::size_t begin, std::size_t end, BatchBuilder& out) {
  const std::uint64_t offset = content_.offset() - block.accounted + begin;
  const std::string_view whole = block.text.substr(begin, end - begin);
  const bool has_line_end = whole.ends_with('\n');
  const std::string_view record = offset == 0 ? without_mark(without_line_end(whole)) : without_line_end(whole);
  if (decoder_->is_blank(record)) return;
  const auto columns = decoder_->columns();
  if (columns != FileDecoder::Columns::kKnown) {
    (void)decoder_->set_columns(record);  // a bad header is the reason that each row is rejected with
    if (columns == FileDecoder::Columns::kFromHeader) return;
  }
  if (!partition_index_) {
    if (partition_.empty()) {
      content_.consume(block.text.substr(block.accounted, end - block.accounted));
      block.accounted = end;
      name_partition();
    }
    partition_index_ = out.partition(partition_);
  }
  block.emitted = end;
  last_offset_ = offset;
  record_bytes_ += (static_cast<double>(end - begin) - record_bytes_) / 64;
  if (record.size() > settings_.max_record) return reject_oversize(record, offset, out);
  Record result;
  result.op = Op::kInsert;
  result.partition = *partition_index_;
  result.ordinal = {offset, 0};
  result.raw = record;
  result.meta = meta_;
  Status decoded = decoder_->decode(record, out.batch(), has_line_end ? block.utf8 : Utf8::kUnchecked, result);
  if (decoded) {
    out.append(result);
  } else {
    out.reject(*partition_index_, result.ordinal, record, std::move(decoded).error());
  }
}

// Accounts for the block's consumed bytes, and moves through() when records came of them.
void FileTail::settle(Block& block, std::size_t consumed, BatchBuilder& out) {
  if (consumed == 0) return;
  block_bytes_ = 0;
  const auto account = [&](std::size_t end) {
    if (end <= block.accounted) return;
    content_.consume(block.text.substr(block.accounted, end - block.accounted));
    block.accounted = end;
  };
  if (block.emitted != 0) {
    account(block.emitted);
    move_through(out);
  }
  account(consumed);
}

void FileTail::move_through(BatchBuilder& out) {
  position_ = Position{{last_offset_, 0}, write_resume(content_.resume()), false};
  out.through()[checkpoint_key()] = *position_;
}

void FileTail::name_partition() {
  if (!partition_.empty()) return;
  unsigned attempt = 0;
  do {
    partition_ = partition_name(id_, content_.head(), ++attempt);
  } while (!settings_.names.insert(partition_).second);
}

void FileTail::reject_oversize(std::string_view beginning, std::uint64_t offset, BatchBuilder& out) {
  out.reject(*partition_index_, {offset, 0}, beginning.substr(0, kKeptOfOversize),
             Error(ErrorKind::kBadRecord, "record_too_large",
                   "the record at byte " + std::to_string(offset) + " of \"" + path_ + "\" is longer than max_record (" +
                       std::to_string(settings_.max_record) + " bytes)"));
}

// The record at content_.offset() has no end within max_record: finds it, rejects the record and goes behind it.  False: its end is not
// there yet.
Result<bool> FileTail::skip_oversize(const Block& block, BatchBuilder& out, LastLine last_line) {
  std::uint64_t at = std::max(scanned_, content_.offset() + block.text.size());
  std::vector<char> buffer(kSmallestBlock);
  std::uint64_t end = 0;
  while (end == 0) {
    const std::size_t there = SLUICE_TRY(bytes_->available(at, buffer.size()));
    const std::size_t count = SLUICE_TRY(bytes_->read(at, buffer.data(), there));
    const std::size_t line_end = std::string_view(buffer.data(), count).find('\n');
    if (line_end != std::string_view::npos) end = at + line_end + 1;
    at += count;
    if (end == 0 && count == 0) {
      scanned_ = at;
      if (last_line == LastLine::kWaitForItsEnd) return false;
      end = at;
    }
  }
  scanned_ = 0;
  last_offset_ = content_.offset();
  content_ = SLUICE_TRY(FileContent::at(*bytes_, end));
  name_partition();
  partition_index_ = out.partition(partition_);
  reject_oversize(block.text, last_offset_, out);
  move_through(out);
  return true;
}

// The compressed stream breaks off here: says so in a dead letter, with what there is of the record it broke off in.  A damaged file is
// at its end with that; one that is merely cut off may be a copy under way, and then a later run reads the rest.
void FileTail::reject_rest(const Block& block, std::size_t from, BatchBuilder& out) {
  const bool corrupt = bytes_->end() == StreamEnd::kCorrupt;
  const std::uint64_t offset = content_.offset();
  name_partition();
  // Cut off: the letter and the position stand before `offset`, where the record that is not there yet will stand.
  Ordinal ordinal{offset, 0};
  if (!corrupt && offset > 0) ordinal = {offset - 1, Ordinal::kEnd};
  truncated_ = !corrupt;
  if (truncated_ && position_ && position_->done == ordinal) return;  // an earlier run has said so
  partition_index_ = out.partition(partition_);
  const std::string what = corrupt ? "is damaged: nothing behind" : "ends in the middle of a compressed frame, at";
  out.reject(*partition_index_, ordinal, block.text.substr(std::min(from, block.text.size())).substr(0, kKeptOfOversize),
             Error(ErrorKind::kBadRecord, corrupt ? "compressed_corrupt" : "compressed_truncated",
                   "\"" + path_ + "\" " + what + " byte " + std::to_string(offset) + " of its decompressed text" +
                       (corrupt ? " can be read" : "")));
  ended_ = corrupt;
  last_offset_ = ordinal.major;
  FileResume resume = content_.resume();
  resume.ended = corrupt;
  // Of a file of which nothing could be read there is nothing to go on from (G4): its first record will name another partition.
  position_ = Position{ordinal, write_resume(resume), offset == 0 && !corrupt};
  out.through()[checkpoint_key()] = *position_;
}

}  // namespace sluice::sources
