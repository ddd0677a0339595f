// Counts and forgets: for measuring, and for a pipeline whose work is its dead letters or metrics.

#include <memory>

#include "core/registry.h"

namespace sluice {

namespace sinks {

namespace {

struct DiscardSinkConfig {};

const ConfigFields<DiscardSinkConfig>& fields() {
  static const ConfigFields<DiscardSinkConfig> kFields;
  return kFields;
}

// Keeps nothing, so the local store keeps its positions.
class DiscardSink final : public Sink {
 public:
  Result<std::optional<Checkpoint>> open(std::stop_token) override { return std::optional<Checkpoint>(); }
  Status write(const BatchView&, Rejects&, std::stop_token) override { return {}; }
  Status flush(Rejects&, std::stop_token) override { return {}; }
  Status commit(const CommitRequest&, std::stop_token) override { return {}; }
  Status close(Closing) override { return {}; }
};

Result<std::unique_ptr<Sink>> build(const DiscardSinkConfig&, const BuildContext&) {
  return std::unique_ptr<Sink>(std::make_unique<DiscardSink>());
}

Guarantee guarantee(const DiscardSinkConfig&) {
  return {false, "nothing is kept: records after the newest checkpoint are counted again after a crash"};
}

}  // namespace

}  // namespace sinks

void register_discard_sink(Registry& registry);
void register_discard_sink(Registry& registry) {
  registry.add(
      SinkType<sinks::DiscardSinkConfig>{{"discard", "Counts and forgets.", "{}", &sinks::fields()}, sinks::build, sinks::guarantee});
}

}  // namespace sluice
