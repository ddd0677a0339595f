#include "sinks/file/compressor.h"

#include <zlib.h>
#include <zstd.h>

namespace sluice::sinks {

namespace {

constexpr int kGzipLevel = 6;  // the default of gzip(1)
constexpr int kZstdLevel = 3;  // the default of zstd(1)

Error out_of_memory(std::string_view library) { return Error(ErrorKind::kTransient, "io_error", std::string(library) + " has no memory"); }

class GzipCompressor final : public Compressor {
 public:
  ~GzipCompressor() override {
    if (ready_) deflateEnd(&stream_);
  }

  Status append_frame(std::string_view input, std::string& out) override {
    if (!ready_) {
      constexpr int kGzipWrapper = 16;
      if (deflateInit2(&stream_, kGzipLevel, Z_DEFLATED, MAX_WBITS + kGzipWrapper, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return out_of_memory("zlib");
      ready_ = true;
    }
    deflateReset(&stream_);
    const std::size_t start = out.size();
    out.resize(start + deflateBound(&stream_, input.size()));
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());  // a buffer of the sink: below 4 GiB
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + start);
    stream_.avail_out = static_cast<uInt>(out.size() - start);
    const int result = deflate(&stream_, Z_FINISH);
    out.resize(start + stream_.total_out);
    if (result != Z_STREAM_END) return Error(ErrorKind::kFatal, "compression_failed", "zlib did not end its member");
    return {};
  }

  std::string_view extension() const override { return ".gz"; }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

class ZstdCompressor final : public Compressor {
 public:
  Status append_frame(std::string_view input, std::string& out) override {
    if (!context_) {
      context_.reset(ZSTD_createCCtx());
      if (!context_) return out_of_memory("zstd");
      ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kZstdLevel);
      ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
    }
    const std::size_t start = out.size();
    out.resize(start + ZSTD_compressBound(input.size()));
    const std::size_t written = ZSTD_compress2(context_.get(), out.data() + start, out.size() - start, input.data(), input.size());
    if (ZSTD_isError(written) != 0) return out_of_memory("zstd");  // the only error of a one-shot call with enough room
    out.resize(start + written);
    return {};
  }

  std::string_view extension() const override { return ".zst"; }

 private:
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> context_;
};

}  // namespace

std::unique_ptr<Compressor> make_compressor(Compression compression) {
  switch (compression) {
    case Compression::kNone: return nullptr;
    case Compression::kGzip: return std::make_unique<GzipCompressor>();
    case Compression::kZstd: return std::make_unique<ZstdCompressor>();
  }
  return nullptr;
}

}  // namespace sluice::sinks
