// Who reads whom: a forest with the sources as roots (CONFIG.md rule 4).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "daemon/pipeline_config.h"
#include "daemon/unserved.h"

namespace sluice::daemon {

namespace {

class Graph {
 public:
  Graph(PipelineConfig& pipeline, BindContext& context) : pipeline_(pipeline), context_(context) {
    for (const SourceConfig& source : pipeline_.sources) sources_.push_back(source.name);
    for (std::size_t i = 0; i < pipeline_.steps.size(); ++i) unique_ = steps_.try_emplace(pipeline_.steps[i].name, i).second && unique_;
  }

  bool resolve(Parts parts) {
    bool good = names_differ() && unique_;
    for (std::size_t i = 0; i < pipeline_.steps.size(); ++i) {
      StepConfig& step = pipeline_.steps[i];
      good = resolve_one(step.node, step.written_from, i == 0 ? nullptr : &pipeline_.steps[i - 1], step.from) && good;
    }
    for (SinkConfig& sink : pipeline_.sinks) {
      good = resolve_one(sink.node, sink.written_from, pipeline_.steps.empty() ? nullptr : &pipeline_.steps.back(), sink.from) && good;
    }
    if (!good || !without_cycle()) return false;
    if (parts == Parts::kAll) report_unread();
    sort_steps();
    return true;
  }

 private:
  bool is_source(std::string_view name) const { return std::find(sources_.begin(), sources_.end(), name) != sources_.end(); }

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

  // `before`: the step that is read unless `from` says otherwise; null: the sources.
  bool resolve_one(const ConfigNode& reader, const std::optional<std::vector<Reference>>& written, const StepConfig* before,
                   std::vector<std::string>& from) {
    if (!written && before != nullptr && before->is_route) {
      context_.findings.error(
          reader, "missing_key",
          fmt::format("the step before this one is the route \"{}\": from: must say which of its outputs this one reads", before->name),
          outputs_hint(*before));
      return false;
    }
    if (!written) {
      from = before == nullptr ? sources_ : std::vector{before->name};
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
    return good && readable_together(*written, from);
  }

  // Sources, or outputs of one route: what comes out of one step has one order.
  bool readable_together(const std::vector<Reference>& written, const std::vector<std::string>& from) {
    const bool any_step = std::any_of(from.begin(), from.end(), [this](const std::string& name) { return !is_source(name); });
    const bool same =
        std::all_of(from.begin(), from.end(), [&](const std::string& name) { return producer_of(name) == producer_of(from[0]); });
    if (!any_step || same) return true;
    context_.findings.error(
        written.front().node, "conflict",
        "only sources, or outputs of one route, can be read together: what comes out of several steps has no common order",
        "name one step, or sources alone");
    return false;
  }

  static std::string outputs_hint(const StepConfig& route) {
    std::string hint;
    for (const ConfigNode& output : route.outputs) hint += (hint.empty() ? "from: " : ", or ") + route.name + "." + output.text;
    return hint;
  }

  static bool has_output(const StepConfig& route, std::string_view name) {
    // A route that could not be read may have any.
    return route.outputs.empty() ||
           std::any_of(route.outputs.begin(), route.outputs.end(), [&](const ConfigNode& output) { return output.text == name; });
  }

  bool known(const Reference& reference) {
    const std::string& name = reference.name;
    if (is_source(name)) return true;
    const auto found = steps_.find(producer_of(name));
    const StepConfig* step = found == steps_.end() ? nullptr : &pipeline_.steps[found->second];
    const std::size_t dot = name.find('.');
    if (step != nullptr && !step->is_route && dot == std::string::npos) return true;
    if (step != nullptr && step->is_route && dot != std::string::npos && has_output(*step, name.substr(dot + 1))) return true;
    std::vector<std::string> candidates;
    std::string message = fmt::format("there is no step or source \"{}\"", name), hint;
    if (step != nullptr && step->is_route && dot == std::string::npos) {
      message = fmt::format("\"{}\" is a route, and only its outputs can be read", name);
      hint = outputs_hint(*step);
    } else if (step != nullptr && step->is_route) {
      message = fmt::format("the route \"{}\" has no output \"{}\"", step->name, name.substr(dot + 1));
      for (const ConfigNode& output : step->outputs) candidates.push_back(step->name + "." + output.text);
      hint = outputs_hint(*step);
    } else if (step != nullptr) {
      message = fmt::format("the step \"{}\" has no outputs: only a route has them", step->name);
      hint = fmt::format("from: {}", step->name);
    } else {
      candidates = readable_names();
    }
    context_.findings.add({Diagnostic::Severity::kError, reference.node.place, reference.node.path, "unknown_reference", std::move(message),
                           nearest(name, {candidates.begin(), candidates.end()}), std::move(hint)});
    return false;
  }

  std::vector<std::string> readable_names() const {
    std::vector<std::string> names = sources_;
    for (const StepConfig& step : pipeline_.steps) {
      if (!step.is_route) names.push_back(step.name);
      for (const ConfigNode& output : step.outputs) names.push_back(step.name + "." + output.text);
    }
    return names;
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
        const auto next = steps_.find(producer_of(pipeline_.steps[at].from.front()));
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
      if (!step.is_route && !read.contains(step.name)) unread(step.node, "step", step.name);
      for (const ConfigNode& output : step.outputs) {
        const std::string name = step.name + "." + output.text;
        if (!read.contains(name)) unread(output, "output", name);
      }
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
        if (done[i] || !placed.contains(producer_of(pipeline_.steps[i].from.front()))) continue;
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
  bool unique_ = true;  // no two steps have one name, which was reported; who reads which could not be told
};

}  // namespace

bool resolve_graph(PipelineConfig& pipeline, Parts parts, BindContext& context) {
  if (pipeline.sources.empty()) return false;  // reported; every reference would be unknown
  return Graph(pipeline, context).resolve(parts);
}

}  // namespace sluice::daemon
