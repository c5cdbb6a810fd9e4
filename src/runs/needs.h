// Estimates the memory and the disk space of a training, and compares them with what there is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "architectures/decoder_spec.h"
#include "recipe/recipe.h"
#include "runs/rank_costs.h"
#include "tensors/device.h"

namespace lethe {

/// The size of a model and of the part that trains, in weights.
struct ModelSize {
  std::uint64_t parameters = 0;
  std::uint64_t in_layers = 0;          ///< of the layers' linear maps, which quantize: nf4 packs
  std::uint64_t trained = 0;            ///< all, those of training.weights, or the adapters' values
  std::uint64_t trained_in_layers = 0;  ///< of `trained`, in the layers' linear maps; of adapters none
};

/// From the configuration alone. @throws Error (bad input) as add_lora()
ModelSize model_size(const DecoderSpec& spec, const Recipe& recipe);

struct TrainingLoad {
  double tokens = 0;                   ///< of a micro-batch, prompts and responses
  std::uint64_t stored_tokens = 0;     ///< response tokens whose original states are stored (full tuning)
  std::uint64_t checkpoint_bytes = 0;  ///< of the checkpoint to be written (full tuning)
  bool halves = false;                 ///< contrast: what the first training learned is kept during the second
  std::int64_t rounds = 1;             ///< of negation: as halves, and the ranks of adapters add up
  std::int64_t ranks = 1;              ///< processes that share the steps
  double uses = 3;                     ///< RankWork::uses
  bool evaluates = false;              ///< the run also asks a judge about answers
  double answer_tokens = 0;            ///< of the longest prompt and its answer
  double compared_tokens = 0;          ///< of the normal answers on which the KL is measured
};

struct Needs {
  std::uint64_t memory = 0;      ///< bytes at the peak of training, within about a third; of each rank
  std::uint64_t evaluation = 0;  ///< bytes at the peak of evaluation, without a judge's model; 0: there is none
  std::uint64_t shareable = 0;   ///< of `memory`: weights that processes of one machine may map from the same file
  RankCosts ranks;               ///< zero for one process
  std::uint64_t attacks = 0;     ///< bytes at the peak of evaluation.attacks; 0: there are none
  std::uint64_t result = 0;      ///< bytes of the model or the adapter, and of harmful/ where it is kept
  /// Bytes while training: two snapshots, and a third as it is written. Of each further training (contrast's second
  /// half, rounds of negation), and with patience, two more.
  std::uint64_t snapshots = 0;
};

/// Weights, gradients, AdamW's moments and activations. Activations are taken as 6.7 values of the model's width and 1
/// of the MLP's (2 if it is gated) a token and layer, which fits runs of 58 million to 7 billion weights
/// (docs/performance.md).
Needs training_needs(const DecoderSpec& spec, const ModelSize& size, const TrainingLoad& load, const Recipe& recipe,
                     const Compute& compute);

/// Bytes that an evaluation takes beside the weights: keys and values, prompts that are read, logits, and what the KL
/// from the original is measured against.
/// @param answer_tokens    of the longest prompt and its answer
/// @param compared_tokens  of the normal answers on which the KL is measured
std::uint64_t evaluation_work(const DecoderSpec& spec, double answer_tokens, double compared_tokens,
                              const Compute& compute);

/// Bytes of so many processes on one machine, of which one evaluates. Those on a CPU share the weights that they map.
std::uint64_t memory_together(const Needs& needs, std::int64_t processes);

/// Bytes at the peak of attacks on a model of so many weights: two models, or where one relearns with all weights, this
/// model, its gradients and AdamW's moments.
/// @param attacks  their names
std::uint64_t attack_memory(std::uint64_t parameters, const std::vector<std::string>& attacks, const Compute& compute);

/// Free bytes of the file system that `path` will be on; 0: unknown.
std::uint64_t free_disk(const std::filesystem::path& path);

/// Memory that training can take: of the host, or of the GPU that computes, bytes.
std::uint64_t available_for(const Compute& compute);

/// Warns if memory or disk may not be enough. @param free  free_disk()
/// @param on_one_host  processes of the run that share this machine's memory
/// @throws Error (bad input) if the disk has no space for the result alone
void check_needs(const Needs& needs, std::uint64_t free, const Recipe& recipe, const Compute& compute,
                 std::int64_t on_one_host = 1);

/// 15,234,000,000 -> "15.2 GB", 3,400,000 -> "3.4 MB"
std::string bytes_text(std::uint64_t bytes);

}  // namespace lethe
