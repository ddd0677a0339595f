#include "daemon/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "daemon/unserved.h"

namespace sluice::daemon {

namespace {

std::string joined(const std::vector<std::string>& names, std::string_view between) {
  std::string result;
  for (const std::string& name : names) result += (result.empty() ? "" : std::string(between)) + name;
  return result;
}

// One line of an expression, for a picture.
std::string shortened(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t' || c == '\r'; }, ' ');
  while (text.ends_with(' ')) text.pop_back();
  constexpr std::size_t kWidth = 60;  // bytes; cut at a character's begin
  if (text.size() <= kWidth) return text;
  std::size_t end = kWidth - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

std::string conditions(const std::vector<Condition>& when) {
  std::string result;
  for (const Condition& condition : when) result += (result.empty() ? "  when " : " and ") + shortened(condition.text());
  return result;
}

std::string titled(const ComponentUse& use, std::string_view kind) {
  const std::string type = use.type();
  return use.name == type ? fmt::format("{} [{}]", use.name, kind) : fmt::format("{} [{} {}]", use.name, kind, type);
}

std::string own_steps(const std::vector<StepConfig>& chain) {
  std::string result;
  for (const StepConfig& step : chain) result += (result.empty() ? "" : ", ") + step.name.substr(step.name.find('.') + 1);
  return result.empty() ? "" : "  own steps: " + result;
}

class Picture {
 public:
  explicit Picture(const PipelineConfig& pipeline) : pipeline_(pipeline) {}

  std::string draw() {
    for (const SourceConfig& source : pipeline_.sources)
      fmt::format_to(std::back_inserter(out_), "  {}{}\n", titled(source, "source"), own_steps(source.chain));
    // Readers of the same sources stand together; each group is a tree of its own.
    std::vector<std::vector<std::string>> groups;
    const auto note = [&](const std::vector<std::string>& from) {
      if (is_source(from.front()) && std::find(groups.begin(), groups.end(), from) == groups.end()) groups.push_back(from);
    };
    for (const StepConfig& step : pipeline_.steps) note(step.from);
    for (const SinkConfig& sink : pipeline_.sinks) note(sink.from);
    for (const auto& group : groups) {
      if (pipeline_.sources.size() > 1) out_ += "  from " + joined(group, " + ") + "\n";
      readers(group, "  ");
    }
    return std::move(out_);
  }

 private:
  bool is_source(const std::string& name) const {
    return std::any_of(pipeline_.sources.begin(), pipeline_.sources.end(), [&](const SourceConfig& source) { return source.name == name; });
  }

  void readers(const std::vector<std::string>& from, const std::string& indent) {
    std::vector<const StepConfig*> steps;
    std::vector<const SinkConfig*> sinks;
    for (const StepConfig& step : pipeline_.steps) {
      if (step.from == from) steps.push_back(&step);
    }
    for (const SinkConfig& sink : pipeline_.sinks) {
      if (sink.from == from) sinks.push_back(&sink);
    }
    std::size_t left = steps.size() + sinks.size();
    for (const StepConfig* step : steps) {
      const bool last = --left == 0;
      fmt::format_to(std::back_inserter(out_), "{}{} {}{}\n", indent, last ? "└─" : "├─", titled(*step, "step"), conditions(step->when));
      const std::string below = indent + (last ? "   " : "│  ");
      if (step->is_route) {
        outputs(*step, below);
      } else {
        readers({step->name}, below);
      }
    }
    for (const SinkConfig* sink : sinks) {
      fmt::format_to(std::back_inserter(out_), "{}{} {}{}{}\n", indent, --left == 0 ? "└─" : "├─", titled(*sink, "sink"),
                     conditions(sink->when), own_steps(sink->chain));
    }
  }

  void outputs(const StepConfig& route, const std::string& indent) {
    const auto groups = output_groups(pipeline_, route);
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const bool last = i + 1 == groups.size();
      fmt::format_to(std::back_inserter(out_), "{}{} {}\n", indent, last ? "└─" : "├─", joined(groups[i], " + "));
      readers(groups[i], indent + (last ? "   " : "│  "));
    }
  }

  const PipelineConfig& pipeline_;
  std::string out_;
};

std::string_view promise(const Guarantee& guarantee) { return guarantee.exactly_once ? "exactly once" : "at least once"; }

void describe_guarantee(const PipelineConfig& pipeline, const SinkConfig& sink, std::string& out) {
  const Guarantee whole = end_to_end(pipeline, sink);
  fmt::format_to(std::back_inserter(out), "  {}: {}, end to end\n", sink.name, promise(whole));
  for (const SourceConfig* source : sources_of(pipeline, sink.from)) {
    const Guarantee part = source->component->guarantee(source->config);
    fmt::format_to(std::back_inserter(out), "    source {}: {}: {}\n", source->name, promise(part), part.reason);
  }
  const Guarantee part = sink.component->guarantee(sink.config);
  fmt::format_to(std::back_inserter(out), "    sink {}: {}: {}\n", sink.name, promise(part), part.reason);
}

// What the file says of a component, secrets hidden; what it leaves to the defaults is left out.
void describe_settings(const ComponentUse& use, std::string& out) {
  const auto shown = use.component->show(use.config);
  for (const FieldDoc& field : use.component->fields()) {
    for (const auto& [name, text] : shown) {
      if (name == field.name && !text.empty() && text != field.default_text)
        fmt::format_to(std::back_inserter(out), "    {}: {}\n", name, shortened(text));
    }
  }
}

void describe_ends(const PipelineConfig& pipeline, std::string& out) {
  out += "\nreads\n";
  for (const SourceConfig& source : pipeline.sources) {
    fmt::format_to(std::back_inserter(out), "  {}: {}\n", source.name, source.component->summary);
    describe_settings(source, out);
  }
  for (const ReferenceData& data : pipeline.references)
    fmt::format_to(std::back_inserter(out), "  {}: {} by {}, to look things up in\n", data.name, data.csv.path, data.csv.key);
  out += "\nwrites\n";
  for (const SinkConfig& sink : pipeline.sinks) {
    fmt::format_to(std::back_inserter(out), "  {}: {}\n", sink.name, sink.component->summary);
    describe_settings(sink, out);
  }
}

}  // namespace

std::vector<std::vector<std::string>> output_groups(const PipelineConfig& pipeline, const StepConfig& route) {
  std::vector<std::vector<std::string>> groups;
  const auto note = [&](const std::vector<std::string>& from) {
    const bool reads_it = !from.empty() && from.front().starts_with(route.name + ".");
    if (reads_it && std::find(groups.begin(), groups.end(), from) == groups.end()) groups.push_back(from);
  };
  for (const StepConfig& step : pipeline.steps) note(step.from);
  for (const SinkConfig& sink : pipeline.sinks) note(sink.from);
  return groups;
}

std::vector<const SourceConfig*> sources_of(const PipelineConfig& pipeline, const std::vector<std::string>& from) {
  std::vector<const SourceConfig*> result;
  for (const std::string& name : from) {
    for (const StepConfig& step : pipeline.steps) {
      if (step.name == producer_of(name)) return sources_of(pipeline, step.from);
    }
    for (const SourceConfig& source : pipeline.sources) {
      if (source.name == name) result.push_back(&source);
    }
  }
  return result;
}

Guarantee end_to_end(const PipelineConfig& pipeline, const SinkConfig& sink) {
  for (const SourceConfig* source : sources_of(pipeline, sink.from)) {
    const Guarantee part = source->component->guarantee(source->config);
    if (!part.exactly_once) return part;
  }
  return sink.component->guarantee(sink.config);
}

std::string explain_pipeline(const PipelineConfig& pipeline) {
  std::string out = fmt::format("pipeline {} ({})\n", pipeline.name, pipeline.file);
  if (!pipeline.description.empty()) out += "  " + pipeline.description + "\n";
  out += "\n" + Picture(pipeline).draw();
  describe_ends(pipeline, out);
  out += "\nguarantees\n";
  for (const SinkConfig& sink : pipeline.sinks) describe_guarantee(pipeline, sink, out);
  if (pipeline.unmatched) {
    fmt::format_to(std::back_inserter(out), "  a record that no sink takes: {}\n",
                   *pipeline.unmatched == pipeline::Unmatched::kDrop ? "dropped (counted as filtered)" : "dead letter");
  }
  return out;
}

}  // namespace sluice::daemon
