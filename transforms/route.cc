// route: sends each record to one or several of its outputs, or nowhere; others read them as `from: <route>.<output>`.
//
// What cannot be answered is never guessed (CONFIG.md rule 13): a delete that carries only its key, and lacks the fields that a condition
// reads, goes to every output where its row may be; so does a truncate or a message, which have no row at all.  A copy too many deletes
// nothing, one too few would leave a row for ever.

#include <algorithm>
#include <optional>

#include "core/registry.h"
#include "expr/expression.h"

namespace sluice {

namespace transforms {

namespace {

struct OutputName {
  ConfigNode node;
  const std::string& text() const { return node.text; }
};

using Conditions = std::vector<std::pair<OutputName, Condition>>;

struct RouteConfig {
  std::optional<Conditions> first, every;
  OutputName otherwise;

  const Conditions& conditions() const { return first ? *first : *every; }
};

constexpr std::string_view kDrop = "drop";
constexpr std::string_view kDeadLetter = "dead_letter";

}  // namespace

}  // namespace transforms

template <>
struct ConfigType<transforms::OutputName> {
  static bool bind(const ConfigNode& node, transforms::OutputName& out, BindContext& context) {
    if (!node.is_scalar()) return wrong_type(node, "the name of an output", context), false;
    if (!valid_name(node.text)) {
      context.findings.error(node, "bad_value", "\"" + node.text + "\" is no name of an output",
                             "a name is made of a-z, 0-9, _ and -, and begins with a letter or a digit");
      return false;
    }
    out.node = node;
    return true;
  }
  static std::string type_name() { return "name"; }
  static std::string show(const transforms::OutputName& value) { return value.text(); }
  static ValueShape shape() { return shape_of<std::string>(); }
};

namespace transforms {

namespace {

bool has_output(const Conditions& conditions, std::string_view name) {
  return std::any_of(conditions.begin(), conditions.end(), [&](const auto& entry) { return entry.first.text() == name; });
}

void check_route(const RouteConfig& config, const ConfigNode& node, BindContext& context) {
  if (config.first.has_value() == config.every.has_value()) {
    context.findings.error(node, config.first ? "conflict" : "missing_key",
                           config.first ? "first and every cannot stand side by side" : "a route needs the conditions of its outputs",
                           "first: {name: condition, ...} sends a record to the first output whose condition holds, every: to all of them");
    return;
  }
  if (config.conditions().empty()) context.findings.error(node, "bad_value", "the route has no outputs", "name: condition");
  for (const auto& [name, condition] : config.conditions()) {
    if (name.text() != kDrop && name.text() != kDeadLetter) continue;
    context.findings.error(name.node, "bad_value", "an output cannot be called \"" + name.text() + "\": that is what else: may say");
  }
}

const ConfigFields<RouteConfig>& route_fields() {
  static const auto kFields =
      ConfigFields<RouteConfig>()
          .optional("first", &RouteConfig::first, "Output: condition.  A record goes to the first output whose condition holds.")
          .optional("every", &RouteConfig::every, "Output: condition.  A record goes to every output whose condition holds.")
          .required("else", &RouteConfig::otherwise,
                    "Where a record goes for which no condition holds: the name of an output, `drop` or `dead_letter`.")
          .check(check_route);
  return kFields;
}

bool is_output(const OutputName& otherwise) { return otherwise.text() != kDrop && otherwise.text() != kDeadLetter; }

// In the order of the file, the output of `else` last unless it is one of them.
std::vector<ConfigNode> outputs_of(const RouteConfig& config) {
  std::vector<ConfigNode> result;
  for (const auto& [name, condition] : config.conditions()) result.push_back(name.node);
  if (is_output(config.otherwise) && !has_output(config.conditions(), config.otherwise.text())) result.push_back(config.otherwise.node);
  return result;
}

enum class Mode : std::uint8_t { kFirst, kEvery };

class Route final : public Router {
 public:
  struct Otherwise {
    std::optional<std::uint32_t> output;
    bool dead_letter = false;
  };

