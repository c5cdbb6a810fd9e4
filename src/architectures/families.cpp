#include "architectures/families.h"

#include <map>

#include "core/error.h"
#include "core/join.h"

namespace lethe {
namespace {

struct Family {
  DecoderSpec (*read)(ConfigReader&);
  std::string published, source;  // as in ListedFamily
};

const std::map<std::string, Family>& families() {
  static const std::map<std::string, Family> table = {
      {"gemma", {gemma_spec, "Gemma, CodeGemma", "google/gemma-2b"}},
      {"gemma2", {gemma2_spec, "Gemma 2", "google/gemma-2-2b"}},
      {"gemma3_text", {gemma3_spec, "Gemma 3 270M and 1B (text)", "google/gemma-3-270m"}},
      {"gpt2", {gpt2_spec, "GPT-2, DistilGPT2", "openai-community/gpt2"}},
      {"gpt_neox", {gpt_neox_spec, "Pythia, GPT-NeoX, Dolly 2", "EleutherAI/pythia-160m"}},
      {"granite", {granite_spec, "Granite 3.x (dense)", "ibm-granite/granite-3.1-2b-base"}},
      {"llama", {llama_spec, "LLaMA 1-3.x, TinyLlama, SmolLM, Vicuna, R1-Distill-Llama", "meta-llama/Llama-3.2-1B"}},
      {"mistral", {mistral_spec, "Mistral 7B, Nemo", "mistralai/Mistral-7B-v0.1"}},
      {"mixtral", {mixtral_spec, "Mixtral 8x7B, 8x22B", "mistralai/Mixtral-8x7B-v0.1"}},
      {"qwen3_moe", {qwen3_moe_spec, "Qwen3-30B-A3B and similar", "Qwen/Qwen3-30B-A3B"}},
      {"olmo2", {olmo2_spec, "OLMo 2", "allenai/OLMo-2-0425-1B"}},
      {"opt", {opt_spec, "OPT, all sizes; Galactica", "facebook/opt-2.7b"}},
      {"phi", {phi_spec, "Phi-1, 1.5, 2", "microsoft/phi-2"}},
      {"phi3", {phi3_spec, "Phi-3, 3.5, 4, mini and medium", "microsoft/Phi-3-mini-4k-instruct"}},
      {"qwen2", {qwen2_spec, "Qwen2, Qwen2.5", "Qwen/Qwen2.5-0.5B"}},
      {"qwen3", {qwen3_spec, "Qwen3 (dense)", "Qwen/Qwen3-0.6B"}},
      {"stablelm", {stablelm_spec, "StableLM 3B, 2 1.6B, 2 12B", "stabilityai/stablelm-2-1_6b"}},
  };
  return table;
}

/// Keys that transformers' common code reads for every family. They must agree with the computation here.
void read_common(ConfigReader& config, const DecoderSpec& spec) {
  config.only("is_causal", true);
  config.only("is_encoder_decoder", false);
  const auto same = [&](const char* key, std::int64_t value) {
    if (!config.was_asked(key)) config.only(key, value);
  };
  same("num_key_value_heads", spec.kv_heads);
  same("head_dim", spec.head_dim);
  if (!config.was_asked("sliding_window")) {
    // It affects the key/value cache, but a window that no row exceeds changes nothing.
    const std::int64_t window = config.size("sliding_window", spec.max_positions);
    if (window < spec.max_positions || (spec.max_positions == 0 && window > 0))
      config.refuse("sliding_window", "null, since " + spec.model_type + " has no windows");
  }
  if (const Json& types = config.raw("layer_types"); !types.is_null()) {
    const auto kind_of = [&](std::size_t layer) {
      return !spec.windows.empty() && spec.windows[layer] > 0 ? "sliding_attention" : "full_attention";
    };
    bool agrees = types.is_array() && types.size() == static_cast<std::size_t>(spec.layers);
    for (std::size_t layer = 0; agrees && layer < types.size(); ++layer)
      agrees = types[layer] == kind_of(layer) || (types[layer] == "attention" && kind_of(layer)[0] == 'f');
    if (!agrees) config.refuse("layer_types", "for each layer what " + spec.model_type + " has there");
  }
}

/// Limits on data stored per head and expert, far above any model's.
void check_sizes(const ConfigReader& config, const DecoderSpec& spec) {
  constexpr std::int64_t kMostHeads = 4096, kMostDescribed = 200'000;
  if (spec.heads > kMostHeads) config.refuse("num_attention_heads", "at most " + with_commas(kMostHeads));
  if (spec.heads % spec.kv_heads != 0) config.refuse("num_key_value_heads", "a divisor of num_attention_heads");
  if (spec.layers * spec.heads > kMostDescribed)
    config.refuse("num_hidden_layers", "at most " + with_commas(kMostDescribed) + " heads in all layers");
  if (spec.layers * spec.experts > kMostDescribed)
    config.refuse("num_local_experts", "at most " + with_commas(kMostDescribed) + " experts in all layers");
}

}  // namespace

std::optional<std::int64_t> DecoderSpec::length_limit() const {
  std::optional<std::int64_t> least;
  for (const auto& options : rotary) {
    const auto limit = options.length_limit();
    if (limit && (!least || *limit < *least)) least = limit;
  }
  return least;
}

std::vector<std::string> known_families() {
  std::vector<std::string> names;
  for (const auto& [name, family] : families()) names.push_back(name);
  return names;
}

std::vector<ListedFamily> listed_families() {
  std::vector<ListedFamily> list;
  for (const auto& [name, family] : families()) list.push_back({name, family.published, family.source});
  return list;
}

DecoderSpec decoder_spec(const Json& file, const std::string& where) {
  if (!file.is_object()) throw bad_input("cannot use " + where).wanted("a JSON object").found(file.type_name());
  const Json config = with_first_names(file, where);
  ConfigReader reader(config, where);
  const std::string type = reader.text("model_type", "");
  const auto family = families().find(type);
  if (family == families().end()) {
    throw bad_input("cannot use " + where)
        .with("key", "model_type")
        .wanted("one of " + join(known_families(), ", "))
        .found(type.empty() ? "nothing" : excerpt(type));
  }
  DecoderSpec spec = family->second.read(reader);
  spec.model_type = type;
  spec.stop_ids = reader.ids("eos_token_id");
  read_common(reader, spec);
  spec.ignored_keys = reader.finish(type);
  check_sizes(reader, spec);
  return spec;
}

std::vector<std::int64_t> read_layer_types(ConfigReader& config, std::int64_t layers, std::int64_t window,
                                           const std::function<bool(std::int64_t)>& windowed) {
  std::vector<std::int64_t> windows;
  const Json& types = config.raw("layer_types");
  if (types.is_null()) {
    for (std::int64_t i = 0; i < layers; ++i) windows.push_back(windowed(i) ? window : 0);
    return windows;
  }
  if (!types.is_array() || static_cast<std::int64_t>(types.size()) != layers)
    config.refuse("layer_types", "a list of one type for each layer");
  for (const Json& type : types) {
    if (type != "full_attention" && type != "attention" && type != "sliding_attention")
      config.refuse("layer_types", "full_attention or sliding_attention for each layer");
    if (type == "sliding_attention" && window == 0) config.refuse("sliding_window", "a number of tokens");
    windows.push_back(type == "sliding_attention" ? window : 0);
  }
  return windows;
}

std::int64_t read_window(ConfigReader& config, std::int64_t usual) {
  if (!config.raw("sliding_window").is_null()) return config.size("sliding_window");
  return config.has("sliding_window") ? 0 : usual;
}

double read_cap(ConfigReader& config, const std::string& key, double usual) {
  if (config.raw(key).is_null()) return config.has(key) ? 0.0 : usual;
  const double cap = config.number(key, 0);
  if (cap <= 0) config.refuse(key, "null or a positive number");
  return cap;
}

Activation read_activation(ConfigReader& config, const std::string& key, const std::string& fallback) {
  static const std::map<std::string, Activation> names = {
      {"silu", Activation::silu},           {"swish", Activation::silu},
      {"gelu", Activation::gelu},           {"gelu_new", Activation::gelu_tanh},
      {"gelu_fast", Activation::gelu_tanh}, {"gelu_pytorch_tanh", Activation::gelu_tanh},
      {"gelu_python", Activation::gelu},    {"gelu_accurate", Activation::gelu_tanh},
      {"relu", Activation::relu},
  };
  const auto found = names.find(config.text(key, fallback));
  if (found == names.end()) config.refuse(key, "silu, gelu, gelu_new, gelu_pytorch_tanh or relu");
  return found->second;
}

}  // namespace lethe
