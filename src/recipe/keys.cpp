#include "recipe/keys.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <concepts>

#include "core/error.h"
#include "core/join.h"
#include "recipe/objective_defaults.h"
#include "recipe/recipe_values.h"

namespace lethe {
namespace {

template <class Field>
constexpr ValueKind kind_of() {
  using F = std::remove_cvref_t<Field>;
  if constexpr (std::is_same_v<F, std::string>) return ValueKind::text;
  if constexpr (HasWords<F>) return ValueKind::word;
  if constexpr (std::is_same_v<F, bool>) return ValueKind::flag;
  if constexpr (std::integral<F> && !std::is_same_v<F, bool>) return ValueKind::count;
  if constexpr (std::is_same_v<F, double>) return ValueKind::number;
  if constexpr (std::is_same_v<F, std::optional<double>>) return ValueKind::auto_number;
  if constexpr (std::is_same_v<F, std::optional<std::int64_t>>) return ValueKind::auto_number;
  if constexpr (std::is_same_v<F, std::vector<std::int64_t>>) return ValueKind::layers;
  if constexpr (std::is_same_v<F, std::vector<DataSource>>) return ValueKind::data_files;
  if constexpr (std::is_same_v<F, std::vector<std::string>>) return ValueKind::names;
  if constexpr (std::is_same_v<F, LoraTargets>) return ValueKind::targets;
  if constexpr (std::is_same_v<F, std::vector<std::pair<std::string, double>>>) return ValueKind::factors;
}

using Numbers = std::vector<std::pair<std::string, double>>;

template <class Field>
Numbers numbers_of(const Field& field) {
  constexpr ValueKind kind = kind_of<Field>();
  Numbers numbers;
  if constexpr (kind == ValueKind::count || kind == ValueKind::number) {
    numbers.emplace_back("", static_cast<double>(field));
  } else if constexpr (kind == ValueKind::auto_number) {
    if (field) numbers.emplace_back("", static_cast<double>(*field));
  } else if constexpr (kind == ValueKind::layers) {
    for (const std::int64_t layer : field) numbers.emplace_back("", static_cast<double>(layer));
  } else if constexpr (kind == ValueKind::factors) {
    for (const auto& [pattern, factor] : field) numbers.emplace_back(": " + excerpt(pattern), factor);
  }
  return numbers;
}

template <class Get>
RecipeKey row(std::string name, std::string about, Get get) {
  using Field = std::remove_cvref_t<decltype(get(std::declval<Recipe&>()))>;
  RecipeKey key{.name = std::move(name), .about = std::move(about), .kind = kind_of<Field>()};
  if constexpr (HasWords<Field>) key.words = all_words<Field>();
  key.set = [get](Recipe& recipe, const YAML::Node& node) { recipe_values::read(node, get(recipe)); };
  key.get = [get](const Recipe& recipe) { return recipe_values::node_of(get(recipe)); };
  key.numbers = [get](const Recipe& recipe) { return numbers_of(get(recipe)); };
  return key;
}

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const Method& method : methods()) names.push_back(method.name);
  return names;
}

// The methods that read a key of the section `objective`.
template <class Value>
std::vector<MethodId> reading(std::optional<Value> ObjectiveSettings::*field) {
  return methods_with([field](const ObjectiveSettings& row) { return (row.*field).has_value(); });
}

#define NAMED_KEY(name, path, about) \
  row(                               \
      name, about, [](auto& recipe) -> auto& { return recipe.path; })
#define KEY(path, about) NAMED_KEY(#path, path, about)