  Route(std::vector<std::unique_ptr<expr::Program>> conditions, Mode mode, Otherwise otherwise)
      : conditions_(std::move(conditions)), mode_(mode), otherwise_(otherwise) {
    hits_.reserve(conditions_.size() + 1);
  }

  Status route(const Batch& batch, Routes& routes, Rejects& rejects, std::stop_token) override {
    for (const std::uint32_t index : batch.active()) {
      hits_.clear();
      Status judged = judge(batch, batch.records()[index]);
      if (!judged) {
        rejects.add(index, std::move(judged).error());
        continue;
      }
      for (const std::uint32_t output : hits_) routes.outputs[output].push_back(index);
      if (hits_.empty() && otherwise_.dead_letter) routes.dead_letters.push_back(index);
    }
    return {};
  }

 private:
  enum class Answer : std::uint8_t { kNo, kYes, kUnknown };

  Result<Answer> ask(expr::Program& condition, const Batch& batch, const Record& record) {
    // Asked first: has() of a column that the log left out is false, and the delete would not find its row.
    if (record.op == Op::kDelete && condition.lacks_fields(batch, record)) return Answer::kUnknown;
    Result<bool> holds = condition.test(batch, record);
    if (holds) return *holds ? Answer::kYes : Answer::kNo;
    if (record.row().empty()) return Answer::kUnknown;
    return std::move(holds).error();
  }

  // hits_: where the record goes.
  Status judge(const Batch& batch, const Record& record) {
    bool sure = false;
    for (std::uint32_t i = 0; i < conditions_.size() && !(sure && mode_ == Mode::kFirst); ++i) {
      const Answer answer = SLUICE_TRY(ask(*conditions_[i], batch, record));
      if (answer == Answer::kNo) continue;
      hits_.push_back(i);
      sure = sure || answer == Answer::kYes;
    }
    if (sure || !otherwise_.output) return {};
    if (std::find(hits_.begin(), hits_.end(), *otherwise_.output) == hits_.end()) hits_.push_back(*otherwise_.output);
    return {};
  }

  std::vector<std::unique_ptr<expr::Program>> conditions_;  // by output
  Mode mode_;
  Otherwise otherwise_;
  std::vector<std::uint32_t> hits_;  // of the record at hand
};

Result<std::unique_ptr<Router>> build_route(const RouteConfig& config, const BuildContext&) {
  expr::Program::Options options;
  options.must_be_bool = true;
  std::vector<std::unique_ptr<expr::Program>> conditions;
  for (const auto& [name, condition] : config.conditions()) {
    auto program = expr::Program::compile(condition.text(), options);
    if (!program) return std::move(program).error().context("output " + name.text());
    conditions.push_back(std::move(program).value());
  }
  Route::Otherwise otherwise;
  const std::vector<ConfigNode> outputs = outputs_of(config);
  for (std::uint32_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].text == config.otherwise.text()) otherwise.output = i;
  }
  otherwise.dead_letter = config.otherwise.text() == kDeadLetter;
  const Mode mode = config.first ? Mode::kFirst : Mode::kEvery;
  return std::unique_ptr<Router>(std::make_unique<Route>(std::move(conditions), mode, otherwise));
}

constexpr std::string_view kExample = R"(
first:
  eu: this.currency == "EUR"
  us: this.currency == "USD"
else: rest
)";

}  // namespace

}  // namespace transforms

void register_route_transform(Registry& registry);
void register_route_transform(Registry& registry) {
  TransformType<transforms::RouteConfig> type;
  type.name = "route";
  type.summary = "Sends records to different readers: each output is read as `from: <route>.<output>`.";
  type.example = transforms::kExample;
  type.fields = &transforms::route_fields();
  type.reshape = [](const transforms::RouteConfig&, Reshaping&) {};
  type.build = nullptr;  // a router instead
  type.build_router = transforms::build_route;
  type.outputs = transforms::outputs_of;
  registry.add(type);
}

}  // namespace sluice
