// Every setting of a run, with its default. The table of keys (keys.cpp) holds the meaning and the range of each.
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
#include "objectives/objective_settings.h"
#include "objectives/reduction.h"
#include "tensors/dtype.h"
#include "training/schedule.h"

namespace lethe {

/// Whether the end of each response is trained. `automatic`: yes with a chat template, whose turns end in a token.
enum class AppendEos { automatic, on, off };

template <>
struct EnumWords<AppendEos> {
  static constexpr std::pair<std::string_view, AppendEos> all[] = {
      {"auto", AppendEos::automatic}, {"true", AppendEos::on}, {"false", AppendEos::off}};
};

struct DataSettings {
  std::vector<DataSource> harmful, normal;
  std::vector<DataSource> train;           ///< finetune: the training pairs (--data)
  std::vector<DataSource> validation;      ///< finetune: pairs whose loss evaluation.every measures
  std::string response_template = "auto";  ///< key `data.template`: auto, chat, sku, or a text (Template::open())
  std::string system;                      ///< system message of a chat template
  std::int64_t max_length = 512;           ///< tokens
  AppendEos append_eos = AppendEos::automatic;
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

/// Gradient ascent, with and without mismatch (which draws sku.k responses).
struct GaSettings {
  double eps_kl = 1.0, eps_mismatch = 1.0;

  bool operator==(const GaSettings&) const = default;
};

/// What the harmful half of `method: contrast` learns: SKU's loss, or the harmful answers alone.
enum class HarmHalf { sku, task_vector };

template <>
struct EnumWords<HarmHalf> {
  static constexpr std::pair<std::string_view, HarmHalf> all[] = {{"sku", HarmHalf::sku},
                                                                  {"task_vector", HarmHalf::task_vector}};
};

/// Contrast: θ_o + α·(τ_safe − ratio·τ_harm). Other methods that teach safe answers read `answers` too.
struct SafeSettings {
  std::string answers = "built-in";   ///< built-in, lawful, refusals, mismatch, or a file (data/safe_answers.h)
  HarmHalf harm = HarmHalf::sku;      ///< how τ_harm is learned
  double ratio = 0.25;                ///< r; 0: no τ_harm is learned
  double eps_kl = 1.0;                ///< weight of KL(P‖Q) on normal answers while τ_safe is learned
  std::optional<std::int64_t> steps;  ///< of τ_safe; nothing = auto: training.steps
  std::optional<double> lr;           ///< of τ_safe; nothing = auto: training.lr

  bool operator==(const SafeSettings&) const = default;
};

struct TrainingSettings {
  std::int64_t steps = 1000, batch = 2, accumulate = 1;
  double lr = 2e-4;
  ScheduleKind schedule = ScheduleKind::linear;
  std::int64_t warmup = 0;            ///< steps
  double weight_decay = 0, clip = 1;  ///< clip: norm of the gradient; 0 = off
  std::int64_t snapshot_steps = 0;    ///< steps between snapshots; 0: only by time
  double snapshot_minutes = 10;       ///< minutes between snapshots; 0: only by steps
  std::int64_t patience = 0;          ///< evaluations without improvement that end the training; 0: never
  bool recompute = false;             ///< activation checkpointing: less memory, a third more arithmetic
  bool shard = false;                 ///< on several ranks: each holds a share of the layers' matrices
  std::string weights;                ///< full tuning: regular expression for the names of weights to train; empty: all

  bool operator==(const TrainingSettings&) const = default;
};

enum class Quantize { none, nf4 };

template <>
struct EnumWords<Quantize> {
  static constexpr std::pair<std::string_view, Quantize> all[] = {{"none", Quantize::none}, {"nf4", Quantize::nf4}};
};

/// A short repair after the negation: steps on normal answers that bring the model back towards the original.
struct RepairSettings {
  std::int64_t steps = 0;  ///< 0 = none
  double lr = 2e-4;
  /// α of the negation that is repaired. The repaired model's difference from θ_o is then scaled by negation.alpha.
  double alpha = 1;

