// Mistral: LLaMA's body, every layer with one sliding window (none where the key is null, as in Nemo).
#include "models/families.h"

namespace lethe {

DecoderSpec mistral_spec(ConfigReader& config) {
  DecoderSpec spec = llama_body(config, {.kv_heads = 8, .positions = 131072});
  const std::int64_t usual = config.has("sliding_window") ? 0 : 4096;
  const std::int64_t window = config.raw("sliding_window").is_null() ? usual : config.size("sliding_window");
  if (window > 0) spec.windows.assign(static_cast<std::size_t>(spec.layers), window);
  return spec;
}

}  // namespace lethe