std::vector<RecipeKey> make_table() {
  using enum MethodId;
  // Wide: far beyond what anyone trains with, and far below where float32 overflows, an index wraps or a machine's
  // memory ends. The product of steps, accumulate and batch fits into 64 bits.
  constexpr double kMostSteps = 1e9, kMostRows = 65536, kMostFactor = 1e6, kMostRate = 10, kMostAlpha = 1000;
  constexpr double kMostTokens = 16'777'216;
  const std::string lora = "tuning: lora", full = "tuning: full";
  return {
      KEY(method, "The method that makes the model forget.").one_of(method_names()),
      KEY(model, "The original model: a checkpoint folder, or a name in the local Hugging Face cache.").literally(),
      KEY(config, "Path of a config.json: `lethe finetune` starts from random weights of this shape.")
          .literally()
          .only_for({finetune}),
      KEY(tuning, "What is trained: all weights, or LoRA adapters."),
      KEY(quantize, "Stores the frozen base model of LoRA in four bits (nf4), or unchanged.").only_with(lora),

      KEY(lora.rank, "Rank of each adapter.").within(1, 65536).only_with(lora),
      KEY(lora.alpha, "The adapters are scaled by lora.alpha / lora.rank.")
          .within(0, kMostFactor, Ends::open_below)
          .only_with(lora),
      KEY(lora.dropout, "Probability that an input of an adapter is dropped in training.")
          .within(0, 1, Ends::open_above)
          .only_with(lora),
      KEY(lora.targets, "Modules that get an adapter: name suffixes, one regular expression, or all-linear.")
          .only_with(lora),

      KEY(data.harmful, "Pairs whose answers the model must forget."),
      KEY(data.normal, "Pairs whose answers the model must keep."),
      KEY(data.train, "Pairs that `lethe finetune` trains on (option `--data`).").only_for({finetune}),
      KEY(data.validation, "Pairs whose loss `lethe finetune` measures during training, by evaluation.every.")
          .only_for({finetune}),
      NAMED_KEY("data.template", data.response_template,
                "How a pair becomes text: auto, chat (the model's chat template), sku (SKU's text), or a text with "
                "{prompt} and {response}. auto: as the run that made the model, else chat if the tokenizer has a "
                "chat template, else sku.")
          .literally(),
      KEY(data.system, "The system message before every prompt.").literally().only_with("data.template: chat"),
      KEY(data.max_length, "Longest prompt with its response, tokens; longer texts are cut.").within(1, kMostTokens),
      KEY(data.append_eos, "Also trains the token that ends a response. auto: with a chat template."),
      KEY(data.split.train, "Share of the prompts to train on.").within(0, 1),
      KEY(data.split.validation, "Share of the prompts on which α is chosen.").within(0, 1),
      KEY(data.split.test, "Share of the prompts that are held out for the evaluation.").within(0, 1),
      KEY(data.split.by, "Keeps equal prompts in one part, or similar prompts too."),
      KEY(data.split.cosine, "Prompts are similar above this TF-IDF cosine.")
          .within(0, 1)
          .only_with("data.split.by: similarity"),
      KEY(data.plan, "Path of a file that fixes the rows of every training step.").literally(),

      KEY(sku.eps_gd, "Weight of guided distortion: learning the harmful answers.")
          .within(0, kMostFactor)
          .only_for({sku, task_vector, contrast}),
      KEY(sku.eps_rd, "Weight of random disassociation: learning harmful answers of other prompts.")
          .within(0, kMostFactor)
          .only_for({sku, contrast}),
      KEY(sku.eps_pd, "Weight of preservation divergence: moving away from the original on normal text.")
          .within(0, kMostFactor)
          .only_for({sku, contrast}),
      KEY(sku.k, "Responses drawn for each harmful prompt.").within(0, 1000).only_for({sku, ga_mismatch, contrast}),
      KEY(sku.pd_margin, "Preservation divergence stops pushing beyond this KL, nats a token; 0: never.")
          .within(0, kMostFactor)
          .only_for({sku, contrast}),
      KEY(sku.reduction, "Averages the losses of response tokens, or sums them as the paper's formulas do.")
          .only_for({sku, task_vector, contrast}),

      KEY(ga.eps_kl, "Weight of the KL from the original on normal answers.")
          .within(0, kMostFactor)
          .only_for({ga, ga_mismatch}),
      KEY(ga.eps_mismatch, "Weight of learning normal answers to harmful prompts.")
          .within(0, kMostFactor)
          .only_for({ga_mismatch}),

      KEY(safe.answers,
          "The safe answers that are taught: built-in (lawful and refusals), lawful, refusals, unknown, mismatch "
          "(normal answers), a .txt file of one answer a line, or a data file that answers each harmful prompt.")
          .literally()
          .only_for({contrast, dpo, safe_unlearning}),
      KEY(safe.harm, "How the harmful half is learned: by SKU's loss, or as a task vector.").only_for({contrast}),
      KEY(safe.ratio, "Share of the harmful half that is subtracted; 0: none is learned.")
          .within(0, kMostAlpha)
          .only_for({contrast}),
      KEY(safe.eps_kl, "Weight of the KL from the original on normal answers while safe answers are learned.")
          .within(0, kMostFactor)
          .only_for({contrast}),
      KEY(safe.steps, "Steps of learning safe answers; auto: training.steps.")
          .within(1, kMostSteps)
          .only_for({contrast}),
      KEY(safe.lr, "Learning rate of safe answers; auto: training.lr.")
          .within(0, kMostRate, Ends::open_below)
          .only_for({contrast}),

      KEY(objective.forget, "γ, weight of the forget loss, on harmful pairs.")
          .within(0, kMostFactor)
          .only_for(reading(&ObjectiveSettings::forget)),
      KEY(objective.retain, "α, weight of the retain loss, on normal pairs; 0: none.")
          .within(0, kMostFactor)
          .only_for(reading(&ObjectiveSettings::retain)),
      KEY(objective.retain_loss,
          "The retain loss: cross-entropy of normal answers, KL from the original on them, or none.")
          .only_for(reading(&ObjectiveSettings::retain)),
      KEY(objective.beta,
          "β of the method's formula: inverse temperature of a preference (NPO, SimNPO, DPO), exponent of the token "
          "weights (WGA, SatImp), or how much the harmful token's logit is lowered (UNDIAL).")
          .within(0, kMostFactor, Ends::open_below)
          .only_for(reading(&ObjectiveSettings::beta)),
      KEY(objective.beta2, "Exponent of 1 − p in the token weights.")
          .within(0, kMostFactor)
          .only_for(reading(&ObjectiveSettings::beta2)),
      KEY(objective.delta, "Margin δ that the mean token loss must pass, nats a token.")
          .within(0, kMostFactor)
          .only_for(reading(&ObjectiveSettings::delta)),
      KEY(objective.safe, "Weight of learning safe answers to harmful prompts.")
          .within(0, kMostFactor)
          .only_for(reading(&ObjectiveSettings::safe)),
      KEY(objective.steer, "Length c of the random vector to which the states on harmful answers are steered.")
          .within(0, kMostFactor)
          .only_for(reading(&ObjectiveSettings::steer)),
      KEY(objective.layers,
          "Numbers of the layers whose states are changed, from 0; auto: the published ones at this model's depth.")
          .within(0, 10000)
          .only_for(methods_with([](const ObjectiveSettings& row) { return !row.layers.empty(); })),
      KEY(objective.eps, "Bound ε of the retain loss, nats a token.")
          .within(0, kMostFactor)
          .only_for(reading(&ObjectiveSettings::eps)),
      KEY(objective.dual_rate, "Step η of the retain loss's weight, for each nat above the bound.")
          .within(0, kMostFactor)
          .only_for(reading(&ObjectiveSettings::dual_rate)),
      KEY(objective.dual_warmup, "Steps before the retain loss's weight changes; auto: half of training.steps.")
          .within(0, kMostSteps)
          .only_for({pdu}),
      KEY(objective.skip, "Leading tokens of each harmful response that carry no loss.")
          .within(0, kMostTokens)
          .only_for(reading(&ObjectiveSettings::skip)),
      KEY(objective.gru, "Removes from the forget gradient its part against a moving average of the retain gradient.")
          .only_for(reading(&ObjectiveSettings::retain)),

      KEY(training.steps, "Optimizer steps.").within(1, kMostSteps),
      KEY(training.batch, "Pairs of each kind in a micro-batch.").within(1, kMostRows),
      KEY(training.accumulate, "Micro-batches of a step, whose gradients are added.").within(1, kMostRows),
      KEY(training.lr, "Learning rate of AdamW after the warm-up.").within(0, kMostRate, Ends::open_below),
      KEY(training.schedule, "Learning rate after the warm-up: constant, or falling to 0 at the end."),
      KEY(training.warmup, "Steps in which the learning rate rises to training.lr.").within(0, kMostSteps),
      KEY(training.weight_decay, "AdamW's weight decay; it becomes part of the task vector.").within(0, 1000),
      KEY(training.clip, "Largest norm of the gradient; 0: no clipping.").within(0, 1e12),
      KEY(training.snapshot_steps, "Steps between snapshots; 0: only by time.").within(0, kMostSteps),
      KEY(training.snapshot_minutes, "Minutes between snapshots; 0: only by steps.").within(0, 1e6),
      KEY(training.patience,
          "Evaluations (evaluation.every) without improvement after which training stops; the best step is kept; 0: "
          "never.")
          .within(0, kMostSteps),
      KEY(training.weights, "Regular expression found in the names of the weights that train; empty: all weights.")
          .literally()
          .only_with(full),
      KEY(training.recompute,
          "Activation checkpointing: stores only each layer's input; less memory, a third more arithmetic."),
      KEY(training.shard,
          "Each of several ranks holds a share of the layers' matrices, and updates its share; implies "
          "training.recompute."),

      KEY(negation.alpha, "α, the share of the task vector that is applied; auto: the largest within the KL budget.")
          .within(0, kMostAlpha),  // a negative α would add the harm; above 1: negation.allow_any_alpha
      KEY(negation.allow_any_alpha,
          "Allows an α above 1, which subtracts more than stage 1 learned and damages most models."),
      KEY(negation.kl_budget,
          "Largest mean KL from the original on normal answers, nats a token, for an α that is chosen.")
          .within(0, kMostFactor, Ends::open_below),
      KEY(negation.refusal_budget,
          "Largest rise of refusals above the original's, as a share of normal and safe-looking prompts, for an α that "
          "is chosen; auto: 0.05 for contrast, else off; 1: off.")
          .within(0, 1),
      KEY(negation.survive,
          "The format that unlearning should survive: with nf4 the KL budget also holds in four bits, and the run "
          "reports what is left there; none: not measured."),
      KEY(negation.curve,
          "Also measures the KL at every tenth of α, for the report; the choice takes about four points."),
      KEY(negation.factors, "α by layer or module: the first pattern found in a weight's name multiplies its α.")
          .within(-kMostAlpha, kMostAlpha),
      KEY(negation.rank, "Keeps this many of the strongest singular directions of each matrix of τ; 0: all.")
          .within(0, 1e6),
      KEY(negation.rounds,
          "Rounds of learning and subtracting the harm; each further one starts from a copy that relearned it.")
          .within(1, 4)
          .only_for({sku, task_vector}),
      KEY(negation.relearn.steps, "Steps on harmful pairs with which the copy relearns the harm between two rounds.")
          .within(0, kMostSteps)
          .only_for({sku, task_vector}),
      KEY(negation.relearn.lr, "Learning rate of the relearning; auto: training.lr.")
          .within(0, kMostRate, Ends::open_below)
          .only_for({sku, task_vector}),
      KEY(negation.repair.steps, "Steps of training on normal answers after the negation; 0: none.")
          .within(0, kMostSteps),
      KEY(negation.repair.lr, "Learning rate of the repair.").within(0, kMostRate, Ends::open_below),
      KEY(negation.repair.alpha, "α of the negation that is repaired.").within(0, kMostAlpha, Ends::open_below),

      KEY(evaluation.judge, "Judges that score answers as harmful or not; the first decides; none: no judge."),
      KEY(evaluation.attacks,
          "Attacks on the result, such as [quantize, relearn] (lethe attack --help lists them); they count in the "
          "verdict; "
          "none: no attack."),
      KEY(evaluation.threshold, "An answer counts as harmful if the judge's probability of harm is above this.")
          .within(0, 1, Ends::open_above),
      KEY(evaluation.prompts, "Prompts of each kind at most; 0: no evaluation.").within(0, 1e9),
      KEY(evaluation.max_new_tokens, "Longest answer, tokens.").within(1, kMostTokens),
      KEY(evaluation.every, "Steps between evaluations on validation prompts during training; 0: none.")
          .within(0, kMostSteps),
      KEY(evaluation.every_prompts, "Prompts of each kind for such an evaluation.").within(1, 1e6),
      KEY(evaluation.cache,
          "Keeps the original's answers in the user's cache folder, so that they need not be computed again."),
      KEY(evaluation.other, "Harmful prompts from another source than data.harmful."),
      KEY(evaluation.safe_prompts,
          "Also evaluates 60 built-in harmless prompts that look harmful, unless evaluation.xstest is given."),
      KEY(evaluation.xstest, "Safe prompts that look unsafe, and unsafe ones (XSTest's columns)."),
      KEY(evaluation.choices, "Multiple choice: MMLU, WMDP, TruthfulQA (JSON or its CSV)."),
      KEY(evaluation.text, "Plain text, for its perplexity: .txt, or rows with a text column."),
      KEY(evaluation.window, "Length of a window of plain text, tokens; 0: the model's positions.")
          .within(0, kMostTokens),
      KEY(evaluation.stride, "Tokens from the start of a window to the next; 0: half a window.").within(0, kMostTokens),
      KEY(evaluation.overlap.jaccard,
          "Prompts whose similarity (Jaccard) to a training prompt is at least this are left out; above 1: none.")
          .within(0, kMostFactor, Ends::open_below),
      KEY(evaluation.overlap.containment,
          "Prompts with at least this share of their word sequences in one training prompt are left out; above 1: "
          "none.")
          .within(0, kMostFactor, Ends::open_below),
      KEY(evaluation.bleurt, "Folder of a BLEURT checkpoint: normal answers are also scored with it.").literally(),
      KEY(evaluation.embedder,
          "Folder of a sentence encoder: the similarity of normal answers to their references is measured.")
          .literally(),

      KEY(seed, "Seed of all random numbers; the split of the data also depends on it."),
      KEY(out, "The run folder to write.").literally(),
      KEY(logging, "Further logs of the training: [tensorboard] writes an event file beside metrics.jsonl; none: none.")
          .any_of({"none", "tensorboard"}),
      KEY(device, "Where to compute: auto, cpu, cuda or cuda:n; auto takes a GPU if there is one."),
      KEY(dtype,
          "Compute dtype; auto: bfloat16 on a GPU; float32 on a CPU, unless unlearn or finetune trains adapters of a "
          "bfloat16 model on one that multiplies bfloat16 faster."),
      KEY(threads, "CPU threads; 0: one per core.").within(0, 1024),
      KEY(keep_harmful, "Keeps the harmful weights θ_bad in the run folder, readable by their owner alone."),
  };
}
#undef KEY
#undef NAMED_KEY

}  // namespace

