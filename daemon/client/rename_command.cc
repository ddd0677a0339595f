// `sluice positions rename OLD NEW --data-dir D --config FILE`: without a daemon, because a running one knows the old file.
#include <fmt/format.h>

#include <filesystem>
#include <ostream>

#include "daemon/client/conversation_internal.h"
#include "daemon/client/offline.h"
#include "pipeline/rename_pipeline.h"

namespace sluice::client {

int positions_rename_command(const ClientOptions& options, const Registry& registry, daemon::Streams streams) {
  const std::string target = options.data_dir + "/" + options.pipeline;
  std::error_code ignored;
  if (std::filesystem::exists(target, ignored)) {
    return tell(
        Error(ErrorKind::kFatal, "name_in_use",
              fmt::format("\"{}\" is there already: a pipeline has run under that name; move its directory away if that was a mistake",
                          target)),
        streams);
  }
  const std::string what = fmt::format(
      "Rename {} to {}: its positions, dead letters and state go on under the new name, in the data directory and in every sink. What it "
      "made "
      "at its origins keeps its name: where the file leaves the names of a slot or publication to the pipeline's name, write the old ones "
      "there (slot: sluice_{}).",
      options.renamed_from, options.pipeline, options.renamed_from);
  if (!agreed(options, what, streams)) return daemon::kFailed;
  const auto work = [&](const pipeline::Definition& definition, const pipeline::Environment& environment) -> Status {
    SLUICE_TRY(pipeline::rename_pipeline(definition, options.renamed_from, environment, target, {}));
    streams.out << fmt::format("{} is {} now\n", options.renamed_from, options.pipeline);
    return {};
  };
  return work_offline(options, registry, streams, work);
}

}  // namespace sluice::client
