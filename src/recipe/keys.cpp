#include "recipe/keys.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <concepts>

#include "core/error.h"
#include "core/join.h"
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
    if (field) numbers.emplace_back("", *field);
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
          .only_for({sku, task_vector}),
      KEY(sku.eps_rd, "Weight of random disassociation: learning harmful answers of other prompts.")
          .within(0, kMostFactor)
          .only_for({sku}),
      KEY(sku.eps_pd, "Weight of preservation divergence: moving away from the original on normal text.")
          .within(0, kMostFactor)
          .only_for({sku}),
      KEY(sku.k, "Responses drawn for each harmful prompt.").within(0, 1000).only_for({sku, ga_mismatch}),
      KEY(sku.pd_margin, "Preservation divergence stops pushing beyond this KL, nats a token; 0: never.")
          .within(0, kMostFactor)
          .only_for({sku}),
      KEY(sku.reduction, "Averages the losses of response tokens, or sums them as the paper's formulas do.")
          .only_for({sku, task_vector}),

      KEY(ga.eps_kl, "Weight of the KL from the original on normal answers.")
          .within(0, kMostFactor)
          .only_for({ga, ga_mismatch}),
      KEY(ga.eps_mismatch, "Weight of learning normal answers to harmful prompts.")
          .within(0, kMostFactor)
          .only_for({ga_mismatch}),

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
      KEY(training.weights, "Regular expression found in the names of the weights that train; empty: all weights.")
          .literally()
          .only_with(full),
      KEY(training.recompute,
          "Activation checkpointing: stores only each layer's input; less memory, a third more arithmetic."),

      KEY(negation.alpha, "α, the share of the task vector that is applied; auto: the largest within the KL budget.")
          .within(0, kMostAlpha),  // a negative α would add the harm; above 1: negation.allow_any_alpha
      KEY(negation.allow_any_alpha,
          "Allows an α above 1, which subtracts more than stage 1 learned and damages most models."),
      KEY(negation.kl_budget,
          "Largest mean KL from the original on normal answers, nats a token, for an α that is chosen.")
          .within(0, kMostFactor, Ends::open_below),
      KEY(negation.curve,
          "Also measures the KL at every tenth of α, for the report; the choice takes about four points."),
      KEY(negation.factors, "α by layer or module: the first pattern found in a weight's name multiplies its α.")
          .within(-kMostAlpha, kMostAlpha),
      KEY(negation.rank, "Keeps this many of the strongest singular directions of each matrix of τ; 0: all.")
          .within(0, 1e6),
      KEY(negation.repair.steps, "Steps of training on normal answers after the negation; 0: none.")
          .within(0, kMostSteps),
      KEY(negation.repair.lr, "Learning rate of the repair.").within(0, kMostRate, Ends::open_below),
      KEY(negation.repair.alpha, "α of the negation that is repaired.").within(0, kMostAlpha, Ends::open_below),

      KEY(evaluation.judge, "Judges that score answers as harmful or not; the first decides; none: no judge."),
      KEY(evaluation.threshold, "An answer counts as harmful if the judge's probability of harm is above this.")
          .within(0, 1, Ends::open_above),
      KEY(evaluation.prompts, "Prompts of each kind at most; 0: no evaluation.").within(0, 1e9),
      KEY(evaluation.max_new_tokens, "Longest answer, tokens.").within(1, kMostTokens),
      KEY(evaluation.other, "Harmful prompts from another source than data.harmful."),
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
      KEY(device, "Where to compute: auto, cpu, cuda or cuda:n; auto takes a GPU if there is one."),
      KEY(dtype, "Compute dtype; auto: float32 on a CPU, bfloat16 on a GPU."),
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
    case ValueKind::flag:
      return "true or false";
    case ValueKind::data_files:
      return "a data file, or a list of them";
    case ValueKind::names:
      return "a name, or a list of names";
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
      {"training", "Stage 1: training."},
      {"negation", "Stage 2: how much of what was learned is applied."},
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
