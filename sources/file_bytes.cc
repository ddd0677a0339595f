#include "sources/file_bytes.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

namespace sluice::sources {

namespace {

constexpr std::size_t kCompressedBlock = 64 * 1024;  // bytes read from a compressed file at a time
constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";

Error unreadable(std::string_view what, int code) {
  return {ErrorKind::kTransient, "file_unreadable", std::string(what) + ": " + std::generic_category().message(code)};
}

class PlainBytes final : public FileBytes {
 public:
  explicit PlainBytes(FileDescriptor file) : file_(std::move(file)) {}

  Result<std::size_t> available(std::uint64_t offset, std::size_t wanted) override {
    struct stat status {};
    if (::fstat(file_.get(), &status) != 0) return unreadable("look at a file's size", errno);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    return size <= offset ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>(wanted, size - offset));
  }
  Result<std::size_t> read(std::uint64_t offset, char* out, std::size_t size) override { return read_at(file_.get(), out, size, offset); }
  StreamEnd end() const override { return StreamEnd::kClean; }
  bool compressed() const override { return false; }
  int fd() const override { return file_.get(); }

 private:
  FileDescriptor file_;
};

// Decompresses as much of its input as it can.  RAII over a library's stream.
class Decompressor {
 public:
  virtual ~Decompressor() = default;
  // Consumes from `input` and appends to `output`; false: the input is corrupt.
  virtual bool feed(std::string_view& input, std::string& output) = 0;
  virtual bool at_frame_end() const = 0;
  // Output is left that feed() gives out without further input.
  virtual bool pending() const = 0;
};

class GzipDecompressor final : public Decompressor {
 public:
  GzipDecompressor() { inflateInit2(&stream_, 15 + 16); }  // largest window, gzip framing
  GzipDecompressor(const GzipDecompressor&) = delete;
  GzipDecompressor& operator=(const GzipDecompressor&) = delete;
  ~GzipDecompressor() override { inflateEnd(&stream_); }

  bool feed(std::string_view& input, std::string& output) override {
    while (!input.empty() || pending_) {
      if (at_frame_end_ && !begin_member(input)) return true;
      char buffer[kCompressedBlock];
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));  // zlib does not write to it
      stream_.avail_in = static_cast<uInt>(input.size());
      stream_.next_out = reinterpret_cast<Bytef*>(buffer);
      stream_.avail_out = sizeof(buffer);
      const int result = inflate(&stream_, Z_NO_FLUSH);
      input.remove_prefix(input.size() - stream_.avail_in);
      output.append(buffer, sizeof(buffer) - stream_.avail_out);
      at_frame_end_ = result == Z_STREAM_END;
      pending_ = stream_.avail_out == 0 && !at_frame_end_;
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return false;
      if (output.size() >= kCompressedBlock) return true;
    }
    return true;
  }
  bool at_frame_end() const override { return at_frame_end_; }
  bool pending() const override { return pending_; }

 private:
  // A file may hold several members one after the other, and zeros as padding behind them (as tapes do).
  bool begin_member(std::string_view& input) {
    if (started_) {
      input.remove_prefix(std::min(input.find_first_not_of('\0'), input.size()));
      if (input.empty()) return false;
      inflateReset(&stream_);
    }
    started_ = true;
    at_frame_end_ = false;
    return true;
  }

  z_stream stream_{};
  bool at_frame_end_ = true;
  bool started_ = false;
  bool pending_ = false;
};

class ZstdDecompressor final : public Decompressor {
 public:
  bool feed(std::string_view& input, std::string& output) override {
    while (!input.empty() || pending_) {
      char buffer[kCompressedBlock];
      ZSTD_inBuffer in{input.data(), input.size(), 0};
      ZSTD_outBuffer out{buffer, sizeof(buffer), 0};
      const std::size_t result = ZSTD_decompressStream(stream_.get(), &out, &in);
      if (ZSTD_isError(result) != 0) return false;
      input.remove_prefix(in.pos);
      output.append(buffer, out.pos);
      at_frame_end_ = result == 0;
      pending_ = out.pos == out.size && !at_frame_end_;
      if (output.size() >= kCompressedBlock) return true;
    }
    return true;
  }
  bool at_frame_end() const override { return at_frame_end_; }
  bool pending() const override { return pending_; }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream_{ZSTD_createDStream()};
  bool at_frame_end_ = true;
  bool pending_ = false;
};

