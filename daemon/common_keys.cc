#include "daemon/common_keys.h"

#include <string_view>

#include "daemon/pipeline_keys.h"

namespace sluice::daemon {

namespace {

template <typename T>
FieldDoc key(std::string name, std::string doc, std::string default_text = {}) {
  FieldDoc result = shapes::field(std::move(name), ConfigType<T>::type_name(), std::move(doc), shape_of<T>());
  result.default_text = std::move(default_text);
  return result;
}

FieldDoc name_key() {
  return key<std::string>("name",
                          "Under which it is known in metrics, dead letters and `from`; the default is its type. a-z, 0-9, _ and -.");
}

FieldDoc when_key(std::string_view of) {
  return key<WhenList>("when", of == "step" ? "Where it is false the record passes untouched. A list: all must hold."
                                            : "Where it is false the sink leaves the record out. A list: all must hold.");
}

FieldDoc from_key() {
  return key<ReferenceList>("from", "What it reads instead of the step before it: a step, a source, or a list of them.");
}

FieldDoc on_error_key() {
  return key<pipeline::OnError>("on_error", "What becomes of a record that it cannot take.",
                                ConfigType<pipeline::OnError>::show(pipeline::OnError::kDeadLetter));
}

FieldDoc transforms_key() {
  FieldDoc result = key<ConfigNode>("transforms", "A chain of steps of its own.");
  result.type = "list of steps";
  return result;
}

FieldDoc retry_key() { return key<RetryKeys>("retry", "How it is tried again when it fails; the default is the pipeline's."); }
FieldDoc checkpoint_key() { return key<CheckpointKeys>("checkpoint", "When it commits; the default is the pipeline's."); }

}  // namespace

std::vector<FieldDoc> common_keys(KeyPlace place) {
  switch (place) {
    case KeyPlace::kMainStep: return {name_key(), when_key("step"), from_key(), on_error_key()};
    case KeyPlace::kOwnedStep: return {name_key(), when_key("step"), on_error_key()};
    case KeyPlace::kLoneSource: return {name_key(), transforms_key(), retry_key()};
    case KeyPlace::kNamedSource: return {transforms_key(), retry_key()};
    case KeyPlace::kLoneSink:
      return {name_key(), when_key("sink"), from_key(), on_error_key(), transforms_key(), retry_key(), checkpoint_key()};
    case KeyPlace::kNamedSink: return {when_key("sink"), from_key(), on_error_key(), transforms_key(), retry_key(), checkpoint_key()};
    case KeyPlace::kLetterCopy: return {retry_key(), checkpoint_key()};
  }
  return {};
}

}  // namespace sluice::daemon
