#pragma once
// The steps that one source's records go through, as far as the lanes: a tree, because a step reads exactly one predecessor (outputs of
// one route count as one: whoever reads several of them gets each record once).
// Each shard has a tree of its own, so steps need no locks.  One thread.

#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "pipeline/dead_lettering.h"
#include "pipeline/runtime.h"
#include "pipeline/step.h"

namespace sluice::pipeline {

class StepTree {
 public:
  // A batch and the lane it is for; in the order in which they are to be pushed.
  struct Delivery {
    std::size_t lane;
    std::shared_ptr<const Batch> batch;
  };

  static Result<std::unique_ptr<StepTree>> build(const SourceDefinition& source, Runtime& runtime, unsigned shard, unsigned shard_count);

  Status open(std::stop_token stop);
  // Sends `batch` through the tree.  At most one delivery per lane: whoever reads a step reads nothing else, so only one way leads from a
  // source to a lane (pipeline_graph.cc refuses files that say otherwise).
  Result<std::vector<Delivery>> process(std::shared_ptr<Batch> batch, std::stop_token stop);
  Status close();

  // The lanes that this source reaches.
  const std::vector<std::size_t>& lanes() const { return root_.reached; }

 private:
  struct Node {
    std::string name;            // of the source or step; of the route for a group of its outputs
    std::unique_ptr<Step> step;  // null at the root and at a group
    // What `from` calls it: its name, or all outputs of the group.  A route's children are groups, one for each set of outputs that
    // somebody reads.
    std::vector<std::string> answers_to;
    std::vector<std::size_t> outputs;  // of a group: indices into the route's
    bool only_way = true;              // nobody but the nodes from the root to here gets these records (outputs of a route apart)
    std::vector<Node> children;
    std::vector<std::size_t> lanes;    // lanes that read this node
    std::vector<std::size_t> reached;  // those and the ones below
  };

  StepTree(Runtime& runtime) : runtime_(runtime), dead_letters_(runtime) {}
  Status grow(Node& node, unsigned shard, unsigned shard_count);
  Status grow_groups(Node& node, unsigned shard, unsigned shard_count);
  Status apply(Node& node, Step& step, Batch& batch, std::stop_token stop);
  Status descend(Node& node, std::shared_ptr<Batch> batch, std::vector<Delivery>& out, std::stop_token stop);
  Status descend_groups(Node& route, const std::shared_ptr<Batch>& batch, std::vector<Delivery>& out, std::stop_token stop);
  Status settle_unmatched(const Node& node, Batch& batch, std::stop_token stop);
  void enter(const std::vector<std::size_t>& lanes, const BatchCounts& before, std::size_t size_before, const Batch& batch);

  Runtime& runtime_;
  DeadLettering dead_letters_;
  std::vector<std::unique_ptr<Step>> source_chain_;
  std::vector<std::unique_ptr<Predicate>> sink_conditions_;  // by lane; only for `unmatched: dead_letter`
  Node root_;
  std::vector<std::uint32_t> chosen_, merged_;  // scratch
};

}  // namespace sluice::pipeline
