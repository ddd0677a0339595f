// A pipeline's graph for a picture in documents and reviews.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "daemon/explain.h"
#include "daemon/unserved.h"

namespace sluice::daemon {

namespace {

// Text inside quotes: Mermaid has entities for what would end them or be taken as HTML.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': result += "#quot;"; break;
      case '#': result += "#35;"; break;
      case '<': result += "#lt;"; break;
      case '>': result += "#gt;"; break;
      case '\n':
      case '\r':
      case '\t': result += ' '; break;
      default: result += c;
    }
  }
  return result + "\"";
}

std::string label(const ComponentUse& use) { return use.name == use.type() ? use.name : use.name + ": " + use.type(); }

std::string condition_text(const std::vector<Condition>& when) {
  std::string result;
  for (const Condition& condition : when) result += (result.empty() ? "" : " && ") + condition.text();
  return result;
}

class Chart {
 public:
  explicit Chart(const PipelineConfig& pipeline) : pipeline_(pipeline) {}

  std::string draw() {
    out_ = "flowchart LR\n";
    for (const SourceConfig& source : pipeline_.sources) {
      const std::string id = node("source", "[(", source, ")]");
      ends_[source.name] = own_chain(id, source.chain);
    }
    for (const StepConfig& step : pipeline_.steps) {
      const std::string id = step.is_route ? node("step", "{", step, "}") : node("step", "[", step, "]");
      ends_[step.name] = id;
      arrows(step.from, id, condition_text(step.when));
    }
    for (const SinkConfig& sink : pipeline_.sinks) {
      std::string first;
      std::string before;
      for (const StepConfig& step : sink.chain) {
        const std::string id = node("step", "[", step, "]");
        if (!before.empty()) arrow(before, id, {});
        if (first.empty()) first = id;
        before = id;
      }
      const std::string id = node("sink", "[[", sink, "]]");
      if (!before.empty()) arrow(before, id, {});
      arrows(sink.from, first.empty() ? id : first, condition_text(sink.when));
    }
    return std::move(out_);
  }

 private:
  std::string node(std::string_view kind, std::string_view open, const ComponentUse& use, std::string_view close) {
    std::string id = fmt::format("{}{}", kind, ++count_);
    fmt::format_to(std::back_inserter(out_), "  {}{}{}{}\n", id, open, quoted(label(use)), close);
    return id;
  }

  std::string own_chain(std::string from, const std::vector<StepConfig>& chain) {
    for (const StepConfig& step : chain) {
      const std::string id = node("step", "[", step, "]");
      arrow(from, id, condition_text(step.when));
      from = id;
    }
    return from;
  }

  void arrow(const std::string& from, const std::string& to, const std::string& text) {
    if (text.empty()) {
      fmt::format_to(std::back_inserter(out_), "  {} --> {}\n", from, to);
    } else {
      fmt::format_to(std::back_inserter(out_), "  {} -->|{}| {}\n", from, quoted(text), to);
    }
  }

  void arrows(const std::vector<std::string>& from, const std::string& to, const std::string& when) {
    for (const std::string& name : from) {
      const std::string producer = producer_of(name);
      std::string text = name == producer ? "" : name.substr(producer.size() + 1);
      if (!when.empty()) text += (text.empty() ? "" : ", ") + std::string("when ") + when;
      arrow(ends_[producer], to, text);
    }
  }

  const PipelineConfig& pipeline_;
  std::map<std::string, std::string> ends_;  // where the arrows from a source or step begin
  int count_ = 0;
  std::string out_;
};

}  // namespace

std::string explain_mermaid(const PipelineConfig& pipeline) { return Chart(pipeline).draw(); }

}  // namespace sluice::daemon
