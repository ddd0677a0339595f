#pragma once
// All components by kind and name.  The generated daemon/components.cc fills it with explicit calls of each component's
// `void register_<name>_<kind>(Registry&)`; static registrars would be dropped by the linker.

#include <any>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/build_context.h"
#include "core/config_fields.h"
#include "core/doctor.h"
#include "core/record_shape.h"
#include "core/router.h"
#include "core/sink.h"
#include "core/source.h"
#include "core/transform.h"

namespace sluice {

enum class ComponentKind : std::uint8_t { kSource, kTransform, kSink };

// What `explain` says of one end of the pipe; the pipeline has the weaker of the two (G26).
struct Guarantee {
  bool exactly_once = false;
  std::string reason;  // one sentence
};

// What the runner and the checker must know of a component before it is built.  Each answer may depend on the configuration.
template <typename C>
struct ComponentType {
  std::string_view name;          // as users write it
  std::string_view summary;       // one line
  std::string_view example;       // the value under the component's key, as YAML; loaded by the contract test
  const ConfigFields<C>* fields;  // static storage
  // What `sluice doctor` finds in the system that the configuration leads to; null: nothing is looked at.  May take a few times 15 s.
  std::vector<DoctorFinding> (*doctor)(const C&, const DoctorContext&) = nullptr;
};

template <typename C>
struct SourceType : ComponentType<C> {
  Result<std::unique_ptr<Source>> (*build)(const C&, const BuildContext&);
  Guarantee (*guarantee)(const C&);         // exactly_once: the same records under the same ordinals after any restart
  bool (*can_end)(const C&);                // for --until-done
  bool (*partitioned)(const C&) = nullptr;  // true: every shard builds one and reads its share; null: one shard only
  std::vector<std::string_view> meta = {};  // names of meta slots beyond the common ones
  bool keeps_lag = false;                   // it keeps sluice_source_lag_seconds up to date, also while it is not asked for anything
  // What its records look like, from what is at hand before start; nullopt: not known.  kTransient when a server did not answer.  Null:
  // never known.
  Result<KnownShape> (*shape)(const C&, const ShapeContext&) = nullptr;
};

template <typename C>
struct TransformType : ComponentType<C> {
  Result<std::unique_ptr<Transform>> (*build)(const C&, const BuildContext&);
  // What it makes of the records' shape.  Null: what comes out is not known.
  void (*reshape)(const C&, Reshaping&) = nullptr;
  // A step with several outputs has these two instead of `build`.  The outputs are the nodes that name them, in a fixed order.
  Result<std::unique_ptr<Router>> (*build_router)(const C&, const BuildContext&) = nullptr;
  std::vector<ConfigNode> (*outputs)(const C&) = nullptr;
};

template <typename C>
struct SinkType : ComponentType<C> {
  Result<std::unique_ptr<Sink>> (*build)(const C&, const BuildContext&);
  Guarantee (*guarantee)(const C&);
};

// A component type with its configuration's type erased.  Filled by Registry::add, then only read.
struct Component {
  using Config = std::any;  // empty when binding failed