  bool operator==(const RepairSettings&) const = default;
};

/// What a copy of the negated model learns again between two rounds of negation, as an attacker would teach it.
struct RelearnSettings {
  std::int64_t steps = 16;   ///< on harmful training pairs, before stage 1 continues from there
  std::optional<double> lr;  ///< nothing = auto: training.lr

  bool operator==(const RelearnSettings&) const = default;
};

struct NegationSettings {
  std::optional<double> alpha;   ///< nothing = auto
  bool allow_any_alpha = false;  ///< also α above 1
  double kl_budget = 0.3;        ///< nats a token
  /// Share of prompts: the largest rise of over-refusal above the original's. Nothing = auto; 1 = off.
  std::optional<double> refusal_budget;
  /// nf4: the KL budget also holds for the result in four bits, and the run reports what is left of the change there.
  Quantize survive = Quantize::none;
  bool curve = false;  ///< also measure the KL at every tenth of α
  /// Factors of α by layer or module: (regular expression, factor). The first expression found in a weight's name
  /// applies; 1 if none is found.
  std::vector<std::pair<std::string, double>> factors;
  std::int64_t rank = 0;    ///< strongest singular directions to keep of each matrix of τ; 0 = all
  std::int64_t rounds = 1;  ///< more: harm is learned again from a copy that relearned it, and subtracted too
  RelearnSettings relearn;
  RepairSettings repair;

  bool operator==(const NegationSettings&) const = default;
};

struct EvaluationSettings {
  /// Judges, of which the first decides: classifier (built in), a classifier's folder or file, refusal; or only none.
  std::vector<std::string> judge = {"classifier"};
  std::vector<std::string> attacks = {"none"};  ///< of `lethe attack`, on the unlearned model; or only none
  double threshold = 0.5;                       ///< a higher probability of harm counts as harmful
  std::int64_t prompts = 200;                   ///< of each kind at most; 0 = no evaluation
  std::int64_t max_new_tokens = 100;
  std::int64_t every = 0;               ///< steps between evaluations during training; 0 = none
  std::int64_t every_prompts = 24;      ///< prompts of such an evaluation, of each kind
  bool cache = true;                    ///< keep the original's answers for later runs (original_cache.h)
  std::vector<DataSource> other;        ///< harmful prompts from another source than data.harmful
  bool safe_prompts = true;             ///< also ask built-in safe prompts that look unsafe, unless `xstest` is given
  std::vector<DataSource> xstest;       ///< safe prompts that look unsafe, and unsafe ones
  std::vector<DataSource> choices;      ///< multiple choice: MMLU, WMDP, TruthfulQA
  std::vector<DataSource> text;         ///< plain text, for perplexity
  std::int64_t window = 0, stride = 0;  ///< tokens, for `text`; 0: the model's positions, half a window
  OverlapOptions overlap;               ///< when a prompt counts as trained on and is left out
  std::string bleurt, embedder;         ///< model folders of learned metrics for normal answers; empty: not measured

  bool operator==(const EvaluationSettings&) const = default;
};

/// What trains: all weights, or adapters.
enum class TuningKind { full, lora };

template <>
struct EnumWords<TuningKind> {
  static constexpr std::pair<std::string_view, TuningKind> all[] = {{"full", TuningKind::full},
                                                                    {"lora", TuningKind::lora}};
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
  SafeSettings safe;
  ObjectiveSettings objective;
  TrainingSettings training;
  Quantize quantize = Quantize::none;  ///< of the frozen base of adapters
  NegationSettings negation;
  EvaluationSettings evaluation;
  std::uint64_t seed = 8888;
  std::string out;
  std::vector<std::string> logging = {"none"};  ///< further logs of a training: tensorboard; or only none
  std::string device = "auto";
  ComputeType dtype = ComputeType::automatic;
  std::int64_t threads = 0;   ///< 0 = one per core
  bool keep_harmful = false;  ///< keep θ_bad (mode 0600) after negation

  bool operator==(const Recipe&) const = default;
};

}  // namespace lethe
