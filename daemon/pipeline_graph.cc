// Who reads whom: a forest with the sources as roots (CONFIG.md rule 4).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "daemon/pipeline_config.h"

namespace sluice::daemon {

namespace {

class Graph {
 public:
  Graph(PipelineConfig& pipeline, BindContext& context) : pipeline_(pipeline), context_(context) {
    for (const SourceConfig& source : pipeline_.sources) sources_.push_back(source.name);
    for (std::size_t i = 0; i < pipeline_.steps.size(); ++i) steps_.try_emplace(pipeline_.steps[i].name, i);
  }

  void resolve(Parts parts) {
    bool good = names_differ();
    for (std::size_t i = 0; i < pipeline_.steps.size(); ++i) {
      StepConfig& step = pipeline_.steps[i];
      const std::vector<std::string> before = i == 0 ? sources_ : std::vector{pipeline_.steps[i - 1].name};
      good = resolve_one(step.written_from, before, step.from) && good;
    }
    for (SinkConfig& sink : pipeline_.sinks) {
      const std::vector<std::string> last = pipeline_.steps.empty() ? sources_ : std::vector{pipeline_.steps.back().name};
      good = resolve_one(sink.written_from, last, sink.from) && good;
    }
    if (!good || !without_cycle()) return;
    if (parts == Parts::kAll) report_unread();
    sort_steps();
  }

 private:
  bool is_source(std::string_view name) const { return std::find(sources_.begin(), sources_.end(), name) != sources_.end(); }
  bool is_step(std::string_view name) const { return steps_.find(name) != steps_.end(); }

  // A `from` could mean either.
  bool names_differ() {
    bool good = true;
    for (const StepConfig& step : pipeline_.steps) {
      if (!is_source(step.name)) continue;
      context_.findings.error(step.node, "conflict", fmt::format("a step and a source are both called \"{}\"", step.name),
                              "give the step another name: name: <name>");
      good = false;
    }
    return good;
  }

  bool resolve_one(const std::optional<std::vector<Reference>>& written, const std::vector<std::string>& otherwise,
                   std::vector<std::string>& from) {
    if (!written) {
      from = otherwise;
      return true;
    }
    bool good = true;
    for (const Reference& reference : *written) {
      good = known(reference) && good;
      if (std::find(from.begin(), from.end(), reference.name) != from.end()) {
        context_.findings.error(reference.node, "conflict", fmt::format("\"{}\" is read twice", reference.name));
        good = false;
      }
      from.push_back(reference.name);
    }
    const bool any_step = std::any_of(from.begin(), from.end(), [this](const std::string& name) { return is_step(name); });
    if (good && any_step && from.size() > 1) {
      context_.findings.error(written->front().node, "conflict",
                              "only sources can be read together: what comes out of several steps has no common order",
                              "name one step, or sources alone");
      good = false;
    }
    return good;
  }

  bool known(const Reference& reference) {
    const std::string& name = reference.name;
    if (is_step(name) || is_source(name)) return true;
    std::vector<std::string_view> candidates(sources_.begin(), sources_.end());
    for (const auto& [step, index] : steps_) candidates.push_back(step);
    std::string message = fmt::format("there is no step or source \"{}\"", name);
    const std::size_t dot = name.find('.');
    if (dot != std::string::npos && is_step(name.substr(0, dot)))
      message = fmt::format("the step \"{}\" has no output \"{}\"", name.substr(0, dot), name.substr(dot + 1));
    context_.findings.add({Diagnostic::Severity::kError,
                           reference.node.place,
                           reference.node.path,
                           "unknown_reference",
                           std::move(message),
                           nearest(name, candidates),
                           {}});
    return false;
  }

  // A step reads at most one step, so following it from each step finds every cycle.
  bool without_cycle() {
    std::set<std::size_t> good;
    for (std::size_t start = 0; start < pipeline_.steps.size(); ++start) {
      std::vector<std::size_t> path;
      for (std::size_t at = start; !good.contains(at);) {
        const auto seen = std::find(path.begin(), path.end(), at);
        if (seen != path.end()) return report_cycle({seen, path.end()}), false;
        path.push_back(at);
        const auto next = steps_.find(pipeline_.steps[at].from.front());
        if (next == steps_.end()) break;
        at = next->second;
      }
      good.insert(path.begin(), path.end());
    }
    return true;
  }

  void report_cycle(const std::vector<std::size_t>& cycle) {
    std::string way;
    for (const std::size_t index : cycle) way += pipeline_.steps[index].name + " reads ";
    way += pipeline_.steps[cycle.front()].name;
    for (const std::size_t index : cycle) {
      const auto& written = pipeline_.steps[index].written_from;
      if (!written) continue;
      return context_.findings.error(written->front().node, "cycle", "the steps read each other in a circle: " + way);
    }
  }

  void report_unread() {
    std::set<std::string, std::less<>> read;
    for (const StepConfig& step : pipeline_.steps) read.insert(step.from.begin(), step.from.end());
    for (const SinkConfig& sink : pipeline_.sinks) read.insert(sink.from.begin(), sink.from.end());
    for (const StepConfig& step : pipeline_.steps) {
      if (!read.contains(step.name)) unread(step.node, "step", step.name);
    }
    for (const SourceConfig& source : pipeline_.sources) {
      if (!read.contains(source.name)) unread(source.node, "source", source.name);
    }
  }

  void unread(const ConfigNode& node, std::string_view kind, const std::string& name) {
    context_.findings.error(node, "unread_step", fmt::format("no step or sink reads the {} \"{}\"", kind, name),
                            fmt::format("say from: {} where it is to be read, or take it out", name));
  }

  void sort_steps() {
    std::vector<StepConfig> sorted;
    std::set<std::string> placed(sources_.begin(), sources_.end());
    std::vector<bool> done(pipeline_.steps.size(), false);
    while (sorted.size() < done.size()) {
      for (std::size_t i = 0; i < done.size(); ++i) {
        if (done[i] || !placed.contains(pipeline_.steps[i].from.front())) continue;
        placed.insert(pipeline_.steps[i].name);
        sorted.push_back(std::move(pipeline_.steps[i]));
        done[i] = true;
      }
    }
    pipeline_.steps = std::move(sorted);
  }

  PipelineConfig& pipeline_;
  BindContext& context_;
  std::vector<std::string> sources_;
  std::map<std::string, std::size_t, std::less<>> steps_;
};

}  // namespace

void resolve_graph(PipelineConfig& pipeline, Parts parts, BindContext& context) {
  if (pipeline.sources.empty()) return;  // reported; every reference would be unknown
  Graph(pipeline, context).resolve(parts);
}

}  // namespace sluice::daemon
