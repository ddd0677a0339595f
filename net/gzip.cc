#include "net/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>

namespace sluice::net {

namespace {

constexpr int kGzipWindow = 15 + 16;             // zlib.h: 32 KiB of history, the gzip format
constexpr std::size_t kMaxStep = 1024UL * 1024;  // avail_in and avail_out are unsigned int

Error damaged() { return {ErrorKind::kBadRecord, "gzip_damaged", "the gzip data is damaged or incomplete"}; }
Error no_memory() { return {ErrorKind::kTransient, "out_of_memory", "no memory for gzip"}; }

// zlib's interface is not const.
void give(z_stream& stream, std::string_view input) {
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));  // NOLINT
  stream.avail_in = static_cast<uInt>(input.size());
}

}  // namespace

Result<std::string> gunzip(std::string_view packed, std::size_t limit) {
  z_stream stream{};
  if (::inflateInit2(&stream, kGzipWindow) != Z_OK) return no_memory();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, &::inflateEnd);
  std::string result;
  std::array<char, 32768> chunk{};
  bool ended = packed.empty();
  if (ended) return damaged();
  while (true) {
    if (stream.avail_in == 0) {
      const std::string_view step = packed.substr(0, kMaxStep);
      packed.remove_prefix(step.size());
      give(stream, step);
    }
    if (ended && stream.avail_in == 0) return result;
    if (ended && ::inflateReset(&stream) != Z_OK) return damaged();
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());  // NOLINT
    stream.avail_out = static_cast<uInt>(chunk.size());
    const int outcome = ::inflate(&stream, Z_NO_FLUSH);
    if (outcome != Z_OK && outcome != Z_STREAM_END) return damaged();
    const std::size_t got = chunk.size() - stream.avail_out;
    if (result.size() + got > limit) return Error(ErrorKind::kBadRecord, "body_too_large", "the body unpacks to more than its limit");
    result.append(chunk.data(), got);
    ended = outcome == Z_STREAM_END;
  }
}

Status gzip(std::string_view text, std::string& out) {
  z_stream stream{};
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) return no_memory();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, &::deflateEnd);
  std::array<char, 32768> chunk{};
  int outcome = Z_OK;
  while (outcome != Z_STREAM_END) {
    if (stream.avail_in == 0) {
      const std::string_view step = text.substr(0, kMaxStep);
      text.remove_prefix(step.size());
      give(stream, step);
    }
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());  // NOLINT
    stream.avail_out = static_cast<uInt>(chunk.size());
    outcome = ::deflate(&stream, text.empty() ? Z_FINISH : Z_NO_FLUSH);
    if (outcome == Z_STREAM_ERROR) return no_memory();
    out.append(chunk.data(), chunk.size() - stream.avail_out);
  }
  return {};
}

}  // namespace sluice::net
