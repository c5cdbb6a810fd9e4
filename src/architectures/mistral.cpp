// Mistral: LLaMA's body, with one sliding window in every layer (none if the key is null, as in Nemo).
#include "architectures/families.h"

namespace lethe {

DecoderSpec mistral_spec(ConfigReader& config) {
  DecoderSpec spec = llama_body(config, {.kv_heads = 8, .positions = 131072});
  const std::int64_t window = read_window(config, 4096);
  if (window > 0) spec.windows.assign(static_cast<std::size_t>(spec.layers), window);
  return spec;
}

}  // namespace lethe
