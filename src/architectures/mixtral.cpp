// Mixtral: Mistral's attention, and in every layer a mixture of experts.
#include "architectures/families.h"

namespace lethe {

DecoderSpec mixtral_spec(ConfigReader& config) {
  DecoderSpec spec =
      llama_body(config, {.kv_heads = 8, .positions = 131072, .norm_epsilon = 1e-5, .rope = {.default_theta = 1e6}});
  const std::int64_t window = read_window(config, 0);
  if (window > 0) spec.windows.assign(static_cast<std::size_t>(spec.layers), window);
  spec.experts = config.count("num_local_experts", 8, kMostExperts);
  spec.chosen_experts = config.size("num_experts_per_tok", 2);
  if (spec.chosen_experts > spec.experts) config.refuse("num_experts_per_tok", "at most num_local_experts");
  spec.expert_intermediate_size = spec.intermediate_size;
  spec.normalised_experts = true;
  // For training with a loss that balances the experts, which Lethe does not do.
  config.neutral({"output_router_logits", "router_aux_loss_coef", "router_jitter_noise"});
  auto& n = spec.names;
  n.gate = n.up = n.down = "";
  n.router = "block_sparse_moe.gate";
  n.experts = "block_sparse_moe.experts.";
  n.expert_gate = "w1";
  n.expert_up = "w3";
  n.expert_down = "w2";
  return spec;
}

}  // namespace lethe
