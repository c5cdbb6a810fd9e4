// Phi-3, 3.5 and 4: LLaMA's body with fused projections; long contexts through LongRoPE.
#include "architectures/families.h"

namespace lethe {

DecoderSpec phi3_spec(ConfigReader& config) {
  DecoderSpec spec =
      llama_body(config, {.positions = 4096,
                          .norm_epsilon = 1e-5,
                          .rope = {.default_share = 1.0, .takes_odd_share = true, .default_original = 4096}});
  const auto kind = spec.rotary[0].kind;
  if (kind != RotaryOptions::Kind::standard && kind != RotaryOptions::Kind::longrope)
    config.refuse("rope_scaling", "the default rotary embedding or longrope");
  const std::int64_t window = read_window(config, 0);
  if (window > 0) spec.windows.assign(static_cast<std::size_t>(spec.layers), window);

  auto& n = spec.names;
  n.fused_qkv = "self_attn.qkv_proj";
  n.fused_gate_up = "mlp.gate_up_proj";
  n.query = n.key = n.value = n.gate = n.up = "";
  return spec;
}

}  // namespace lethe
