#include "runs/training_data.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/terminal.h"
#include "data/reporting.h"
#include "recipe/method_table.h"
#include "recipe/objective_defaults.h"

namespace lethe {

void drop_truncated(std::vector<Pair>& pairs, ExampleMaker& examples, const Recipe& recipe, const std::string& name,
                    RunRecord* run) {
  const std::size_t before = pairs.size(), most = examples.options().max_length;
  const auto [dropped, cut] = examples.drop_truncated(pairs);
  const bool by_model = most < static_cast<std::size_t>(recipe.data.max_length);
  const std::string length = by_model ? "the model's " + with_commas(most) + " positions"
                                      : "data.max_length = " + with_commas(most) + " tokens";
  if (dropped > 0) {
    const std::string what = with_commas(dropped) + " of " + with_commas(before) + " " + name +
                             " pairs left out: their prompt leaves no room for the response (" + length + ")";
    warn(what);
    if (run != nullptr) run->leave_out(what);
    if (pairs.empty())
      throw bad_input("cannot use the " + name + " data")
          .wanted(by_model ? "shorter prompts, or a model of more positions" : "a larger data.max_length")
          .found("no response token in any pair within " + length);
  }
  // A response without its end does not teach the model to stop.
  if (2 * cut >= pairs.size() && cut > 0) {
    const std::string all = with_commas(pairs.size()) + " " + name;
    warn((cut == pairs.size() ? "every one of " + all + " responses is"
                              : with_commas(cut) + " of " + all + " responses are") +
         " cut off by " + length + ": " +
         (by_model ? "the ends are not learned" : "raise it, or the ends are not learned"));
  } else if (cut > 0) {
    say(with_commas(cut) + " of " + with_commas(pairs.size()) + " " + name + " responses are cut off by " + length);
  }
}

namespace {

void describe_split(const Split& split, const std::string& name, SplitBy by) {
  say(name + ": " + with_commas(split.train.size()) + " pairs to train on, " + with_commas(split.validation.size()) +
      " to validate, " + with_commas(split.test.size()) + " to test, split by " + word_of(by) + " (" +
      with_commas(split.prompts_train) + " / " + with_commas(split.prompts_validation) + " / " +
      with_commas(split.prompts_test) + " prompts)");
}

void need_rows(const std::vector<Pair>& pairs, const std::string& what, const std::string& share) {
  if (!pairs.empty()) return;
  throw bad_input("cannot use the data as split")
      .wanted("at least one pair in " + what)
      .found("none")
      .hint("more data, or a larger data.split." + share);
}

std::vector<Pair> pairs_of_plan(const std::vector<StepRows>& plan, bool harmful) {
  std::vector<Pair> pairs;
  std::set<std::tuple<std::string, std::string, std::vector<ChatMessage>>> seen;
  for (const StepRows& rows : plan) {
    for (const Pair& pair : harmful ? rows.harmful : rows.normal) {
      if (seen.insert({pair.prompt, pair.response, pair.before}).second) pairs.push_back(pair);
    }
  }
  return pairs;
}

// All rows of a plan are trained on. A row that cannot be used must be refused now, not after hours.
void check_plan(const std::vector<StepRows>& plan, ExampleMaker& examples) {
  for (const StepRows& rows : plan) {
    stop_if_interrupted();
    for (const auto* pairs : {&rows.harmful, &rows.normal}) {
      for (const Pair& pair : *pairs) examples.example(pair);
    }
  }
}

// Without other data, the pairs of a plan are also used for validation and test.
Split split_of_plan(const std::vector<Pair>& pairs) {
  Split split;
  split.train = split.validation = split.test = pairs;
  return split;
}

}  // namespace

void read_safe_answers(const Recipe& recipe, RunData& data, RunRecord* run) {
  data.safe.reset();
  if (!method_named(recipe.method).safe_answers) return;
  data.safe.emplace(taught_answers(recipe), data.normal.train, run);
  data.safe->require(data.harmful.train);
  for (const StepRows& rows : data.plan) data.safe->require(rows.harmful);
}

RunData load_run_data(const Recipe& recipe, ExampleMaker examples, RunRecord* run) {
  RunData data{.examples = std::move(examples)};
  if (!recipe.data.plan.empty()) {
    data.plan = load_plan(recipe.data.plan);
    if (run != nullptr) run->add_input("plan", recipe.data.plan);
    say(with_commas(data.plan.size()) + " steps fixed by " + recipe.data.plan);
    check_plan(data.plan, data.examples);
  }
  std::vector<Pair> harmful = load_reported(recipe.data.harmful, Role::harmful, "harmful", run);
  std::vector<Pair> normal = load_reported(recipe.data.normal, Role::normal, "normal", run);
  check_roles_differ(harmful, normal);
  const auto part = [&](std::vector<Pair> pairs, bool is_harmful, const std::string& name) {
    if (pairs.empty()) return split_of_plan(pairs_of_plan(data.plan, is_harmful));
    drop_truncated(pairs, data.examples, recipe, name, run);
    const Split split = split_pairs(pairs, recipe.data.split, recipe.seed);
    describe_split(split, name, recipe.data.split.by);
    return split;
  };
  data.harmful = part(std::move(harmful), true, "harmful");
  data.normal = part(std::move(normal), false, "normal");
  need_rows(data.harmful.train, "the harmful training part", "train");
  need_rows(data.normal.train, "the normal training part", "train");
  read_safe_answers(recipe, data, run);
  if (!recipe.negation.alpha)
    need_rows(data.normal.validation, "the normal validation part (negation.alpha: auto)", "validation");
  return data;
}

}  // namespace lethe
