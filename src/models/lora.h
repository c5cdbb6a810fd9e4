// LoRA on the decoder: creates adapters to train, attaches stored ones, and writes adapter folders.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "formats/adapter.h"
#include "models/causal_lm.h"

namespace lethe {

/// A trained pair under its module's path.
struct NamedLora {
  std::string module;
  LoraPair* pair;           ///< owned by the model
  bool transposed = false;  ///< Linear::transposed of its map: PEFT's fan_in_fan_out
};

/// The modules that the targets choose, in the order of the layers. The model needs no weights.
/// @throws Error (bad input) as add_lora()
std::vector<std::string> lora_modules(CausalLM& model, const LoraTargets& targets);

/// Puts a fresh adapter on each chosen linear: A uniform in ±1/√in (Kaiming, a = √5), B zero, float32, both requiring
/// gradients. @return the pairs, in the order of the layers
/// @throws Error (bad input) if the targets choose none, or the head (whose logits are never held as a whole)
std::vector<NamedLora> add_lora(CausalLM& model, const LoraSettings& settings, std::uint64_t seed);

/// Gives pairs of add_lora() their first values again, in new tensors. Copies of the old ones keep theirs.
void renew_lora(const std::vector<NamedLora>& pairs, std::uint64_t seed);

/// Multiplies the second half of each pair's rank: the part that was joined to the first (contrast's harm). The factor
/// 0 removes that half, so that nothing of it is written.
void scale_joined_half(const std::vector<NamedLora>& pairs, double factor);

/// W + Σ scale·B·A over the map's adapters, in the type of W: what a merged checkpoint would hold.
at::Tensor folded_weight(const Linear& linear);

/// Attaches the pairs of an adapter folder to the model, not to be trained. Their scale can be changed.
/// @throws Error (bad input) if it holds more than pairs on linear maps, or one that does not fit
std::vector<NamedLora> attach_lora(CausalLM& model, const Adapter& adapter);

/// Writes the adapter in PEFT's format into `folder` (exists), with B times `factor` (−α: the negated adapter). The
/// factor 0 writes zeros alone: neither half of a pair is part of a result that does not use it.
void write_adapter(const std::vector<NamedLora>& pairs, const LoraSettings& settings, const std::string& base_model,
                   const std::filesystem::path& folder, double factor = 1.0, Access access = Access::normal);

}  // namespace lethe
