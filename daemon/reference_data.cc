#include "daemon/reference_data.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/csv_header.h"

namespace sluice::daemon {

namespace {

void check_file(const CsvReference& csv, const ConfigNode& node, BindContext& context) {
  const auto names = csv_header_of_file(csv.path, {});
  const ConfigNode* path = node.find("path");
  if (!names) {
    context.findings.warning(*path, "unreadable_file", names.error().message(), "it must be there when the pipeline starts");
    return;
  }
  if (std::find(names->begin(), names->end(), csv.key) != names->end()) return;
  const ConfigNode* key = node.find("key");
  context.findings.add({Diagnostic::Severity::kError,
                        key->place,
                        key->path,
                        "bad_value",
                        fmt::format("\"{}\" has no column \"{}\"", csv.path, csv.key),
                        nearest(csv.key, {names->begin(), names->end()}),
                        {}});
}

// The one kind of data that there is, so far.
bool bind_one(const ConfigNode& name, const ConfigNode& node, ReferenceData& out, BindContext& context) {
  if (!valid_name(name.text)) {
    context.findings.error(name, "bad_value", fmt::format("\"{}\" is no name", name.text),
                           "a name is made of a-z, 0-9, _ and -, and begins with a letter or a digit");
  }
  if (!node.is_mapping()) return wrong_type(node, "reference data as {csv: {path, key}}", context), false;
  unknown_keys(node, {"csv"}, context);
  const ConfigNode* csv = node.find("csv");
  if (csv == nullptr && node.find_key("csv") == nullptr && !node.entries.empty()) return false;  // reported as an unknown key
  if (csv == nullptr) return missing_key(node, "csv", context), false;
  out.name = name.text;
  out.node = name;
  return CsvReference::fields().bind(*csv, nullptr, out.csv, context);
}

}  // namespace

const ConfigFields<CsvReference>& CsvReference::fields() {
  static const auto kFields =
      ConfigFields<CsvReference>{}
          .required("path", &CsvReference::path, "A CSV file whose first line names the columns.")
          .required("key", &CsvReference::key, "The column that values are looked up in.")
          .optional("refresh", &CsvReference::refresh, "How often the file is looked at for changes; it is read once unless given.")
          .check([](const CsvReference& csv, const ConfigNode& node, BindContext& context) {
            if (csv.refresh && csv.refresh->count() == 0)
              context.findings.error(*node.find("refresh"), "out_of_range", "refresh must be above 0");
            check_file(csv, node, context);
          });
  return kFields;
}

std::vector<ReferenceData> bind_references(const ConfigNode& node, BindContext& context) {
  std::vector<ReferenceData> result;
  if (!node.is_mapping()) {
    wrong_type(node, "a mapping of names to reference data", context);
    return result;
  }
  for (const auto& [name, value] : node.entries) {
    ReferenceData data;
    if (bind_one(name, value, data, context)) result.push_back(std::move(data));
  }
  return result;
}

}  // namespace sluice::daemon
