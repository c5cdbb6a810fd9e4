#include "models/families.h"

#include <map>

#include "core/error.h"

namespace lethe {
namespace {

using Family = DecoderSpec (*)(ConfigReader&);

const std::map<std::string, Family>& families() {
  static const std::map<std::string, Family> table = {
      {"llama", llama_spec}, {"mistral", mistral_spec}, {"opt", opt_spec}, {"qwen2", qwen2_spec}, {"qwen3", qwen3_spec},
  };
  return table;
}

}  // namespace

std::vector<std::string> known_families() {
  std::vector<std::string> names;
  for (const auto& [name, family] : families()) names.push_back(name);
  return names;
}

DecoderSpec decoder_spec(const Json& config, const std::string& where) {
  if (!config.is_object()) throw bad_input("cannot use " + where).wanted("a JSON object").found(config.type_name());
  ConfigReader reader(config, where);
  const std::string type = reader.text("model_type", "");
  const auto family = families().find(type);
  if (family == families().end()) {
    std::string list;
    for (const auto& name : known_families()) list += (list.empty() ? "" : ", ") + name;
    throw bad_input("cannot use " + where)
        .with("key", "model_type")
        .wanted("one of " + list)
        .found(type.empty() ? "nothing" : excerpt(type));
  }
  DecoderSpec spec = family->second(reader);
  spec.model_type = type;
  spec.stop_ids = reader.ids("eos_token_id");
  reader.only("quantization_config", nullptr);
  reader.finish();
  if (spec.heads % spec.kv_heads != 0) reader.refuse("num_key_value_heads", "a divisor of num_attention_heads");
  return spec;
}

std::vector<std::int64_t> read_layer_types(ConfigReader& config, std::int64_t layers, std::int64_t window,
                                           std::int64_t first_windowed) {
  std::vector<std::int64_t> windows;
  const Json& types = config.raw("layer_types");
  if (types.is_null()) {
    for (std::int64_t i = 0; i < layers; ++i) windows.push_back(i >= first_windowed ? window : 0);
    return windows;
  }
  if (!types.is_array() || static_cast<std::int64_t>(types.size()) != layers)
    config.refuse("layer_types", "a list of one type for each layer");
  for (const Json& type : types) {
    if (type != "full_attention" && type != "sliding_attention")
      config.refuse("layer_types", "full_attention or sliding_attention for each layer");
    if (type == "sliding_attention" && window == 0) config.refuse("sliding_window", "a number of tokens");
    windows.push_back(type == "sliding_attention" ? window : 0);
  }
  return windows;
}

Activation read_activation(ConfigReader& config, const std::string& key, const std::string& fallback) {
  static const std::map<std::string, Activation> names = {
      {"silu", Activation::silu},           {"swish", Activation::silu},
      {"gelu", Activation::gelu},           {"gelu_new", Activation::gelu_tanh},
      {"gelu_fast", Activation::gelu_tanh}, {"gelu_pytorch_tanh", Activation::gelu_tanh},
      {"relu", Activation::relu},
  };
  const auto found = names.find(config.text(key, fallback));
  if (found == names.end()) config.refuse(key, "silu, gelu, gelu_new, gelu_pytorch_tanh or relu");
  return found->second;
}

}  // namespace lethe
