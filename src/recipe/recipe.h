// A recipe: every setting of a run, with its default (docs: cli.md, "A recipe").
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/overlap.h"
#include "data/sources.h"
#include "data/splits.h"
#include "formats/adapter.h"
#include "prompts/template.h"

namespace lethe {

struct DataSettings {
  std::vector<DataSource> harmful, normal;
  std::vector<DataSource> train;  ///< finetune: what to train on (--data)
  std::string response_template =
      "### Question: {prompt}\n ### Answer: {response}";  ///< key `data.template`; chat: the model's own
  std::string system;                                     ///< of a chat template: its first turn
  std::int64_t max_length = 512;                          ///< tokens
  bool append_eos = false;
  SplitOptions split;
  std::string plan;  ///< path, or empty

  bool operator==(const DataSettings&) const = default;
};

struct SkuSettings {
  double eps_gd = 2.5, eps_rd = 2.5, eps_pd = 1.0;
  std::int64_t k = 5;
  double pd_margin = 2.0;  ///< nats a token; 0 = off
  std::string reduction = "mean";

  bool operator==(const SkuSettings&) const = default;
};

/// Gradient ascent, with and without mismatch (its draws are sku.k).
struct GaSettings {
  double eps_kl = 1.0, eps_mismatch = 1.0;

  bool operator==(const GaSettings&) const = default;
};

struct TrainingSettings {
  std::int64_t steps = 1000, batch = 2, accumulate = 1;
  double lr = 2e-4;
  std::string schedule = "linear";    ///< constant | linear | cosine
  std::int64_t warmup = 0;            ///< steps
  double weight_decay = 0, clip = 1;  ///< clip: norm of the gradient; 0 = off
  std::int64_t snapshot_steps = 0;    ///< a snapshot every so many steps; 0: by time alone
  double snapshot_minutes = 10;       ///< and every so many minutes; 0: by steps alone
  bool recompute = false;             ///< of activations: less memory for a third more arithmetic
  std::string weights;                ///< full tuning: a regular expression found in the names that train; empty: all

  bool operator==(const TrainingSettings&) const = default;
};

/// A short repair behind the negation: steps on normal answers that bring the model back towards the original.
struct RepairSettings {
  std::int64_t steps = 0;  ///< 0 = none
  double lr = 2e-4;
  double alpha = 1;  ///< of the negation that is repaired; what came of it is then scaled by negation.alpha

  bool operator==(const RepairSettings&) const = default;
};

struct NegationSettings {
  std::optional<double> alpha;  ///< nothing = auto
  double kl_budget = 0.3;       ///< nats a token
  /// α by layer or module: (regular expression found in a weight's name, factor), the first that fits; 1 elsewhere
  std::vector<std::pair<std::string, double>> factors;
  std::int64_t rank = 0;  ///< only so many of the strongest singular directions of each matrix of τ; 0 = all
  RepairSettings repair;

  bool operator==(const NegationSettings&) const = default;
};

struct EvaluationSettings {
  /// Each: classifier (the built-in one), a classifier's folder or file, refusal. The first decides. Alone: none
  std::vector<std::string> judge = {"classifier"};
  double threshold = 0.5;      ///< harm above it counts as harmful
  std::int64_t prompts = 200;  ///< of each kind at most; 0 = no evaluation
  std::int64_t max_new_tokens = 100;
  std::vector<DataSource> other;        ///< harmful prompts of another source than data.harmful
  std::vector<DataSource> xstest;       ///< safe prompts that look unsafe, and unsafe ones
  std::vector<DataSource> choices;      ///< multiple choice: MMLU, WMDP, TruthfulQA
  std::vector<DataSource> text;         ///< plain text, for perplexity
  std::int64_t window = 0, stride = 0;  ///< tokens, for `text`; 0: the model's positions, half a window
  OverlapOptions overlap;               ///< when a prompt counts as trained on, and is left out
  std::string bleurt, embedder;         ///< folders of learned metrics of normal answers; empty: not measured

  bool operator==(const EvaluationSettings&) const = default;
};

struct Recipe {
  std::string method = "sku";
  std::string model;   ///< a checkpoint folder, or a name in the local Hugging Face cache
  std::string config;  ///< finetune from scratch: path of a config.json
  std::string tuning = "full";
  LoraSettings lora;
  DataSettings data;
  SkuSettings sku;
  GaSettings ga;
  TrainingSettings training;
  std::string quantize = "none";  ///< of the frozen base of adapters: none | nf4
  NegationSettings negation;
  EvaluationSettings evaluation;
  std::uint64_t seed = 8888;
  std::string out;
  std::string device = "auto", dtype = "auto";
  std::int64_t threads = 0;   ///< 0 = one a core
  bool keep_harmful = false;  ///< keep θ_bad (mode 0600) after negation

  bool operator==(const Recipe&) const = default;
};

/// Reads a recipe file (YAML; empty path: the defaults alone), then sets the overrides in order.
///
/// @param overrides  "training.steps=5", "lora.targets=[q_proj, v_proj]", "lora={rank: 8}"; values are YAML, but the
/// value
///   of a key that holds text is taken as it stands unless it begins with a quotation mark
/// @throws Error (usage) on an unknown key (naming the one that was meant), a key given twice, a wrong type or a value
///   that cannot be; with file and line. Error (bad input) if the file cannot be read, is no YAML or more than one
///   document, or a mapping holds a key twice
Recipe load_recipe(const std::filesystem::path& path, const std::vector<std::string>& overrides = {});

/// The same from YAML in memory. @param where  named in errors
Recipe parse_recipe(std::string_view yaml, const std::string& where, const std::vector<std::string>& overrides = {});

/// A recipe with some settings changed ("key=value", as above). @throws Error (usage) as load_recipe()
Recipe with_settings(Recipe recipe, const std::vector<std::string>& settings);

/// The resolved recipe as YAML, all keys; load_recipe() of it gives the same recipe.
std::string to_yaml(const Recipe& recipe);

/// The recipe's template; `chat` is that of the model's folder. @throws Error as Template::open()
Template recipe_template(const Recipe& recipe, const std::filesystem::path& folder);

/// How the recipe's pairs become tokens: rows of at most data.max_length tokens, and never more than the model has
/// positions. @param positions  DecoderSpec::max_positions; 0: no bound
ExampleOptions example_options(const Recipe& recipe, std::int64_t positions = 0);

/// Checks the values, also where fields were set by hand. @throws Error (usage) naming the key, wanted and found
void check_recipe(const Recipe& recipe);

/// @throws Error (usage) naming all of `keys` that are empty and how to give each
void require_keys(const Recipe& recipe, const std::vector<std::string>& keys);

/// All keys, in the order of the recipe: "method", "lora.rank", …
std::vector<std::string> recipe_keys();

}  // namespace lethe
