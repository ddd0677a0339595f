#pragma once
// Compresses in whole frames, so that a file may end, and be cut, after any of them (G22).  Concatenated gzip members (RFC 1952 section
// 2.2) and zstd frames (RFC 8878 section 3.1) read as one stream.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"

namespace sluice::sinks {

enum class Compression : std::uint8_t { kNone, kGzip, kZstd };

// One per sink: its memory (0.3 MiB for gzip, about 1 MiB for zstd) serves all files.  One thread.
class Compressor {
 public:
  virtual ~Compressor() = default;
  // Appends `input` as one frame.  kTransient io_error when there is no memory.
  virtual Status append_frame(std::string_view input, std::string& out) = 0;
  virtual std::string_view extension() const = 0;  // ".gz"
};

// Null for kNone.
std::unique_ptr<Compressor> make_compressor(Compression compression);

}  // namespace sluice::sinks