  ComponentKind kind{};
  std::string_view name, summary, example;
  std::vector<std::string_view> meta;
  bool keeps_lag = false;
  std::function<std::vector<FieldDoc>()> fields;
  // (value under the component's key, mapping around it, context); the findings say what was wrong when the result is empty.
  std::function<Config(const ConfigNode&, const ConfigNode*, BindContext&)> bind;
  std::function<std::vector<std::pair<std::string, std::string>>(const Config&)> show;  // redacted
  std::function<Result<std::unique_ptr<Source>>(const Config&, const BuildContext&)> build_source;
  std::function<Result<std::unique_ptr<Transform>>(const Config&, const BuildContext&)> build_transform;
  std::function<Result<std::unique_ptr<Sink>>(const Config&, const BuildContext&)> build_sink;
  std::function<Result<std::unique_ptr<Router>>(const Config&, const BuildContext&)> build_router;  // steps with outputs, else empty
  std::function<std::vector<ConfigNode>(const Config&)> outputs;                                    // the same
  std::function<Result<KnownShape>(const Config&, const ShapeContext&)> shape;                      // sources; empty: never known
  std::function<void(const Config&, Reshaping&)> reshape;                                           // steps; empty: not known
  std::function<Guarantee(const Config&)> guarantee;                                                // sources and sinks
  std::function<bool(const Config&)> can_end;                                                       // sources
  std::function<bool(const Config&)> partitioned;                                                   // sources
  std::function<std::vector<DoctorFinding>(const Config&, const DoctorContext&)> doctor;            // empty: none
};

// Filled once at start, then only read: any thread.
class Registry {
 public:
  template <typename C>
  void add(const SourceType<C>& type) {
    Component component = erase(ComponentKind::kSource, type);
    component.meta = type.meta;
    component.keeps_lag = type.keeps_lag;
    component.build_source = [build = type.build](const std::any& config, const BuildContext& context) {
      return build(std::any_cast<const C&>(config), context);
    };
    component.guarantee = [guarantee = type.guarantee](const std::any& config) { return guarantee(std::any_cast<const C&>(config)); };
    component.can_end = [can_end = type.can_end](const std::any& config) { return can_end(std::any_cast<const C&>(config)); };
    component.partitioned = [partitioned = type.partitioned](const std::any& config) {
      return partitioned != nullptr && partitioned(std::any_cast<const C&>(config));
    };
    if (type.shape != nullptr) component.shape = on_config<C>(type.shape);
    components_.push_back(std::move(component));
  }
  template <typename C>
  void add(const TransformType<C>& type) {
    Component component = erase(ComponentKind::kTransform, type);
    if (type.build != nullptr) component.build_transform = on_config<C>(type.build);
    if (type.build_router != nullptr) component.build_router = on_config<C>(type.build_router);
    if (type.outputs != nullptr) component.outputs = on_config<C>(type.outputs);
    if (type.reshape != nullptr) component.reshape = on_config<C>(type.reshape);
    components_.push_back(std::move(component));
  }
  template <typename C>
  void add(const SinkType<C>& type) {
    Component component = erase(ComponentKind::kSink, type);
    component.build_sink = [build = type.build](const std::any& config, const BuildContext& context) {
      return build(std::any_cast<const C&>(config), context);
    };
    component.guarantee = [guarantee = type.guarantee](const std::any& config) { return guarantee(std::any_cast<const C&>(config)); };
    components_.push_back(std::move(component));
  }

  const Component* find(ComponentKind kind, std::string_view name) const;
  std::vector<std::string_view> names(ComponentKind kind) const;
  const std::vector<Component>& all() const { return components_; }

 private:
  template <typename C, typename F>
  static auto on_config(F* function) {
    return [function](const std::any& config, auto&&... rest) { return function(std::any_cast<const C&>(config), rest...); };
  }
  template <typename C>
  static Component erase(ComponentKind kind, const ComponentType<C>& type) {
    Component component;
    component.kind = kind;
    component.name = type.name;
    component.summary = type.summary;
    component.example = type.example;
    component.fields = [fields = type.fields] { return fields->docs(); };
    component.bind = [fields = type.fields](const ConfigNode& value, const ConfigNode* around, BindContext& context) {
      C config{};
      return fields->bind(value, around, config, context) ? std::any(std::move(config)) : std::any();
    };
    component.show = [fields = type.fields](const std::any& config) { return fields->show(std::any_cast<const C&>(config)); };
    if (type.doctor != nullptr) {
      component.doctor = [doctor = type.doctor](const std::any& config, const DoctorContext& context) {
        return doctor(std::any_cast<const C&>(config), context);
      };
    }
    return component;
  }

  std::vector<Component> components_;
};

}  // namespace sluice