// Goes forward through the stream and keeps what was decompressed but not yet passed by; to go back it begins anew.
class CompressedBytes final : public FileBytes {
 public:
  CompressedBytes(FileDescriptor file, Compression compression) : file_(std::move(file)), compression_(compression) { rewind(); }

  Result<std::size_t> available(std::uint64_t offset, std::size_t wanted) override {
    if (offset < window_start_) rewind();
    drop_before(offset);
    while (window_start_ + window_.size() < offset + wanted) {
      const bool more = SLUICE_TRY(decompress_some());
      if (!more) break;
      drop_before(offset);
    }
    const std::uint64_t end = window_start_ + window_.size();
    return end <= offset ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>(wanted, end - offset));
  }

  Result<std::size_t> read(std::uint64_t offset, char* out, std::size_t size) override {
    const std::size_t count = std::min(size, window_.size());
    if (offset != window_start_ || count == 0) return 0;
    std::memcpy(out, window_.data(), count);
    return count;
  }
  StreamEnd end() const override {
    if (corrupt_) return StreamEnd::kCorrupt;
    return decompressor_->at_frame_end() ? StreamEnd::kClean : StreamEnd::kInsideFrame;
  }
  bool compressed() const override { return true; }
  int fd() const override { return file_.get(); }

 private:
  void rewind() {
    if (compression_ == Compression::kGzip) {
      decompressor_ = std::make_unique<GzipDecompressor>();
    } else {
      decompressor_ = std::make_unique<ZstdDecompressor>();
    }
    window_.clear();
    window_start_ = 0;
    file_offset_ = 0;
    input_ = {};
    corrupt_ = false;
  }

  void drop_before(std::uint64_t offset) {
    if (offset <= window_start_) return;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(offset - window_start_, window_.size()));
    window_.erase(0, count);
    window_start_ += count;
  }

  // False: nothing more can be had now.
  Result<bool> decompress_some() {
    if (corrupt_) return false;
    if (input_.empty() && !decompressor_->pending()) {
      block_.resize(kCompressedBlock);
      const std::size_t count = SLUICE_TRY(read_at(file_.get(), block_.data(), block_.size(), file_offset_));
      file_offset_ += count;
      input_ = {block_.data(), count};
      if (count == 0) return false;
    }
    decompressed_.clear();
    corrupt_ = !decompressor_->feed(input_, decompressed_);
    window_ += decompressed_;
    return true;
  }

  FileDescriptor file_;
  const Compression compression_;
  std::unique_ptr<Decompressor> decompressor_;
  std::string window_;              // decompressed bytes from window_start_ on
  std::uint64_t window_start_ = 0;  // offset in the decompressed stream
  std::uint64_t file_offset_ = 0;   // of the next compressed block
  std::vector<char> block_;
  std::string_view input_;    // of block_: not yet decompressed
  std::string decompressed_;  // scratch
  bool corrupt_ = false;
};

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Result<FileDescriptor> open_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO under the name must not block us
  if (fd < 0) return unreadable("open \"" + path + "\"", errno);
  return FileDescriptor(fd);
}

Result<std::size_t> read_at(int fd, char* out, std::size_t size, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::pread(fd, out + done, size - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unreadable("read at byte " + std::to_string(offset + done), errno);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

FileId file_id(const struct stat& status) { return {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino)}; }

Compression detect_compression(std::string_view beginning) {
  if (beginning.starts_with(kGzipMagic)) return Compression::kGzip;
  if (beginning.starts_with(kZstdMagic)) return Compression::kZstd;
  if (kGzipMagic.starts_with(beginning) || kZstdMagic.starts_with(beginning)) return Compression::kAuto;
  return Compression::kNone;
}

std::unique_ptr<FileBytes> make_file_bytes(FileDescriptor file, Compression compression) {
  if (compression == Compression::kNone) return std::make_unique<PlainBytes>(std::move(file));
  return std::make_unique<CompressedBytes>(std::move(file), compression);
}

}  // namespace sluice::sources
