#include "runs/needs.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "core/error.h"
#include "core/output_place.h"
#include "core/regex.h"
#include "core/terminal.h"
#include "generation/generate.h"
#include "models/causal_lm.h"
#include "models/lora.h"
#include "nn/bfloat16_product.h"
#include "runs/inner_layers.h"

namespace lethe {
namespace fs = std::filesystem;

namespace {

constexpr double kProgram = 2e8;  // the program with LibTorch, and small buffers

double bytes_of_state(const Compute& compute) {
  return activation_type(compute.device, compute.dtype) == at::kFloat ? 4 : 2;
}

// Values of the activations of one layer and token.
double a_token_in_layer(const DecoderSpec& spec) {
  return 6.7 * static_cast<double>(spec.hidden_size) +
         (spec.gated() ? 2 : 1) * static_cast<double>(spec.intermediate_size);
}

// What the KL from the original is measured against, on training and on test answers: a copy of the head each, and the
// states of the answers.
double meters_of(const DecoderSpec& spec, double compared_tokens, const Compute& compute) {
  const double item = compute.dtype == at::kFloat ? 4 : 2;
  return static_cast<double>(spec.hidden_size) *
         (2 * static_cast<double>(spec.vocabulary) * item + compared_tokens * bytes_of_state(compute));
}

}  // namespace

std::uint64_t evaluation_work(const DecoderSpec& spec, double answer_tokens, double compared_tokens,
                              const Compute& compute) {
  constexpr double kCache = 1 << 30, kPrompts = 2048;  // bytes of keys and values, tokens of prompts read at a time
  const double state = bytes_of_state(compute), tokens = static_cast<double>(GenerationOptions{}.batch) * answer_tokens;
  const double key_and_value = 2 * static_cast<double>(spec.layers * spec.kv_heads * spec.head_dim) * state;
  const double read = std::min(tokens, kPrompts) * a_token_in_layer(spec) * state;
  const auto vocabulary = static_cast<double>(spec.vocabulary);  // the KL takes four tensors of a chunk's logits
  const double logits = 16 * std::min(std::max(6e6, 128 * vocabulary), compared_tokens * vocabulary);
  return static_cast<std::uint64_t>(std::min(kCache, tokens * key_and_value) + read + logits +
                                    meters_of(spec, compared_tokens, compute));
}

ModelSize model_size(const DecoderSpec& spec, const Recipe& recipe) {
  CausalLM model(spec);  // without weights
  ModelSize size;
  std::vector<std::string> adapted;
  const bool lora = recipe.tuning == TuningKind::lora;
  if (lora) adapted = lora_modules(model, recipe.lora.targets);
  const std::string pattern = trained_weights(recipe, spec);
  const std::optional<Regex> chosen = pattern.empty() ? std::nullopt : std::optional<Regex>(pattern);
  for (const Parameter& parameter : model.parameters()) {
    const auto count = static_cast<std::uint64_t>(parameter.size());
    size.parameters += count;
    if (parameter.linear != nullptr) size.in_layers += count;
    if (!lora && (!chosen || chosen->found_in(parameter.name))) {
      size.trained += count;
      if (parameter.linear != nullptr) size.trained_in_layers += count;
    }
    for (const std::string& module : adapted) {
      if (parameter.name != module + ".weight" || parameter.shape.size() != 2) continue;
      size.trained += static_cast<std::uint64_t>(recipe.lora.rank * (parameter.shape[0] + parameter.shape[1]));
    }
  }
  return size;
}

Needs training_needs(const DecoderSpec& spec, const ModelSize& size, const TrainingLoad& load, const Recipe& recipe,
                     const Compute& compute) {
  const bool lora = recipe.tuning == TuningKind::lora;
  const double item = compute.dtype == at::kFloat ? 4 : 2;
  const auto all = static_cast<double>(size.parameters), trained = static_cast<double>(size.trained);
  const auto width = static_cast<double>(spec.hidden_size), layers = static_cast<double>(spec.layers);
  constexpr double kNf4 = 0.5625;  // bytes a weight: four bits and a scale for each block of 64
  const bool nf4 = recipe.quantize == Quantize::nf4, shard = recipe.training.shard && load.ranks > 1;
  const double matrices = static_cast<double>(size.in_layers) * (nf4 ? kNf4 : item);
  // Of matrices that train and that ranks share, each rank holds its share's gradients, moments and copies.
  const double shared = shard ? static_cast<double>(size.trained_in_layers) : 0, whole = trained - shared;
  const double updated = shard && !lora ? trained / static_cast<double>(load.ranks) : trained;
  const RankCosts costs = rank_costs({.ranks = load.ranks,
                                      .accumulate = recipe.training.accumulate,
                                      .gradients = whole * (lora ? 4 : item),
                                      .of_matrices = shared * item,
                                      .matrices = shard ? matrices : 0,
                                      .layers = layers,
                                      .uses = load.uses});
  const double outside = (all - static_cast<double>(size.in_layers)) * item;
  const double kept = outside + (shard ? costs.share : matrices);  // what training made, beside the original
  const double held = outside + (shard ? costs.share + costs.gathered : matrices);
  double memory = kProgram + held + costs.buffers;
  // Two moments in float32 and a gradient; adapters and the copies of 16-bit weights are float32, too.
  memory += updated * 8;
  if (recipe.training.clip > 0 || recipe.training.accumulate > 1) memory += whole * (lora ? 4 : item);
  if (lora || item < 4) memory += updated * 4;
  const double state = bytes_of_state(compute);
  const double a_layer = load.tokens * a_token_in_layer(spec) * state,
               head = static_cast<double>(spec.vocabulary) * width * item;
  memory += recipe.training.recompute || recipe.training.shard ? a_layer + layers * load.tokens * state * 2.7 * width
                                                               : layers * a_layer;
  if (load.stored_tokens > 0)  // and a copy of the head
    memory += static_cast<double>(load.stored_tokens) * width * state + head;
  if (load.evaluates) memory += meters_of(spec, load.compared_tokens, compute);

  // Adapters of several rounds: the rank doubles with each join, of which the last training has all but one.
  const std::uint64_t ranks = lora && load.rounds > 1 ? std::uint64_t{1} << (load.rounds - 2) : 1;
  if (load.halves || load.rounds > 1) memory += lora ? trained * 4 * static_cast<double>(ranks) : kept;
  memory += trained * (8 + 4 + 4) * static_cast<double>(ranks - 1);

  Needs needs;
  needs.memory = static_cast<std::uint64_t>(memory);
  if (load.evaluates)
    needs.evaluation = static_cast<std::uint64_t>(kProgram + held + (lora ? trained * 4 : kept)) +
                       evaluation_work(spec, load.answer_tokens, load.compared_tokens, compute);
  if (lora && !nf4 && !shard && compute.device.is_cpu()) needs.shareable = static_cast<std::uint64_t>(all * item);
  needs.ranks = costs;
  const std::uint64_t model = lora ? size.trained * 4 : load.checkpoint_bytes;
  needs.result = lora && (load.halves || load.rounds > 1) ? 2 * ranks * model : model;  // one adapter of all ranks
  if (recipe.keep_harmful) needs.result += model;
  std::uint64_t snapshots = load.halves || recipe.training.patience > 0 ? 5 : 3;  // or two best steps
  for (std::int64_t round = 2; round <= load.rounds; ++round)  // of relearning and of stage 1, two each
    snapshots += 4 * (lora ? std::uint64_t{1} << (round - 2) : 1);
  needs.snapshots = snapshots * 12 * size.trained;
  return needs;
}

std::uint64_t memory_together(const Needs& needs, std::int64_t processes) {
  return std::max(needs.memory, needs.evaluation) +
         static_cast<std::uint64_t>(processes - 1) * (needs.memory - needs.shareable);
}

std::uint64_t attack_memory(std::uint64_t parameters, const std::vector<std::string>& attacks, const Compute& compute) {
  const bool trains =
      std::any_of(attacks.begin(), attacks.end(), [](const std::string& name) { return name.starts_with("relearn"); });
  const std::uint64_t item = compute.dtype == at::kFloat ? 4 : 2;
  const std::uint64_t copies = item < 4 ? 4 : 0;  // float32 copies of 16-bit weights
  return parameters * (trains ? 2 * item + 8 + copies : 2 * item);
}

std::uint64_t free_disk(const fs::path& path) {
  std::error_code problem;
  for (fs::path folder = output_place(path); !folder.empty(); folder = folder.parent_path()) {
    if (fs::is_directory(folder, problem)) {
      const fs::space_info space = fs::space(folder, problem);
      return problem ? 0 : space.available;
    }
    if (folder == folder.parent_path()) break;
  }
  return 0;
}

std::uint64_t available_for(const Compute& compute) {
  return compute.device.is_cpu() ? available_bytes() : free_device_bytes(compute.device);
}

void check_needs(const Needs& needs, std::uint64_t free, const Recipe& recipe, const Compute& compute,
                 std::int64_t on_one_host) {
  if (free > 0 && free < needs.result) {
    throw bad_input("cannot write to " + excerpt(recipe.out, 1000) + ": not enough disk space")
        .wanted(bytes_text(needs.result) + " for the result, and up to " + bytes_text(needs.snapshots) +
                " for snapshots")
        .found(bytes_text(free) + " free")
        .hint("another --out, or tuning=lora");
  }
  if (free > 0 && free < needs.result + needs.snapshots)
    warn("the disk may become full: " + bytes_text(free) + " are free, the result takes " + bytes_text(needs.result) +
         " and snapshots up to " + bytes_text(needs.snapshots) +
         "; training goes on without a snapshot that does not fit");
  const std::int64_t processes = compute.device.is_cpu() ? on_one_host : 1;
  const std::string together = bytes_text(memory_together(needs, processes)) +
                               (processes > 1 ? " in " + std::to_string(processes) + " processes" : "");
  if (const std::uint64_t available = available_for(compute); memory_together(needs, processes) > available) {
    if (needs.memory >= needs.evaluation)
      warn("memory may not be enough: training takes about " + together + ", " + bytes_text(available) +
           " are available; try tuning=lora, quantize=nf4, training.recompute=true or a smaller training.batch");
    else
      warn("memory may not be enough for the evaluation, which takes about " + together + ": " + bytes_text(available) +
           " are available; evaluation.prompts=0 leaves it out, and `lethe evaluate --endpoint` does it elsewhere");
  }
  if (const std::uint64_t available = available_for(compute); needs.attacks > available)
    warn("memory may not be enough for evaluation.attacks, which take about " + bytes_text(needs.attacks) + ": " +
         bytes_text(available) +
         " are available; relearn and relearn_other need most; `lethe attack` can also try "
         "them when the run is finished");
}

std::string bytes_text(std::uint64_t bytes) {
  char text[32];
  const auto value = static_cast<double>(bytes);
  if (value >= 1e9) {
    std::snprintf(text, sizeof text, "%.1f GB", value / 1e9);
  } else {
    std::snprintf(text, sizeof text, value >= 1e7 ? "%.0f MB" : "%.1f MB", value / 1e6);
  }
  return text;
}

}  // namespace lethe
