#include "tests/daemon/test_registry.h"

namespace sluice::test {

namespace {

struct FeedConfig {
  std::string path;
  std::uint32_t count = 0;
};
struct PickConfig {
  Condition keep;
  bool images = true;
};
struct PutConfig {
  std::vector<std::pair<std::string, Expression>> fields;
};
struct SampleConfig {
  Share share{1};
};
struct SplitConfig {
  std::vector<Condition> outputs;  // their texts are the names, too
};
struct StoreConfig {
  std::string path;
  Secret secret;
  std::optional<ConnectionUrl> url;
};
struct VoidConfig {};

template <typename T>
Result<std::unique_ptr<T>> nothing() {
  return Error(ErrorKind::kFatal, "test", "this component only has a configuration");
}

const ConfigFields<FeedConfig> kFeed =
    ConfigFields<FeedConfig>{}.required("path", &FeedConfig::path, "Where.").optional("count", &FeedConfig::count, "How many.");
const ConfigFields<PickConfig> kPick =
    ConfigFields<PickConfig>{}.required("keep", &PickConfig::keep, "What stays.").direct().beside("images", &PickConfig::images, "Which.");
const ConfigFields<PutConfig> kPut = ConfigFields<PutConfig>{}.required("fields", &PutConfig::fields, "Name to expression.").whole();
const ConfigFields<SampleConfig> kSample = ConfigFields<SampleConfig>{}.optional("share", &SampleConfig::share, "How much.").direct();
const ConfigFields<SplitConfig> kSplit = ConfigFields<SplitConfig>{}.required("outputs", &SplitConfig::outputs, "Names.").direct();
const ConfigFields<StoreConfig> kStore = ConfigFields<StoreConfig>{}
                                             .required("path", &StoreConfig::path, "Where.")
                                             .optional("secret", &StoreConfig::secret, "Hidden.")
                                             .optional("url", &StoreConfig::url, "Server.");
const ConfigFields<VoidConfig> kVoid = ConfigFields<VoidConfig>{};

}  // namespace

Registry test_registry() {
  Registry registry;
  registry.add(SourceType<FeedConfig>{{"feed", "Feeds.", "{path: x}", &kFeed},
                                      [](const FeedConfig&, const BuildContext&) { return nothing<Source>(); },
                                      [](const FeedConfig& c) {
                                        return Guarantee{c.path != "lossy", "because it is a test"};
                                      },
                                      [](const FeedConfig& c) { return c.count > 0; }});
  registry.add(TransformType<PickConfig>{{"pick", "Picks.", "this.a > 1", &kPick},
                                         [](const PickConfig&, const BuildContext&) { return nothing<Transform>(); }});
  registry.add(TransformType<PutConfig>{{"put", "Puts.", "{a: this.b}", &kPut},
                                        [](const PutConfig&, const BuildContext&) { return nothing<Transform>(); }});
  registry.add(TransformType<SampleConfig>{{"sample", "Samples.", "5%", &kSample},
                                           [](const SampleConfig&, const BuildContext&) { return nothing<Transform>(); }});
  TransformType<SplitConfig> split{{"split", "Splits.", "[a, b]", &kSplit}, nullptr};
  split.build_router = [](const SplitConfig&, const BuildContext&) { return nothing<Router>(); };
  split.outputs = [](const SplitConfig& config) {
    std::vector<ConfigNode> result;
    for (const Condition& output : config.outputs) result.push_back(output.node);
    return result;
  };
  registry.add(split);
  registry.add(SinkType<StoreConfig>{{"store", "Stores.", "{path: x}", &kStore},
                                     [](const StoreConfig&, const BuildContext&) { return nothing<Sink>(); },
                                     [](const StoreConfig&) {
                                       return Guarantee{true, "it stores the position with the data"};
                                     }});
  registry.add(SinkType<VoidConfig>{{"void", "Forgets.", "{}", &kVoid},
                                    [](const VoidConfig&, const BuildContext&) { return nothing<Sink>(); },
                                    [](const VoidConfig&) {
                                      return Guarantee{false, "it forgets"};
                                    }});
  return registry;
}

}  // namespace sluice::test
