// Every setting of a run, with its default. What each means, and what it may be, is in the table of keys (keys.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/enum_words.h"
#include "data/overlap.h"
#include "data/sources.h"
#include "data/splits.h"
#include "formats/adapter.h"
#include "objectives/reduction.h"
#include "tensors/dtype.h"
#include "training/schedule.h"

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
  Reduction reduction = Reduction::mean;

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
  ScheduleKind schedule = ScheduleKind::linear;
  std::int64_t warmup = 0;            ///< steps
  double weight_decay = 0, clip = 1;  ///< clip: norm of the gradient; 0 = off
  std::int64_t snapshot_steps = 0;    ///< a snapshot every so many steps; 0: by time alone
  double snapshot_minutes = 10;       ///< and every so many minutes; 0: by steps alone
  bool recompute = false;             ///< of activations: less memory for a third more arithmetic
  std::string weights;                ///< full tuning: a regular expression found in the names that train; empty: all

  bool operator==(const TrainingSettings&) const = default;
};

/// A short repair after the negation: steps on normal answers that bring the model back towards the original.
struct RepairSettings {
  std::int64_t steps = 0;  ///< 0 = none
  double lr = 2e-4;
  double alpha = 1;  ///< of the negation that is repaired; what differs from θ_o then is scaled by negation.alpha

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

/// What trains: all weights, or adapters.
enum class TuningKind { full, lora };

template <>
struct EnumWords<TuningKind> {
  static constexpr std::pair<std::string_view, TuningKind> all[] = {{"full", TuningKind::full},
                                                                    {"lora", TuningKind::lora}};
};

enum class Quantize { none, nf4 };

template <>
struct EnumWords<Quantize> {
  static constexpr std::pair<std::string_view, Quantize> all[] = {{"none", Quantize::none}, {"nf4", Quantize::nf4}};
};

struct Recipe {
  std::string method = "sku";
  std::string model;   ///< a checkpoint folder, or a name in the local Hugging Face cache
  std::string config;  ///< finetune from scratch: path of a config.json
  TuningKind tuning = TuningKind::full;
  LoraSettings lora;
  DataSettings data;
  SkuSettings sku;
  GaSettings ga;
  TrainingSettings training;
  Quantize quantize = Quantize::none;  ///< of the frozen base of adapters
  NegationSettings negation;
  EvaluationSettings evaluation;
  std::uint64_t seed = 8888;
  std::string out;
  std::string device = "auto";
  ComputeType dtype = ComputeType::automatic;
  std::int64_t threads = 0;   ///< 0 = one a core
  bool keep_harmful = false;  ///< keep θ_bad (mode 0600) after negation

  bool operator==(const Recipe&) const = default;
};

}  // namespace lethe