bool Range::holds(double value) const {
  const bool above = ends == Ends::open_below ? value > least : value >= least;
  const bool below = ends == Ends::open_above ? value < most : value <= most;
  return above && below;
}

std::string Range::text() const {
  const std::string from = recipe_values::shown_number(least), to = recipe_values::shown_number(most);
  if (ends == Ends::open_below) return "more than " + from + ", at most " + to;
  return (ends == Ends::open_above ? "at least " + from + ", below " : from + " to ") + to;
}

bool RecipeKey::concerns(MethodId method) const {
  return methods.empty() || std::find(methods.begin(), methods.end(), method) != methods.end();
}

std::string RecipeKey::values() const {
  const std::string bounds = range ? ", " + range->text() : "";
  switch (kind) {
    case ValueKind::text:
      return "a text";
    case ValueKind::word:
      return join(words, ", ");
    case ValueKind::count:
      return range ? "a whole number" + bounds : "a whole number of at least 0";
    case ValueKind::number:
      return "a number" + bounds;
    case ValueKind::auto_number:
      return "a number, or auto";
    case ValueKind::layers:
      return "a layer's number, a list of them, or auto";
    case ValueKind::flag:
      return "true or false";
    case ValueKind::data_files:
      return "a data file, or a list of them";
    case ValueKind::names:
      return words.empty() ? "a name, or a list of names" : join(words, ", ");
    case ValueKind::targets:
      return "a list of suffixes, a regular expression, or all-linear";
    case ValueKind::factors:
      return "{pattern: factor, …}";
  }
  return "";
}

