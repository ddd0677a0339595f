#include "pipeline/step_tree.h"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace sluice::pipeline {

namespace {

using Names = std::vector<std::string>;

bool contains(const Names& names, const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); }

// Sources are read together by several readers in different sets; outputs of a route in exactly the set that makes the group.
bool reads(const Names& from, const Names& node) {
  if (node.size() == 1 && contains(from, node.front())) return from.size() == 1 || node.front().find('.') == std::string::npos;
  return from.size() == node.size() && std::all_of(node.begin(), node.end(), [&](const std::string& name) { return contains(from, name); });
}

}  // namespace

Result<std::unique_ptr<StepTree>> StepTree::build(const SourceDefinition& source, Runtime& runtime, unsigned shard, unsigned shard_count) {
  std::unique_ptr<StepTree> tree(new StepTree(runtime));
  for (const StepDefinition& step : source.chain) tree->source_chain_.push_back(SLUICE_TRY(Step::build(step, runtime, shard, shard_count)));
  tree->root_.name = source.name;
  tree->root_.answers_to = {source.name};
  SLUICE_TRY(tree->grow(tree->root_, shard, shard_count));
  if (runtime.definition.unmatched != Unmatched::kDeadLetter) return tree;
  for (const SinkDefinition& sink : runtime.definition.sinks) {
    tree->sink_conditions_.emplace_back();
    if (sink.when) tree->sink_conditions_.back() = SLUICE_TRY(sink.when());
  }
  return tree;
}

Status StepTree::grow(Node& node, unsigned shard, unsigned shard_count) {
  const auto& sinks = runtime_.definition.sinks;
  for (std::size_t lane = 0; lane < sinks.size(); ++lane) {
    if (reads(sinks[lane].from, node.answers_to)) node.lanes.push_back(lane);
  }
  for (const StepDefinition& definition : runtime_.definition.steps) {
    if (!reads(definition.from, node.answers_to)) continue;
    Node child;
    child.name = definition.name;
    child.answers_to = {definition.name};
    child.step = SLUICE_TRY(Step::build(definition, runtime_, shard, shard_count));
    node.children.push_back(std::move(child));
  }
  const bool sole_reader = node.children.size() + (node.lanes.empty() ? 0 : 1) == 1;
  for (Node& child : node.children) {
    child.only_way = node.only_way && sole_reader;
    SLUICE_TRY(child.step->has_outputs() ? grow_groups(child, shard, shard_count) : grow(child, shard, shard_count));
  }
  node.reached = node.lanes;
  for (const Node& child : node.children) node.reached.insert(node.reached.end(), child.reached.begin(), child.reached.end());
  std::sort(node.reached.begin(), node.reached.end());
  node.reached.erase(std::unique(node.reached.begin(), node.reached.end()), node.reached.end());
  return {};
}

Status StepTree::grow_groups(Node& route, unsigned shard, unsigned shard_count) {
  const Names& outputs = route.step->definition().outputs;
  std::vector<std::vector<std::size_t>> groups;
  const auto note = [&](const Names& from) {
    std::vector<std::size_t> read;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (contains(from, route.name + "." + outputs[i])) read.push_back(i);
    }
    if (!read.empty() && std::find(groups.begin(), groups.end(), read) == groups.end()) groups.push_back(std::move(read));
  };
  for (const StepDefinition& step : runtime_.definition.steps) note(step.from);
  for (const SinkDefinition& sink : runtime_.definition.sinks) note(sink.from);
  for (std::vector<std::size_t>& outputs_read : groups) {
    Node group;
    group.name = route.name;
    for (const std::size_t output : outputs_read) group.answers_to.push_back(route.name + "." + outputs[output]);
    group.outputs = std::move(outputs_read);
    group.only_way = route.only_way;
    SLUICE_TRY(grow(group, shard, shard_count));
    route.reached.insert(route.reached.end(), group.reached.begin(), group.reached.end());
    route.children.push_back(std::move(group));
  }
  std::sort(route.reached.begin(), route.reached.end());
  return {};
}

Status StepTree::open(std::stop_token stop) {
  for (const auto& step : source_chain_) SLUICE_TRY(step->open(stop));
  const std::function<Status(Node&)> open_below = [&](Node& node) -> Status {
    if (node.step) SLUICE_TRY(node.step->open(stop));
    for (Node& child : node.children) SLUICE_TRY(open_below(child));
    return {};
  };
  return open_below(root_);
}

Status StepTree::close() {
  for (const auto& step : source_chain_) SLUICE_TRY(step->close());
  const std::function<Status(Node&)> close_below = [&](Node& node) -> Status {
    if (node.step) SLUICE_TRY(node.step->close());
    for (Node& child : node.children) SLUICE_TRY(close_below(child));
    return {};
  };
  return close_below(root_);
}

