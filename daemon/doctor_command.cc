// `sluice doctor`: what each component finds in the system that it leads to.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "core/doctor.h"
#include "daemon/config_commands.h"
#include "daemon/findings.h"
#include "daemon/known_positions.h"

namespace sluice::daemon {

namespace {

using Severity = DoctorFinding::Severity;

struct Visit {
  std::string pipeline, kind, component, type;
  bool looked = false;  // the component brings checks
  std::vector<DoctorFinding> findings;
};

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::kError: return "error";
    case Severity::kWarning: return "warning";
    case Severity::kNote: return "note";
  }
  return "";
}

// `known_as`: what slots are called after.
Visit visit(const PipelineConfig& pipeline, const std::string& known_as, std::string_view kind, const ComponentUse& use) {
  Visit result{pipeline.name, std::string(kind), use.name, use.type(), static_cast<bool>(use.component->doctor), {}};
  if (!result.looked) return result;
  result.findings = use.component->doctor(use.config, {known_as, use.name, {}});
  std::stable_sort(result.findings.begin(), result.findings.end(),
                   [](const DoctorFinding& a, const DoctorFinding& b) { return a.severity < b.severity; });
  return result;
}

std::vector<Visit> visit_all(const std::vector<PipelineConfig>& pipelines, const std::string& data_dir) {
  std::vector<Visit> visits;
  for (const PipelineConfig& pipeline : pipelines) {
    const std::string outside = known_as(data_dir, pipeline.name);
    for (const SourceConfig& source : pipeline.sources) visits.push_back(visit(pipeline, outside, "source", source));
    for (const SinkConfig& sink : pipeline.sinks) visits.push_back(visit(pipeline, outside, "sink", sink));
  }
  return visits;
}

std::size_t count(const std::vector<Visit>& visits, Severity severity) {
  std::size_t result = 0;
  for (const Visit& visited : visits) {
    result += static_cast<std::size_t>(std::count_if(visited.findings.begin(), visited.findings.end(),
                                                     [&](const DoctorFinding& finding) { return finding.severity == severity; }));
  }
  return result;
}

void write_text(const std::vector<Visit>& visits, std::ostream& out) {
  for (const Visit& visited : visits) {
    out << fmt::format("{} {} {} ({}){}\n", visited.pipeline, visited.kind, visited.component, visited.type,
                       visited.looked ? "" : ": nothing to look at");
    for (const DoctorFinding& finding : visited.findings) {
      out << fmt::format("  {}[{}] {}: {}\n", severity_name(finding.severity), finding.code, finding.subject, finding.message);
      if (!finding.mend.empty()) out << "    mend: " << finding.mend << "\n";
    }
  }
  out << fmt::format("{} errors, {} warnings\n", count(visits, Severity::kError), count(visits, Severity::kWarning));
}

void write_json(const std::vector<Visit>& visits, std::ostream& out) {
  auto list = nlohmann::ordered_json::array();
  for (const Visit& visited : visits) {
    for (const DoctorFinding& finding : visited.findings) {
      nlohmann::ordered_json item = {{"severity", severity_name(finding.severity)},
                                     {"pipeline", visited.pipeline},
                                     {"kind", visited.kind},
                                     {"component", visited.component},
                                     {"type", visited.type},
                                     {"code", finding.code},
                                     {"subject", finding.subject},
                                     {"message", finding.message}};
      if (!finding.mend.empty()) item["mend"] = finding.mend;
      list.push_back(std::move(item));
    }
  }
  const nlohmann::ordered_json report = {{"version", 1}, {"findings", std::move(list)}};
  out << report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
}

}  // namespace

int doctor_command(const ConfigOptions& options, const Registry& registry, Streams streams) {
  const LoadedPipelines loaded = load_configuration(options, registry);
  streams.err << findings_text(sorted_findings(loaded.findings), loaded.texts);
  if (loaded.findings.has_errors()) return kInvalid;
  const std::vector<Visit> visits = visit_all(loaded.pipelines, data_directory_of(options, loaded));
  if (options.json) {
    write_json(visits, streams.out);
  } else {
    write_text(visits, streams.out);
  }
  return count(visits, Severity::kError) == 0 ? kOk : kInvalid;
}

}  // namespace sluice::daemon
