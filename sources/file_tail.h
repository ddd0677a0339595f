#pragma once
// One file that is being read: where it is, what it is called, and how its bytes become records.

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "core/batch_builder.h"
#include "core/position.h"
#include "core/result.h"
#include "sources/file_bytes.h"
#include "sources/file_decoder.h"
#include "sources/file_identity.h"

namespace sluice::sources {

// What all files of a source have in common.  Outlives its tails.
struct TailSettings {
  std::string source;  // the user's name, for checkpoint keys
  InputCodecConfig format;
  Compression compression = Compression::kAuto;
  std::uint64_t max_record = 0;  // bytes of a record without its line end
  std::set<std::string> names;   // partition names in use: known to a checkpoint or given in this process
};

// Whether what stands behind the last line feed is a record.
enum class LastLine : std::uint8_t {
  kWaitForItsEnd,  // somebody may still be writing it
  kIsARecord,      // nothing will be appended any more
};

// Owned by FileSource; one thread.  The descriptor may be closed between calls and is opened again by path; reading goes on where
// it was.  Steps: construct, then restore() or start_at_end() or nothing (from the beginning), then fill() again and again.
class FileTail {
 public:
  enum class Progress : std::uint8_t {
    kMore,      // the builder is full
    kAtEnd,     // everything that is there has been read
    kReplaced,  // the content is not what was read: truncated or rewritten.  The tail is of no further use
    kGone,      // another file, or none, has its path now, and it was not open
  };

  FileTail(FileId id, std::string path, TailSettings& settings, std::unique_ptr<FileDecoder> decoder);

  const FileId& id() const { return id_; }
  const std::string& path() const { return path_; }
  void set_path(std::string path) { path_ = std::move(path); }
  bool is_open() const { return bytes_ != nullptr; }
  void close() { bytes_.reset(); }

  // Opens the file if need be.  kAtEnd: it is too short to tell how it is compressed, so nothing can be read yet; kMore: it is open.
  Result<Progress> open(LastLine last_line);

  // True when `position` is about the content that the open file has; reading goes on behind it then.
  Result<bool> restore(const std::string& partition, const Position& position);
  // Goes behind the last line end that is there now.
  Status start_at_end();

  // Appends records until the builder is full or the file ends, and moves through().
  Result<Progress> fill(BatchBuilder& out, LastLine last_line);

  // What a checkpoint is to say of this file; nullopt while nothing came of it.
  const std::optional<Position>& position() const { return position_; }
  // The last fill() found that the compressed stream ends in the middle, and there may be more of it one day.
  bool is_truncated() const { return truncated_; }
  std::string checkpoint_key() const { return sluice::checkpoint_key(settings_.source, partition_); }

 private:
  struct Block {
    std::string_view text;      // in the batch's arena, padded
    bool at_end = false;        // nothing stands behind it in the file now
    std::size_t accounted = 0;  // bytes of it that content_ knows
    std::size_t emitted = 0;    // end of the last record that was appended or rejected
    Utf8 utf8 = Utf8::kUnchecked;
  };

  Result<bool> was_replaced();
  Result<Block> load(BatchBuilder& out);
  Status load_columns();
  std::size_t decode(Block& block, BatchBuilder& out, LastLine last_line);
  std::size_t next_length(std::string_view rest, bool is_last) const;
  void take(Block& block, std::size_t begin, std::size_t end, BatchBuilder& out);
  void settle(Block& block, std::size_t consumed, BatchBuilder& out);
  Result<bool> skip_oversize(const Block& block, BatchBuilder& out, LastLine last_line);
  void reject_rest(const Block& block, std::size_t from, BatchBuilder& out);
  void name_partition();
  void reject_oversize(std::string_view beginning, std::uint64_t offset, BatchBuilder& out);
  void move_through(BatchBuilder& out);
  void begin_batch(BatchBuilder& out);

  const FileId id_;
  std::string path_;
  TailSettings& settings_;
  std::unique_ptr<FileDecoder> decoder_;
  std::unique_ptr<FileBytes> bytes_;
  FileContent content_;    // up to where the file has been read
  std::string partition_;  // empty until the first record
  std::optional<Position> position_;
  std::uint64_t last_offset_ = 0;  // of the record appended last
  bool ended_ = false;             // damaged: nothing behind can be read
  bool truncated_ = false;
  std::uint64_t scanned_ = 0;      // while an oversize record is skipped: no line feed before this offset; else 0
  std::size_t block_bytes_ = 0;    // of the next block at least: grows until a record fits
  double record_bytes_ = 256;      // running mean
  struct timespec seen_mtime_ {};
  std::int64_t seen_size_ = -1;  // of the file when its content was last compared
  // Of the batch being filled:
  std::span<const Value> meta_;
  std::optional<std::uint16_t> partition_index_;
};

}  // namespace sluice::sources
