#include "runs/run_plan.h"

#include <algorithm>
#include <cstdio>

#include "core/error.h"
#include "core/join.h"
#include "core/terminal.h"
#include "data/questions.h"
#include "evaluation/verdict_outlook.h"
#include "recipe/method_table.h"
#include "report/table.h"
#include "runs/alpha_choice.h"
#include "runs/evaluator.h"
#include "runs/forgetting.h"
#include "runs/inner_layers.h"
#include "runs/methods.h"
#include "runs/stage1.h"

namespace lethe {
namespace {

// The mean lengths of pairs, and that of the longest prompt, tokens.
struct Lengths {
  double prompt = 0, response = 0, longest_prompt = 0;
  double pair() const { return prompt + response; }
};

Lengths mean_lengths(const std::vector<Pair>& pairs, const ExampleMaker& examples) {
  constexpr std::size_t kMost = 256;
  const std::size_t stride = std::max<std::size_t>(1, pairs.size() / kMost);
  Lengths sum;
  double count = 0;
  for (std::size_t i = 0; i < pairs.size(); i += stride, ++count) {
    const Example example = examples.make(pairs[i], pairs[i].response);
    sum.prompt += static_cast<double>(example.response_begin);
    sum.longest_prompt = std::max(sum.longest_prompt, static_cast<double>(example.response_begin));
    sum.response += static_cast<double>(example.ids.size() - example.response_begin);
  }
  return count == 0 ? Lengths{} : Lengths{sum.prompt / count, sum.response / count, sum.longest_prompt};
}

std::string short_text(double value, const char* format = "%.1f") {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string commas(double value) {
  return with_commas(static_cast<std::uint64_t>(std::max(value, 0.0)));
}

std::string tuning_text(const Recipe& recipe, const DecoderSpec& spec) {
  if (recipe.tuning == TuningKind::full) {
    const std::string pattern = trained_weights(recipe, spec);
    return pattern.empty() ? "all weights" : "weights that match " + excerpt(pattern);
  }
  const LoraTargets& targets = recipe.lora.targets;
  return "LoRA of rank " + std::to_string(recipe.lora.rank) + " on " +
         excerpt(targets.suffixes.empty() ? targets.pattern : join(targets.suffixes, ", "), 120) +
         (recipe.quantize == Quantize::nf4 ? ", base in NF4" : "");
}

// A run of training: its rows, and what its steps hold.
struct PlannedTraining {
  std::string name;  // of the model
  const DecoderSpec& spec;
  std::uint64_t checkpoint_bytes = 0;
  std::uint64_t rows = 0;  // that an epoch covers
  std::string kind;        // of these rows, "harmful "
  std::int64_t steps = 0;
  double micro_tokens = 0;
  std::uint64_t stored_tokens = 0;
  bool halves = false;  // contrast: a second training follows, described by `second`
  std::string second;
  std::int64_t rounds = 1;  // of negation
  std::int64_t ranks = 1;
  double uses = 2;  // of a layer by a micro-batch (runs/rank_costs.h)
  bool evaluates = false;
  double answer_tokens = 0, compared_tokens = 0;  // TrainingLoad
};

std::string received_text(double bytes) {
  return bytes_text(static_cast<std::uint64_t>(bytes));
}

// What the ranks exchange, and what remains for rank 0.
void add_ranks(RunPlan& plan, const PlannedTraining& run) {
  const RankCosts& costs = plan.needs.ranks;
  std::string text = std::to_string(run.ranks) + "; each receives about " +
                     received_text(costs.gradients + costs.matrices) + " a step (gradients " +
                     received_text(costs.gradients);
  if (costs.matrices > 0)
    text += ", the layers' matrices " + received_text(costs.matrices) + "), and holds " + received_text(costs.share) +
            " of the matrices";
  else
    text += ")";
  plan.lines.emplace_back("ranks", text);
  if (run.evaluates)
    plan.lines.emplace_back(
        "rank 0",
        "evaluates alone, in about " + bytes_text(plan.needs.evaluation) +
            (costs.matrices > 0 ? "; it receives " + received_text(costs.share * static_cast<double>(run.ranks - 1)) +
                                      " for each token of an answer: `lethe evaluate --endpoint` is faster"
                                : ""));
  const auto whole = [](double bytes) { return static_cast<std::uint64_t>(bytes); };
  plan.facts["ranks"] = {{"count", run.ranks},
                         {"gradients_bytes_a_step", whole(costs.gradients)},
                         {"matrices_bytes_a_step", whole(costs.matrices)},
                         {"share_bytes", whole(costs.share)},
                         {"evaluation_bytes", plan.needs.evaluation}};
}

// "about 1.2 GB to train, 2.3 GB to evaluate; 16.0 GB are available"
std::string memory_text(const Needs& needs, std::int64_t ranks, const Compute& compute) {
  std::string text = "about " + bytes_text(needs.memory) + (ranks > 1 ? " a rank" : "") + " to train";
  if (needs.evaluation > 0) text += ", " + bytes_text(needs.evaluation) + " to evaluate";
  if (needs.attacks > 0) text += ", for the attacks on the result " + bytes_text(needs.attacks);
  if (ranks > 1 && compute.device.is_cpu())
    text += ", " + bytes_text(memory_together(needs, ranks)) + " if all ranks are on this machine";
  return text + "; " + bytes_text(available_for(compute)) + " are available" +
         (compute.device.is_cpu() ? "" : " on " + compute.device.str());
}

void add_model_and_training(RunPlan& plan, const Recipe& recipe, const PlannedTraining& run, const Compute& compute) {
  const ModelSize size = model_size(run.spec, recipe);
  const TrainingSettings& training = recipe.training;
  plan.needs = training_needs(run.spec, size,
                              {.tokens = run.micro_tokens,
                               .stored_tokens = run.stored_tokens,
                               .checkpoint_bytes = run.checkpoint_bytes,
                               .halves = run.halves,
                               .rounds = run.rounds,
                               .ranks = run.ranks,
                               .uses = run.uses,
                               .evaluates = run.evaluates,
                               .answer_tokens = run.answer_tokens,
                               .compared_tokens = run.compared_tokens},
                              recipe, compute);
  if (attacks_result(recipe))  // beside the run's own model
    plan.needs.attacks = attack_memory(size.parameters, recipe.evaluation.attacks, compute) +
                         size.parameters * (compute.dtype == at::kFloat ? 4 : 2);
  plan.free_disk = free_disk(recipe.out);
  const auto a_step = static_cast<double>(training.batch * training.accumulate);
  const double epochs =
      static_cast<double>(run.steps) * a_step / static_cast<double>(std::max<std::uint64_t>(run.rows, 1));
  const double tokens = run.micro_tokens * static_cast<double>(training.accumulate);
  plan.lines.emplace_back("model", excerpt(run.name, 200) + " (" + excerpt(run.spec.model_type) +
                                       "): " + with_commas(size.parameters) + " weights, " + with_commas(size.trained) +
                                       " trained, " + dtype_text(compute) + ", template " +
                                       Template::kind_of(recipe.data.response_template));
  plan.lines.emplace_back("training", commas(static_cast<double>(run.steps)) + " steps of " + commas(a_step) +
                                          " rows: " + short_text(epochs, epochs < 0.1 ? "%.3f" : "%.1f") +
                                          " epochs of " + with_commas(run.rows) + " " + run.kind + "rows, about " +
                                          commas(tokens) + " tokens a step" + run.second);
  plan.lines.emplace_back("memory", memory_text(plan.needs, run.ranks, compute));
  if (run.ranks > 1) {
    add_ranks(plan, run);
  } else if (training.shard) {
    plan.lines.emplace_back("ranks",
                            "1, so training.shard saves no memory here, and slows down the steps (it implies "
                            "training.recompute); `lethe launch -n 2` starts two");
  }
  plan.lines.emplace_back("time", "measured on the first two steps");
  plan.facts["model"] = {{"name", excerpt(run.name, 200)},
                         {"family", run.spec.model_type},
                         {"parameters", size.parameters},
                         {"trained", size.trained},
                         {"template", Template::kind_of(recipe.data.response_template)}};
  plan.facts["training"] = {{"steps", run.steps},
                            {"rows_a_step", static_cast<std::int64_t>(a_step)},
                            {"rows", run.rows},
                            {"epochs", epochs},
                            {"tokens_a_step", static_cast<std::int64_t>(tokens)}};
  plan.facts["memory_bytes"] = plan.needs.memory;
  if (plan.needs.evaluation > 0) plan.facts["evaluation_memory_bytes"] = plan.needs.evaluation;
  if (plan.needs.attacks > 0) plan.facts["attacks_memory_bytes"] = plan.needs.attacks;
}

void add_output(RunPlan& plan, const Recipe& recipe) {
  plan.lines.emplace_back("output", excerpt(recipe.out, 400) + ": about " + bytes_text(plan.needs.result) +
                                        ", snapshots of up to " + bytes_text(plan.needs.snapshots) + " while training" +
                                        (plan.free_disk > 0 ? "; " + bytes_text(plan.free_disk) + " are free" : ""));
  put_bytes(plan.facts, "out", recipe.out);
  plan.facts["disk_bytes"] = {
      {"result", plan.needs.result}, {"snapshots", plan.needs.snapshots}, {"free", plan.free_disk}};
}

// Safe answers in place of the harmful ones.
std::vector<Pair> safe_pairs(const Recipe& recipe, const RunData& data) {
  std::vector<Pair> pairs = data.harmful.train;
  if (!data.safe) return {};
  const std::vector<std::string> answers = data.safe->draw(pairs, recipe.seed, 0);
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i].response = answers[i];
  return pairs;
}

std::string method_text(const Recipe& recipe) {
  if (method_named(recipe.method).stage2 != Stage2::contrast) return recipe.method;
  const std::string safe = recipe.method + ": safe answers (" + excerpt(recipe.safe.answers, 120) + ")";
  if (recipe.safe.ratio == 0) return safe + " alone";
  return safe + " less " + short_text(recipe.safe.ratio, "%.4g") + " of the harm learned by " +
         word_of(recipe.safe.harm);
}

std::string alpha_text(const Recipe& recipe, const RunData& data) {
  const NegationSettings& negation = recipe.negation;
  if (negation.alpha) return short_text(*negation.alpha, "%.4g") + " (negation.alpha)";
  return "the largest up to 1 with a KL of at most " + short_text(negation.kl_budget, "%.4g") + " nats a token" +
         (survives_nf4(recipe) ? ", also in four bits (NF4)" : "") + ", on up to " +
         with_commas(data.normal.validation.size()) + " validation answers" +
         (refusal_budget(recipe) < 1
              ? ", and at most " + percent(refusal_budget(recipe)) + " more refusals than the original's"
              : "");
}

// What evaluation.every adds. @param what  is measured: "24 validation prompts"
std::string during_training(const Recipe& recipe, const std::string& what) {
  const std::int64_t every = recipe.evaluation.every, patience = recipe.training.patience;
  if (every == 0) return "";
  return "every " + with_commas(static_cast<std::uint64_t>(every)) + " steps of training " + what +
         (patience > 0
              ? ", stopping after " + with_commas(static_cast<std::uint64_t>(patience)) + " without improvement"
              : "");
}

std::string evaluation_text(const Recipe& recipe) {
  const std::string during = during_training(
      recipe, with_commas(static_cast<std::uint64_t>(recipe.evaluation.every_prompts)) + " validation prompts");
  if (!asks_judge(recipe))
    return (during.empty() ? "none" : during) + ": what is left of the harm, and what is damaged, will not be known";
  return "judge " + excerpt(join(recipe.evaluation.judge, ", "), 200) + "; at most " +
         with_commas(static_cast<std::uint64_t>(recipe.evaluation.prompts)) +
         " prompts of each kind, answers of at most " +
         with_commas(static_cast<std::uint64_t>(recipe.evaluation.max_new_tokens)) + " tokens, before and after" +
         (during.empty() ? "" : "; " + during);
}

// The trainings of further rounds of negation.
std::string rounds_text(const Recipe& recipe, std::int64_t steps) {
  const std::int64_t further = rounds_of(recipe) - 1;
  if (further == 0) return "";
  return "; then " + commas(static_cast<double>(further)) + (further == 1 ? " round" : " rounds") + " of " +
         commas(static_cast<double>(recipe.negation.relearn.steps)) + " steps of relearning and " +
         commas(static_cast<double>(steps)) + " of learning the harm again";
}

std::string split_text(const Split& split) {
  return with_commas(split.train.size()) + " / " + with_commas(split.validation.size()) + " / " +
         with_commas(split.test.size());
}

OrderedJson split_facts(const Split& split) {
  return {{"train", split.train.size()}, {"validation", split.validation.size()}, {"test", split.test.size()}};
}

// Response tokens whose states under the original are stored.
std::uint64_t stored_tokens(const Recipe& recipe, const RunData& data, double harmful_response,
                            double normal_response) {
  if (recipe.tuning != TuningKind::full) return 0;
  const Method& method = method_named(recipe.method);
  const auto drawn = static_cast<double>(planned_steps(recipe, data) * recipe.training.accumulate *
                                         recipe.training.batch);  // the rows of the whole training
  double tokens = 0;
  if (needs_normal_reference(recipe)) {
    const auto pairs = static_cast<double>(data.normal.train.size());
    tokens += normal_response * (method.forget_retain ? std::min(drawn, pairs) : pairs);
  }
  if (method.harmful_reference == HarmfulReference::states)
    tokens += harmful_response * std::min(drawn, static_cast<double>(data.harmful.train.size()));
  return static_cast<std::uint64_t>(tokens);
}

// Forward passes of the original beside each micro-batch of adapters.
double passes_of_original(const Recipe& recipe) {
  if (recipe.tuning == TuningKind::full) return 0;
  const HarmfulReference harmful = method_named(recipe.method).harmful_reference;
  const bool states = needs_normal_reference(recipe) || harmful == HarmfulReference::states;
  return (states ? 1 : 0) + (harmful == HarmfulReference::losses ? 1 : 0);
}

}  // namespace

std::string dtype_text(const Compute& compute) {
  return compute.dtype == at::kFloat ? "float32" : compute.dtype == at::kBFloat16 ? "bfloat16" : "float16";
}

std::string RunPlan::text() const {
  std::size_t width = 0;
  for (const auto& [what, line] : lines) width = std::max(width, what.size());
  std::string all = "plan of lethe " + command;
  for (const auto& [what, line] : lines) all += "\n  " + what + std::string(width - what.size() + 2, ' ') + line;
  return all;
}

void RunPlan::warn_of(std::vector<std::string> obstacles) {
  warnings = std::move(obstacles);
  if (warnings.empty()) {
    facts.erase("warnings");
  } else {
    facts["warnings"] = warnings;
  }
}

std::vector<std::string> verdict_obstacles(const Recipe& recipe, const RunData& data, std::size_t unseen,
                                           std::size_t normal) {
  VerdictOutlook outlook{.evaluates = asks_judge(recipe),
                         .unseen = unseen,
                         .normal = normal,
                         .most = static_cast<std::size_t>(recipe.evaluation.prompts)};
  const bool contrasts = method_named(recipe.method).stage2 == Stage2::contrast;
  if (!contrasts || recipe.safe.ratio != 0) outlook.steps = static_cast<std::size_t>(planned_steps(recipe, data));
  if (contrasts) outlook.safe_steps = static_cast<std::size_t>(planned_steps(safe_half(recipe), data));
  return verdict_obstacles(outlook);
}

RunPlan unlearning_plan(const Recipe& recipe, const StoredModel& original, const RunData& data, const Compute& compute,
                        std::int64_t ranks) {
  const Method& method = method_named(recipe.method);
  const auto batch = static_cast<double>(recipe.training.batch);
  const Lengths harmful = mean_lengths(data.harmful.train, data.examples),
                normal = mean_lengths(data.normal.train, data.examples);
  const bool contrasts = method.stage2 == Stage2::contrast, halves = contrasts && recipe.safe.ratio != 0;
  const Recipe first = halves ? harmful_half(recipe) : contrasts ? safe_half(recipe) : recipe;
  const SamplerOptions sampler = sampler_options(first);
  // The longest answer, and the normal answers on which the KL from the original is measured.
  const double answer =
      std::max(harmful.longest_prompt, normal.longest_prompt) + static_cast<double>(recipe.evaluation.max_new_tokens);
  const auto compared = [&](const std::vector<Pair>& pairs) {
    return normal.response *
           std::min(static_cast<double>(recipe.evaluation.prompts), static_cast<double>(pairs.size()));
  };
  const Lengths safe = mean_lengths(safe_pairs(recipe, data), data.examples);
  const double safe_tokens = batch * (safe.pair() + normal.pair());
  // Drawn beside each harmful pair's own response.
  const double drawn = method.forget_retain
                           ? safe.response
                           : static_cast<double>(sampler.k) *
                                 (sampler.draw == SamplerOptions::Draw::normal ? normal.response : harmful.response);
  const std::vector<Pair>& rows = method.harmful_rows ? data.harmful.train : data.normal.train;

  RunPlan plan{.command = "unlearn", .normal_tokens = normal.pair()};
  plan.lines.emplace_back("method", method_text(recipe) + ", " + tuning_text(recipe, original.spec));
  plan.facts = {{"command", plan.command}, {"method", method.name}, {"tuning", word_of(recipe.tuning)}};
  add_model_and_training(
      plan, recipe,
      {.name = original.checkpoint.folder().filename().string(),
       .spec = original.spec,
       .checkpoint_bytes = original.checkpoint.bytes(),
       .rows = rows.size(),
       .kind = method.harmful_rows ? "harmful " : "normal ",
       .steps = planned_steps(first, data),
       .micro_tokens = contrasts && !halves ? safe_tokens
                                            : batch * ((method.harmful_rows ? harmful.pair() + drawn : 0) +
                                                       (method_named(first.method).normal_rows ? normal.pair() : 0)),
       .stored_tokens = stored_tokens(recipe, data, harmful.response, normal.response),
       .halves = halves,
       .second = halves ? "; then " + commas(static_cast<double>(planned_second_steps(recipe, data))) +
                              " steps of safe answers, about " +
                              commas(safe_tokens * static_cast<double>(recipe.training.accumulate)) + " tokens a step"
                        : rounds_text(recipe, planned_steps(first, data)),
       .rounds = rounds_of(recipe),
       .ranks = ranks,
       .uses = 2 + passes_of_original(first),
       .evaluates = asks_judge(recipe),
       .answer_tokens = answer,
       .compared_tokens = compared(data.normal.train) + compared(data.normal.test)},
      compute);
  plan.lines.insert(plan.lines.begin() + 2, {"data", "harmful " + split_text(data.harmful) + ", normal " +
                                                         split_text(data.normal) + " (train / validation / test)"});
  plan.facts["data"] = {{"harmful", split_facts(data.harmful)}, {"normal", split_facts(data.normal)}};
  if (contrasts)
    plan.facts["safe"] = {{"answers", excerpt(recipe.safe.answers, 200)},
                          {"harm", word_of(recipe.safe.harm)},
                          {"ratio", recipe.safe.ratio},
                          {"steps", planned_steps(safe_half(recipe), data)}};
  plan.lines.emplace_back("alpha", alpha_text(recipe, data));
  plan.lines.emplace_back("evaluation", evaluation_text(recipe));
  add_output(plan, recipe);
  const auto& normal_prompts = data.normal.test.empty() ? data.normal.train : data.normal.test;
  plan.warn_of(
      verdict_obstacles(recipe, data, questions_of(data.harmful.test).size(), questions_of(normal_prompts).size()));
  return plan;
}

RunPlan finetuning_plan(const Recipe& recipe, const std::string& name, const DecoderSpec& spec,
                        std::uint64_t checkpoint_bytes, const std::vector<Pair>& pairs, const ExampleMaker& examples,
                        const Compute& compute, std::int64_t ranks) {
  RunPlan plan{.command = "finetune"};
  plan.lines.emplace_back("method", "cross-entropy of responses, " + tuning_text(recipe, spec));
  plan.facts = {{"command", plan.command}, {"tuning", word_of(recipe.tuning)}};
  add_model_and_training(
      plan, recipe,
      {.name = name,
       .spec = spec,
       .checkpoint_bytes = checkpoint_bytes,
       .rows = pairs.size(),
       .steps = recipe.training.steps,
       .micro_tokens = static_cast<double>(recipe.training.batch) * mean_lengths(pairs, examples).pair(),
       .ranks = ranks},
      compute);
  if (recipe.evaluation.every > 0)
    plan.lines.emplace_back("evaluation", during_training(recipe, "the loss of data.validation"));
  add_output(plan, recipe);
  return plan;
}

void report_plan(const RunPlan& plan, RunRecord& run) {
  say(plan.text());
  for (const std::string& warning : plan.warnings) warn(warning);
  run.note("plan", plan.facts);
}

void print_plan(const RunPlan& plan, const DryRun& dry_run) {
  print_table((dry_run.json ? dump_json(plan.facts) : plan.text()) + "\n");
  if (dry_run.json) return;  // they are among the facts
  for (const std::string& warning : plan.warnings) warn(warning);
}

}  // namespace lethe