// Enters into the books of every lane below what a step did to the batch.
void StepTree::enter(const std::vector<std::size_t>& lanes, const BatchCounts& before, std::size_t size_before, const Batch& batch) {
  const BatchCounts& now = batch.counts();
  runtime_.books.change([&](std::vector<LaneTally>& tallies) {
    for (const std::size_t lane : lanes) {
      LaneTally& tally = tallies[lane];
      tally.books.created += now.created - before.created;
      tally.books.filtered += now.filtered - before.filtered;
      tally.books.deduplicated += now.deduplicated - before.deduplicated;
      tally.books.dead_lettered += now.dead_lettered - before.dead_lettered;
      tally.in_shard = tally.in_shard - size_before + batch.size();
    }
  });
}

Status StepTree::apply(Node& node, Step& step, Batch& batch, std::stop_token stop) {
  const BatchCounts before = batch.counts();
  const std::size_t size_before = batch.size();
  SLUICE_TRY(step.apply(batch, dead_letters_, stop));
  enter(node.reached, before, size_before, batch);
  return {};
}

Result<std::vector<StepTree::Delivery>> StepTree::process(std::shared_ptr<Batch> batch, std::stop_token stop) {
  for (const auto& step : source_chain_) SLUICE_TRY(apply(root_, *step, *batch, stop));
  std::vector<Delivery> deliveries;
  SLUICE_TRY(descend(root_, std::move(batch), deliveries, stop));
  return deliveries;
}

// A record that no sink's `when` wants, where the file says that such records are dead letters.
Status StepTree::settle_unmatched(const Node& node, Batch& batch, std::stop_token stop) {
  const bool conditional = std::all_of(node.lanes.begin(), node.lanes.end(), [&](std::size_t lane) {
    return lane < sink_conditions_.size() && sink_conditions_[lane] != nullptr;
  });
  if (!conditional || !node.only_way || !node.children.empty() || sink_conditions_.empty()) return {};
  batch.activate_all();
  std::vector<bool> wanted(batch.size());
  for (const std::size_t lane : node.lanes) {
    std::vector<std::uint32_t> holding;
    Rejects failed;  // the lane itself decides about these
    sink_conditions_[lane]->select(batch, batch.active(), holding, failed);
    for (const std::uint32_t i : holding) wanted[i] = true;
    for (const Rejected& entry : failed.entries()) wanted[entry.index] = true;
  }
  Rejects unmatched;
  for (std::uint32_t i = 0; i < batch.size(); ++i) {
    if (!wanted[i]) unmatched.add(i, Error(ErrorKind::kBadRecord, "unmatched", "no sink's `when` holds for this record"));
  }
  const BatchCounts before = batch.counts();
  const std::size_t size_before = batch.size();
  SLUICE_TRY(dead_letters_.put(batch, unmatched.entries(), {node.name, "transform", "unmatched", "transform"}, stop));
  for (const Rejected& entry : unmatched.entries()) batch.remove(entry.index, Fate::kDeadLettered);
  batch.sweep();
  enter(node.reached, before, size_before, batch);
  return {};
}

Status StepTree::descend(Node& node, std::shared_ptr<Batch> batch, std::vector<Delivery>& out, std::stop_token stop) {
  if (node.step && node.step->has_outputs()) return descend_groups(node, batch, out, stop);
  if (node.step) SLUICE_TRY(apply(node, *node.step, *batch, stop));
  SLUICE_TRY(settle_unmatched(node, *batch, stop));
  const bool sole_reader = node.children.size() == 1 && node.lanes.empty();
  if (sole_reader) return descend(node.children.front(), std::move(batch), out, stop);
  for (Node& child : node.children) {
    std::vector<std::uint32_t> all(batch->size());
    std::iota(all.begin(), all.end(), 0U);
    auto branch = Batch::fork(batch, all);
    SLUICE_TRY(descend(child, std::move(branch), out, stop));
  }
  for (const std::size_t lane : node.lanes) out.push_back({lane, batch});
  return {};
}

// Every group gets its batch, an empty one too: it moves the position of the lanes behind it (G8).
Status StepTree::descend_groups(Node& route, const std::shared_ptr<Batch>& batch, std::vector<Delivery>& out, std::stop_token stop) {
  std::uint64_t dead_lettered = 0;
  const Routes& routes = *SLUICE_TRY(route.step->route(*batch, dead_lettered, dead_letters_, stop));
  for (Node& group : route.children) {
    chosen_ = routes.outputs[group.outputs.front()];
    for (std::size_t i = 1; i < group.outputs.size(); ++i) {
      const auto& more = routes.outputs[group.outputs[i]];
      merged_.clear();
      std::set_union(chosen_.begin(), chosen_.end(), more.begin(), more.end(), std::back_inserter(merged_));
      chosen_.swap(merged_);
    }
    auto branch = Batch::fork(batch, chosen_);
    runtime_.books.change([&](std::vector<LaneTally>& tallies) {
      for (const std::size_t lane : group.reached) {
        tallies[lane].books.dead_lettered += dead_lettered;
        tallies[lane].books.filtered += batch->size() - dead_lettered - branch->size();
        tallies[lane].in_shard = tallies[lane].in_shard - batch->size() + branch->size();
      }
    });
    SLUICE_TRY(descend(group, std::move(branch), out, stop));
  }
  return {};
}

}  // namespace sluice::pipeline
