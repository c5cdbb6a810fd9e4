// Granite: LLaMA's body with four multipliers.
#include "architectures/families.h"

namespace lethe {

DecoderSpec granite_spec(ConfigReader& config) {
  DecoderSpec spec = llama_body(config, {});
  spec.attention_bias = spec.attention_out_bias = config.flag("attention_bias", false);
  spec.mlp_bias = config.flag("mlp_bias", false);
  const auto multiplier = [&](const char* key) {
    const double value = config.number(key, 1.0);
    if (value == 0) config.refuse(key, "a number other than 0");
    return value;
  };
  spec.embedding_scale = multiplier("embedding_multiplier");
  spec.residual_scale = multiplier("residual_multiplier");
  spec.attention_scale = multiplier("attention_multiplier");
  spec.logit_scale = 1.0 / multiplier("logits_scaling");
  return spec;
}

}  // namespace lethe
