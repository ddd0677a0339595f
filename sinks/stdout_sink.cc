// Rows on the standard output, for trying things out and for pipes.  At-least-once: a pipe cannot take a position along with the rows.

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "core/registry.h"
#include "formats/codec.h"
#include "storage/durable_file.h"

namespace sluice {

namespace sinks {

namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;
// What a pipe that poll() calls writable takes without blocking (PIPE_BUF on Linux).
constexpr std::size_t kChunkBytes = 4096;
constexpr int kPollMilliseconds = 200;  // how long a stop may wait behind a reader that does not read

struct StdoutSinkConfig {
  CodecConfig format;
};

const ConfigFields<StdoutSinkConfig>& fields() {
  static const auto kFields =
      ConfigFields<StdoutSinkConfig>{}.optional("format", &StdoutSinkConfig::format, "json (one object a line) or csv.");
  return kFields;
}

class StdoutSink final : public Sink {
 public:
  explicit StdoutSink(const StdoutSinkConfig& config) : encoder_(make_encoder(config.format)) {}

  Result<std::optional<Checkpoint>> open(std::stop_token) override {
    // Half a line may be out already: its other half still belongs to the output.
    const std::size_t rest = torn_ ? buffer_.find('\n') + 1 : 0;
    buffer_.resize(std::min(rest, buffer_.size()));
    return std::optional<Checkpoint>();
  }

  Status write(const BatchView& view, Rejects& rejects, std::stop_token stop) override {
    for (const std::uint32_t index : view.selected) {
      const Record& record = view.batch->records()[index];
      if (Status encoded = encode(*view.batch, record); !encoded) {
        if (encoded.error().kind() != ErrorKind::kBadRecord) return encoded;
        rejects.add(view, index, std::move(encoded).error());
      }
      if (buffer_.size() >= kBufferBytes) SLUICE_TRY(write_out(stop));
    }
    return {};
  }

  Status flush(Rejects&, std::stop_token) override { return {}; }  // write() has answered for every record
  Status commit(const CommitRequest&, std::stop_token stop) override { return write_out(stop); }

  Status close(Closing) override {
    buffer_.clear();
    return {};
  }

 private:
  Status encode(const Batch& batch, const Record& record) {
    const std::size_t start = buffer_.size();
    if (!begun_ && record.schema != nullptr) encoder_->header(*record.schema, buffer_);
    Status encoded = encoder_->encode(batch, record, buffer_);
    begun_ = begun_ || encoded;
    if (!encoded) buffer_.resize(start);
    return encoded;
  }

  Status write_out(const std::stop_token& stop) {
    std::size_t done = 0;
    Status result = write_until(done, stop);
    if (done > 0) torn_ = buffer_[done - 1] != '\n';
    buffer_.erase(0, done);
    return result;
  }

  // Writes buffer_ from `done` on and moves `done`.
  Status write_until(std::size_t& done, const std::stop_token& stop) {
    while (done < buffer_.size()) {
      if (stop.stop_requested())
        return Error(ErrorKind::kCancelled, "cancelled", "stopped while the reader of the standard output did not read");
      pollfd ready{STDOUT_FILENO, POLLOUT, 0};
      if (::poll(&ready, 1, kPollMilliseconds) == 0) continue;
      const ssize_t written = ::write(STDOUT_FILENO, buffer_.data() + done, std::min(kChunkBytes, buffer_.size() - done));
      if (written >= 0) {
        done += static_cast<std::size_t>(written);
      } else if (errno == EPIPE) {
        return Error(ErrorKind::kFatal, "output_closed", "write to the standard output: its reader has gone");
      } else if (errno != EINTR && errno != EAGAIN) {
        return storage::errno_error(errno, "write", "standard output");
      }
    }
    return {};
  }

  const std::unique_ptr<Encoder> encoder_;
  std::string buffer_;
  bool begun_ = false;
  bool torn_ = false;  // what is out ends within a line
};

Result<std::unique_ptr<Sink>> build(const StdoutSinkConfig& config, const BuildContext&) {
  return std::unique_ptr<Sink>(std::make_unique<StdoutSink>(config));
}

Guarantee guarantee(const StdoutSinkConfig&) {
  return {false, "a pipe keeps no positions: rows written after the newest commit come again after a crash"};
}

}  // namespace

}  // namespace sinks

void register_stdout_sink(Registry& registry);
void register_stdout_sink(Registry& registry) {
  registry.add(SinkType<sinks::StdoutSinkConfig>{
      {"stdout", "Rows on the standard output, at least once.", "format: json", &sinks::fields()}, sinks::build, sinks::guarantee});
}

}  // namespace sluice
