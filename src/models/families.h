// The table of model families. A further family is one file beside this one, one line here and one in families.cpp.
#pragma once

#include "models/config_reader.h"
#include "models/decoder_spec.h"

namespace lethe {

DecoderSpec llama_spec(ConfigReader& config);
DecoderSpec mistral_spec(ConfigReader& config);
DecoderSpec opt_spec(ConfigReader& config);
DecoderSpec qwen2_spec(ConfigReader& config);
DecoderSpec qwen3_spec(ConfigReader& config);

/// What transformers takes where a configuration of this family says nothing; 0: from the other keys.
struct LlamaDefaults {
  std::int64_t kv_heads = 0, head_dim = 0, positions = 2048;
};
/// The body that LLaMA shares with families built after it: names, rotary embedding, RMSNorm, gated MLP; no biases.
DecoderSpec llama_body(ConfigReader& config, const LlamaDefaults& defaults);

/// Windows by layer from `layer_types`, where it stands, else from max_window_layers (Qwen).
std::vector<std::int64_t> read_layer_types(ConfigReader& config, std::int64_t layers, std::int64_t window,
                                           std::int64_t first_windowed);

/// "silu", "gelu", … as transformers names them. @throws Error for another
Activation read_activation(ConfigReader& config, const std::string& key, const std::string& fallback);

}  // namespace lethe
