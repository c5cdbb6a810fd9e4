#include "runs/shared_run.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include <cstdio>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/join.h"
#include "core/messages.h"
#include "core/numbers.h"
#include "core/random.h"
#include "ranks/rank_place.h"
#include "runs/alpha_choice.h"
#include "runs/evaluator.h"
#include "runs/methods.h"
#include "runs/needs.h"
#include "runs/run_folder.h"

namespace lethe {
namespace {

std::uint64_t hash_of_pairs(const std::vector<Pair>& pairs, std::uint64_t hash) {
  for (const Pair& pair : pairs) {
    for (const ChatMessage& message : pair.before) hash = stable_hash(message.role + "\n" + message.content, hash);
    hash = stable_hash(pair.response, stable_hash(pair.prompt, hash));
  }
  return hash;
}

OrderedJson facts(const std::filesystem::path& model, std::uint64_t rows) {
  return {{"lethe", LETHE_VERSION},
          {"model", describe_input("model", model).at("files_hash")},
          {"training rows", hex_text(rows)},
          {"threads", std::to_string(at::get_num_threads())},
          {"kind of CPU", at::get_cpu_capability()}};
}

// @param differences  of each rank; empty: none
void refuse_differences(Group& group, const std::vector<std::string>& differences) {
  for (std::size_t rank = 0; rank < differences.size(); ++rank) {
    if (differences[rank].empty()) continue;
    if (group.rank() > 0) share_text(group, "");  // rank 0 says what is wrong, and ends this rank
    throw bad_input("the ranks would not train the same")
        .with("differs", excerpt(differences[rank], 200) + " of rank " + std::to_string(rank) + ", from rank 0's")
        .hint("the same program, files, options and threads for all ranks");
  }
}

}  // namespace

Compute compute_of_rank(const Recipe& recipe, const Group* group) {
  const auto threads = static_cast<int>(recipe.threads);
  const Compute compute = choose_compute(recipe.device, recipe.dtype, threads);
  const bool one_each = recipe.device == "auto" || recipe.device == "cuda";
  if (group == nullptr || compute.device.is_cpu() || !one_each) return compute;
  return choose_compute("cuda:" + std::to_string(group->local_rank()), recipe.dtype, threads);
}

RankCount rank_count(const Group* group, const DryRun& dry_run) {
  RankCount count;
  if (group != nullptr) {
    const auto place = rank_place();
    count.all = group->size();
    if (place && place->local) count.on_one_host = count.all;
  }
  if (dry_run.ranks > 0) count = {.all = dry_run.ranks};
  return count;
}

std::string exchange_text(const Pace& pace) {
  if (pace.exchanged.bytes == 0) return "";
  char seconds[64];
  std::snprintf(seconds, sizeof seconds, "%.3g s of a step's %.3g s", pace.exchanged.seconds, pace.seconds);
  return "; exchange with other ranks: " + std::string(seconds) + ", " + bytes_text(pace.exchanged.bytes) + " received";
}

void check_shareable(const Recipe& recipe, std::int64_t ranks) {
  const std::int64_t parts = recipe.training.accumulate;
  if (ranks == 1) return;
  const auto cannot = [&] {
    return bad_usage("cannot share the steps of this run among " + std::to_string(ranks) + " ranks");
  };
  if (parts < ranks) {
    const std::int64_t rows = recipe.training.batch * parts;
    std::int64_t same = ranks;  // micro-batches that keep the rows of a step
    while (same < rows && rows % same != 0) ++same;
    Error error =
        cannot()
            .with("key", "training.accumulate")
            .wanted("at least " + std::to_string(ranks) + ": a rank computes whole micro-batches")
            .found(std::to_string(parts) + "; " + std::to_string(ranks - parts) + " of the ranks would be idle");
    if (rows < ranks)
      throw error.hint("at most " + std::to_string(rows) + " ranks: a step has only " + std::to_string(rows) +
                       (rows == 1 ? " row" : " rows"));
    throw error.hint("training.accumulate=" + std::to_string(same) + " training.batch=" + std::to_string(rows / same) +
                     ", as many rows a step as now");
  }
  if (recipe.objective.gru)
    throw cannot()
        .with("key", "objective.gru")
        .wanted("false: its rule needs the gradients of all micro-batches in one process")
        .found("true");
  if (rounds_of(recipe) > 1)
    throw cannot()
        .with("key", "negation.rounds")
        .wanted("1: between the rounds one process measures α")
        .found(std::to_string(rounds_of(recipe)));
  if (parts % ranks != 0)
    warn("training.accumulate=" + std::to_string(parts) + " is no multiple of " + std::to_string(ranks) +
         " ranks: some of them are idle in a part of each step");
}

void check_shardable(const Recipe& recipe) {
  if (!recipe.training.shard) return;
  const auto cannot = [](const std::string& key) {
    return bad_usage("cannot share the model's weights among ranks (training.shard)").with("key", key);
  };
  if (recipe.tuning == TuningKind::full) {
    const std::string whole = ": tuning=full has the trained weights in no process as a whole";
    if (!recipe.config.empty())
      throw cannot("config").wanted("a model: random weights are not shared").found(recipe.config);
    if (recipe.negation.rank > 0)
      throw cannot("negation.rank").wanted("0" + whole).found(std::to_string(recipe.negation.rank));
    if (!recipe.negation.factors.empty())
      throw cannot("negation.factors").wanted("none" + whole).found(std::to_string(recipe.negation.factors.size()));
    if (recipe.negation.repair.steps > 0)
      throw cannot("negation.repair.steps").wanted("0" + whole).found(std::to_string(recipe.negation.repair.steps));
    if (recipe.evaluation.every > 0 && recipe.data.train.empty())  // not of finetune()
      throw cannot("evaluation.every").wanted("0" + whole).found(std::to_string(recipe.evaluation.every));
    if (recipe.keep_harmful && method_named(recipe.method).stage2 == Stage2::contrast)
      throw cannot("keep_harmful").wanted("false with method: contrast" + whole).found("true");
  }
  if (attacks_result(recipe))
    throw cannot("evaluation.attacks")
        .wanted("none: attacks load the whole model")
        .found(excerpt(join(recipe.evaluation.attacks, ", "), 200))
        .hint("`lethe attack` on the finished run, where the whole model fits");
  if (survives_nf4(recipe))
    throw cannot("negation.survive")
        .wanted("none: the model in four bits is measured as a whole")
        .found(word_of(recipe.negation.survive));
}

Recipe with_recomputing(Recipe recipe) {
  recipe.training.recompute = recipe.training.recompute || recipe.training.shard;
  return recipe;
}

std::unique_ptr<ServingGroup> serving_group(const Recipe& recipe, Group* group) {
  if (group == nullptr || !recipe.training.shard) return nullptr;
  return std::make_unique<ServingGroup>(*group);
}

OrderedJson facts_of_rank(const StoredModel& original, const RunData& data) {
  std::uint64_t rows = hash_of_pairs(data.normal.train, hash_of_pairs(data.harmful.train, 0));
  for (const StepRows& step : data.plan) {
    rows = hash_of_pairs(step.normal, hash_of_pairs(step.harmful, rows));
    for (const auto& responses : step.random) {
      for (const std::string& response : responses) rows = stable_hash(response, rows);
    }
  }
  if (data.safe) {
    for (const std::string& answer : data.safe->draw(data.harmful.train, 0, 0)) rows = stable_hash(answer, rows);
  }
  return facts(original.checkpoint.folder(), rows);
}

OrderedJson facts_of_rank(const std::filesystem::path& model, const std::vector<Pair>& pairs) {
  return facts(model, hash_of_pairs(pairs, 0));
}

void announce_start(Group& group, const Recipe& recipe, const OrderedJson& facts, RunRecord* run) {
  run->note("ranks", group.size());
  share_text(group, to_yaml(recipe));
  share_text(group, dump_json(facts));
  refuse_differences(group, gather_texts(group, ""));
}

Recipe await_start(Group& group) {
  return parse_recipe(share_text(group, ""), "the recipe of rank 0");
}

void confirm_start(Group& group, const OrderedJson& facts) {
  const Json wanted = parse_json(share_text(group, ""), "rank 0");
  std::string differences;
  for (const auto& [name, value] : facts.items()) {
    if (wanted.contains(name) && wanted.at(name) == Json(value)) continue;
    differences += (differences.empty() ? "" : ", ") + name;
  }
  refuse_differences(group, gather_texts(group, differences));
}

}  // namespace lethe