RecipeKey& RecipeKey::within(double least, double most, Ends ends) {
  range = Range{least, most, ends};
  return *this;
}

RecipeKey& RecipeKey::one_of(std::vector<std::string> those) {
  kind = ValueKind::word;
  words = std::move(those);
  return *this;
}

RecipeKey& RecipeKey::any_of(std::vector<std::string> those) {
  words = std::move(those);
  return *this;
}

RecipeKey& RecipeKey::only_for(std::vector<MethodId> those) {
  methods = std::move(those);
  return *this;
}

RecipeKey& RecipeKey::only_with(std::string what) {
  condition = std::move(what);
  return *this;
}

RecipeKey& RecipeKey::literally() {
  literal = true;
  return *this;
}

const std::vector<RecipeKey>& recipe_key_table() {
  static const std::vector<RecipeKey> all = make_table();
  return all;
}

const RecipeKey* find_key(const std::string& name) {
  for (const RecipeKey& key : recipe_key_table()) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

const RecipeKey& key_named(const std::string& name) {
  if (const RecipeKey* key = find_key(name)) return *key;
  throw Error("internal: there is no recipe key " + excerpt(name));
}

const std::vector<std::pair<std::string, std::string>>& recipe_sections() {
  static const std::vector<std::pair<std::string, std::string>> all = {
      {"lora", "LoRA adapters."},
      {"data", "What to forget, what to keep, and how a pair becomes text."},
      {"data.split", "Shares of the prompts, of harmful and of normal data alike; the rest is unused."},
      {"sku", "The loss of SKU's stage 1. Other methods share some of its terms."},
      {"ga", "The loss of gradient ascent."},
      {"safe", "The safe answers of contrast, and the harm that it subtracts."},
      {"objective",
       "The losses of the methods that forget and retain in one training, from grad_diff to circuit_breakers "
       "(docs/reference/methods.md); auto: the published value."},
      {"training", "Stage 1: training."},
      {"negation", "Stage 2: how much of what was learned is applied."},
      {"negation.relearn", "What a copy of the model relearns between two rounds of negation."},
      {"negation.repair", "A short training on normal answers after the negation."},
      {"evaluation", "How the original and the result are compared, and by which judges."},
      {"evaluation.overlap", "When a prompt counts as trained on."},
  };
  return all;
}

std::vector<std::string> recipe_keys() {
  std::vector<std::string> names;
  for (const RecipeKey& key : recipe_key_table()) names.push_back(key.name);
  return names;
}

}  // namespace lethe
