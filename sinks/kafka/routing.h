#pragma once
// Where a record goes and what makes its key: the sink's own topic and key, or those of its table (`per_table`).  One thread.

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/batch.h"
#include "core/build_context.h"
#include "core/result.h"
#include "expr/expression.h"
#include "formats/message_encoder.h"
#include "sinks/kafka/config.h"

namespace sluice::sinks {

class Routing {
 public:
  struct Route {
    std::unique_ptr<expr::Template> own_topic;    // null: the sink's
    std::unique_ptr<MessageEncoder> own_encoder;  // null: the sink's
    expr::Template* topic = nullptr;
    MessageEncoder* encoder = nullptr;
    std::string constant_topic;  // empty: the template must be rendered
  };

  // kInvalidConfig when a template, a key or the format cannot be used.
  static Result<Routing> build(const KafkaSinkConfig& config, const BuildContext& context);

  Route& find(const Record& record);
  // Appends the topic's name to the cleared `out`.  kBadRecord.
  Status topic(Route& route, const Batch& batch, const Record& record, std::string& out);

 private:
  Route& look_up(const Schema& schema);

  std::unique_ptr<Route> main_;
  std::vector<std::pair<std::string, std::unique_ptr<Route>>> tables_;
  std::unordered_map<std::uint64_t, Route*> by_schema_;  // id of a schema; only filled when there are tables
  std::uint64_t last_schema_ = 0;
  Route* last_ = nullptr;
};

}  // namespace sluice::sinks
