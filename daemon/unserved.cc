#include "daemon/unserved.h"

#include <algorithm>

namespace sluice::daemon {

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class Places {
 public:
  explicit Places(const PipelineConfig& pipeline) : pipeline_(pipeline) {}

  std::vector<Unserved> find() {
    std::vector<Unserved> found;
    for (const SourceConfig& source : pipeline_.sources) served(source.name, true, found);
    return found;
  }

 private:
  // Whether every record of `name` reaches a sink that takes all, as far as no step leaves it out.  If not, `unserved` gets the places.
  bool served(const std::string& name, bool only_way, std::vector<Unserved>& unserved) {
    std::size_t sinks = 0;
    for (const SinkConfig& sink : pipeline_.sinks) {
      if (!contains(sink.from, name)) continue;
      if (sink.when.empty()) return true;
      ++sinks;
    }
    std::vector<const StepConfig*> steps;
    for (const StepConfig& step : pipeline_.steps) {
      if (contains(step.from, name)) steps.push_back(&step);
    }
    const bool sole_reader = steps.size() + (sinks == 0 ? 0 : 1) == 1;
    std::vector<Unserved> below;
    for (const StepConfig* step : steps) {
      if (!step->is_route && served(step->name, only_way && sole_reader, below)) return true;
      if (step->is_route && all_outputs_served(*step, only_way && sole_reader, below)) return true;
    }
    if (steps.empty() && sinks == 0) return true;  // its reader could not be read, which is reported
    if (steps.empty()) below.push_back({name, only_way});
    unserved.insert(unserved.end(), below.begin(), below.end());
    return false;
  }

  bool all_outputs_served(const StepConfig& route, bool only_way, std::vector<Unserved>& unserved) {
    bool all = true;
    for (const ConfigNode& output : route.outputs) all = served(route.name + "." + output.text, only_way, unserved) && all;
    return all;
  }

  const PipelineConfig& pipeline_;
};

}  // namespace

std::vector<Unserved> unserved_places(const PipelineConfig& pipeline) { return Places(pipeline).find(); }

std::string producer_of(const std::string& from) { return from.substr(0, from.find('.')); }

}  // namespace sluice::daemon
