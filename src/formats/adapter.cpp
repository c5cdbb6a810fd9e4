#include "formats/adapter.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <ranges>
#include <set>
#include <span>

#include "core/error.h"
#include "core/files.h"
#include "core/join.h"
#include "core/regex.h"
#include "formats/checkpoint.h"
#include "formats/not_a_checkpoint.h"
#include "formats/tensor_names.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

const std::string kPrefix = "base_model.model.";

OrderedJson read_adapter_config(const fs::path& folder) {
  const fs::path file = folder / "adapter_config.json";
  if (!fs::exists(file)) throw not_an_adapter(folder);
  if (!fs::exists(folder / "adapter_model.safetensors")) {
    const bool pickled = fs::exists(folder / "adapter_model.bin");
    Error error = bad_input("cannot open the adapter " + folder.string());
    error.wanted("adapter_model.safetensors");
    if (!pickled) throw error.found("no such file");
    throw error.found("adapter_model.bin, a pickle, which can run code and is not read")
        .hint("load it once with PEFT and save_pretrained() to another folder");
  }
  refuse_links_out_of(folder);
  read_json(file);  // for its checks; the second reading keeps the order of the keys
  const OrderedJson config = OrderedJson::parse(read_file(file));
  if (!config.is_object()) throw bad_input("cannot read " + file.string()).wanted("a JSON object");
  return config;
}

bool is_set(const OrderedJson& value) {
  if (value.is_null() || value == false) return false;
  return !((value.is_array() || value.is_object() || value.is_string()) && value.empty()) && value != "";
}

// Refuses keys that change the adapter's computation and are not supported.
void refuse_unsupported(const fs::path& folder, const OrderedJson& config) {
  const auto refuse = [&](const std::string& key, const std::string& reason) {
    return bad_input("cannot use the adapter " + folder.string())
        .with("key", key + " = " + excerpt(dump_json(config.at(key))))
        .with("reason", reason);
  };
  if (config.value("peft_type", OrderedJson()) != "LORA") {
    throw bad_input("cannot use the adapter " + folder.string())
        .wanted("peft_type LORA")
        .found(excerpt(dump_json(config.value("peft_type", OrderedJson()))));
  }
  for (const char* key :
       {"layer_replication", "target_parameters", "trainable_token_indices", "alora_invocation_tokens", "arrow_config",
        "use_qalora", "use_bdlora", "velora_config", "monteclora_config", "megatron_config"}) {
    if (config.contains(key) && is_set(config.at(key)))
      throw refuse(key, "it changes the arithmetic and is not supported");
  }
  const OrderedJson init = config.value("init_lora_weights", OrderedJson(true));
  if (!init.is_string()) return;
  const auto name = init.get<std::string>();
  for (const char* changes_base : {"pissa", "olora", "corda", "loftq", "lora_ga"}) {
    if (!name.starts_with(changes_base)) continue;
    throw refuse("init_lora_weights", "its training began from changed base weights, which the adapter does not hold")
        .hint("save it with PEFT's path_initial_model_for_weight_conversion, which makes a plain LoRA of it");
  }
}

double number(const OrderedJson& config, const char* key, double otherwise) {
  const OrderedJson value = config.value(key, OrderedJson(otherwise));
  if (!value.is_number()) {
    throw bad_input("cannot read adapter_config.json")
        .with("key", key)
        .wanted("a number")
        .found(excerpt(dump_json(value)));
  }
  return value.get<double>();
}

// rank_pattern / alpha_pattern: the first key that matches the end of the module's path, like PEFT's get_pattern_key.
double patterned(const OrderedJson& config, const char* pattern_key, const std::string& module, double otherwise) {
  const OrderedJson patterns = config.value(pattern_key, OrderedJson());
  if (!patterns.is_object()) return otherwise;
  for (const auto& [key, value] : patterns.items()) {
    if (Regex("(.*\\.)?(" + key + ")").matches_whole(module) && value.is_number()) return value.get<double>();
  }
  return otherwise;
}

}  // namespace

Adapter::Adapter(const fs::path& folder)
    : folder_(folder), config_(read_adapter_config(folder)), file_(folder / "adapter_model.safetensors") {
  refuse_unsupported(folder, config_);
  is_dora_ = is_set(config_.value("use_dora", OrderedJson(false)));
  read_tensors();
}

namespace {

enum class Part { a, b, bias, embedding_a, embedding_b, magnitude, base_weight, base_bias, saved };

// The parts of a tensor's name: "model.layers.0.self_attn.q_proj" ".lora_A" ".default" ".weight".
struct AdapterName {
  Part part = Part::saved;
  std::string module;   // of `saved`: the tensor's whole name
  std::string adapter;  // "" if the name has none
};

std::string joined(std::span<const std::string> components) {
  return join(components, ".");
}

std::vector<std::string> components_of(const std::string& stored) {
  std::string name = without_wrappers(stored);
  while (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  std::vector<std::string> components(1);
  for (const char c : name) {
    if (c == '.')
      components.emplace_back();
    else
      components.back() += c;
  }
  return components;
}

// After modules_to_save come the adapter's name, if it was kept, and a path within the module.
AdapterName saved_name(std::vector<std::string> components, const std::set<std::string>& adapters) {
  const auto found = std::find(components.begin(), components.end(), "modules_to_save");
  if (found == components.end() || components.end() - found < 2) return {Part::saved, joined(components), ""};
  const bool named = components.end() - found > 2 && (adapters.contains(found[1]) || found[1] == "default");
  const std::string adapter = named ? found[1] : "";
  components.erase(found, found + (named ? 2 : 1));
  return {Part::saved, joined(components), adapter};
}

// @return nothing for an unknown kind of LoRA tensor
std::optional<AdapterName> lora_name(const std::vector<std::string>& components, std::size_t at) {
  static const std::map<std::string, Part> kinds = {{"lora_A", Part::a},
                                                    {"lora_B", Part::b},
                                                    {"lora_embedding_A", Part::embedding_a},
                                                    {"lora_embedding_B", Part::embedding_b},
                                                    {"lora_magnitude_vector", Part::magnitude}};
  const auto kind = kinds.find(components[at]);
  std::vector<std::string> rest(components.begin() + static_cast<std::ptrdiff_t>(at) + 1, components.end());
  if (kind == kinds.end() || at == 0) return std::nullopt;
  AdapterName name{kind->second, joined(std::span(components).first(at)), ""};
  const bool is_linear = name.part == Part::a || name.part == Part::b;
  const bool ends_in_bias = name.part == Part::b && !rest.empty() && rest.back() == "bias";
  if (ends_in_bias) name.part = Part::bias;
  if (!rest.empty() && (ends_in_bias || rest.back() == "weight"))
    rest.pop_back();
  else if (is_linear)
    return std::nullopt;
  if (rest.size() > 1) return std::nullopt;
  if (!rest.empty()) name.adapter = rest[0];
  return name;
}

std::optional<AdapterName> parse_name(const std::string& stored, const std::set<std::string>& adapters) {
  const std::vector<std::string> components = components_of(stored);
  for (std::size_t at = components.size(); at-- > 0;) {
    if (components[at].starts_with("lora_")) return lora_name(components, at);
  }
  const std::size_t count = components.size();
  const std::string wrapped = count > 2 ? components[count - 2] : "", &last = components.back();
  if (wrapped == "base_layer" || wrapped == "original_module") {
    const std::string module = joined(std::span(components).first(count - 2));
    if (wrapped == "base_layer" && last == "bias") return AdapterName{Part::base_bias, module, ""};
    return AdapterName{Part::base_weight, module + "." + last, ""};
  }
  return saved_name(components, adapters);
}

bool same_values(const SafetensorsFile& file, const StoredTensor& a, const StoredTensor& b) {
  const auto of_a = file.values(a), of_b = file.values(b);
  return a.type == b.type && a.shape == b.shape && std::equal(of_a.begin(), of_a.end(), of_b.begin(), of_b.end());
}

// The name that save_pretrained() writes.
std::string peft_name(const AdapterName& name, const std::string& stored) {
  static const std::map<Part, std::string> endings = {
      {Part::a, ".lora_A.weight"},
      {Part::b, ".lora_B.weight"},
      {Part::bias, ".lora_B.bias"},
      {Part::embedding_a, ".lora_embedding_A"},
      {Part::embedding_b, ".lora_embedding_B"},
      {Part::magnitude, ".lora_magnitude_vector"},
      {Part::saved, ""},
  };
  const auto ending = endings.find(name.part);
  return kPrefix + (ending == endings.end() ? joined(components_of(stored)) : name.module + ending->second);
}

}  // namespace

void Adapter::read_tensors() {
  std::map<std::string, LoraModule> modules;
  std::map<std::string, SavedTensor> saved;
  std::set<std::string> adapters;                    // found in names
  std::map<std::string, const StoredTensor*> taken;  // by name in PEFT
  const auto refuse = [&](const StoredTensor& tensor) {
    return bad_input("cannot use the adapter " + folder_.string()).with("tensor", excerpt(tensor.name, 200));
  };
  for (const StoredTensor& tensor : file_.tensors()) {
    const auto name = parse_name(tensor.name, {});
    if (!name) throw refuse(tensor).with("reason", "this kind is not supported");
    if (name->part != Part::saved && !name->adapter.empty()) adapters.insert(name->adapter);
  }
  for (const StoredTensor& tensor : file_.tensors()) {
    const AdapterName name = *parse_name(tensor.name, adapters);
    if (!name.adapter.empty()) adapters.insert(name.adapter);
    if (adapters.size() > 1) {
      throw refuse(tensor)
          .wanted("one adapter in the file")
          .found("two: " + excerpt(*adapters.begin()) + " and " + excerpt(*adapters.rbegin()))
          .hint("save each into a folder of its own: save_pretrained(FOLDER, selected_adapters=[NAME])");
    }
    const std::string in_peft = peft_name(name, tensor.name);
    if (const auto [first, is_new] = taken.emplace(in_peft, &tensor); !is_new) {
      // save_embedding_layers writes a saved module twice, inside its wrapper and without.
      if (same_values(file_, *first->second, tensor)) continue;
      throw refuse(tensor).wanted("each part once").found("other values in " + excerpt(first->second->name, 200));
    }
    names_in_peft_[tensor.name] = in_peft;
    const auto place = [&](const StoredTensor*& here) {
      if (here != nullptr) throw refuse(tensor).wanted("each part once").found("also " + excerpt(here->name, 200));
      here = &tensor;
    };
    const auto save = [&](const std::string& whole) {
      saved[whole].name = whole;
      place(saved[whole].tensor);
    };
    if (name.part == Part::saved) {
      save(name.module);
    } else if (name.part == Part::base_bias) {
      save(name.module + ".bias");
    } else if (name.part == Part::base_weight) {
      unchanged_.push_back({name.module, &tensor});
    } else {
      LoraModule& module = modules[name.module];
      module.embedding |= name.part == Part::embedding_a || name.part == Part::embedding_b;
      const bool of_a = name.part == Part::a || name.part == Part::embedding_a;
      const bool of_b = name.part == Part::b || name.part == Part::embedding_b;
      place(of_a ? module.a : of_b ? module.b : name.part == Part::bias ? module.bias : module.magnitude);
    }
  }
  for (auto& [name, module] : modules) {
    const auto broken = [&] {
      return bad_input("cannot use the adapter " + folder_.string()).with("module", excerpt(name));
    };
    if (module.a == nullptr || module.b == nullptr) throw broken().wanted("lora_A and lora_B").found("one of them");
    const auto &a = module.a->shape, &b = module.b->shape;
    if (a.size() != 2 || b.size() != 2 || a[0] != b[1] || a[0] == 0) {
      throw broken().wanted("A [R, in] and B [out, R]").found(module.a->text() + " and " + module.b->text());
    }
    if (!is_floating(module.a->type) || !is_floating(module.b->type))
      throw broken().wanted("floating-point A and B").found(module.a->text());
    if ((module.magnitude != nullptr) != is_dora_) {
      throw broken()
          .wanted(is_dora_ ? "a lora_magnitude_vector (use_dora)" : "no lora_magnitude_vector without use_dora")
          .found(is_dora_ ? "none" : "one");
    }
    for (const StoredTensor* vector : {module.magnitude, module.bias}) {
      if (vector != nullptr && (vector->count() != static_cast<std::uint64_t>(b[0]) || !is_floating(vector->type)))
        throw broken().wanted("a vector of " + std::to_string(b[0]) + " values").found(vector->text());
    }
    const double alpha = patterned(config_, "alpha_pattern", name, number(config_, "lora_alpha", 8));
    const auto rank = static_cast<double>(a[0]);
    const double stated = patterned(config_, "rank_pattern", name, number(config_, "r", rank));
    if (stated != rank) {
      throw broken()
          .wanted("rank " + std::to_string(std::lround(stated)) + ", as adapter_config.json says")
          .found(module.a->text());
    }
    module.module = name;
    module.scale = alpha / (is_set(config_.value("use_rslora", OrderedJson(false))) ? std::sqrt(rank) : rank);
    modules_.push_back(module);
  }
  for (const auto& [name, tensor] : saved) saved_.push_back(tensor);
  if (modules_.empty() && saved_.empty())
    throw bad_input("cannot use the adapter " + folder_.string()).wanted("LoRA tensors").found("none");
}

namespace {

// PEFT's EMBEDDING_LAYER_NAMES
bool names_half_of_a_pair(const std::string& module) {
  const std::string last = module.substr(module.rfind('.') + 1);
  return last == "embed_tokens" || last == "lm_head";
}

bool any_names_half(const OrderedJson& list) {
  return list.is_array() && std::any_of(list.begin(), list.end(), [](const OrderedJson& name) {
           return name.is_string() && names_half_of_a_pair(name.get<std::string>());
         });
}

}  // namespace

EnsuredTying Adapter::ensured_tying() const {
  if (!is_set(config_.value("ensure_weight_tying", OrderedJson(false)))) return EnsuredTying::none;
  if (any_names_half(config_.value("modules_to_save", OrderedJson()))) return EnsuredTying::saved;
  const OrderedJson targets = config_.value("target_modules", OrderedJson());
  if (any_names_half(targets)) return EnsuredTying::targets;
  if (!targets.is_string()) return EnsuredTying::none;
  const Regex pattern(targets.get<std::string>());
  const bool matches = pattern.matches_whole("embed_tokens") || pattern.matches_whole("lm_head");
  return matches ? EnsuredTying::targets : EnsuredTying::none;
}

bool Adapter::saves_module_of(const std::string& tensor) const {
  const OrderedJson list = config_.value("modules_to_save", OrderedJson());
  for (std::size_t dot = tensor.find('.'); dot != std::string::npos && list.is_array();
       dot = tensor.find('.', dot + 1)) {
    const std::string module = tensor.substr(0, dot);
    for (const OrderedJson& name : list) {
      if (name.is_string() && module.ends_with(name.get<std::string>())) return true;
    }
  }
  return false;
}

std::vector<std::string> chosen_modules(const LoraTargets& targets, const std::vector<std::string>& modules,
                                        const std::string& head) {
  std::vector<std::string> chosen;
  std::set<std::string> unused(targets.suffixes.begin(), targets.suffixes.end());
  const std::unique_ptr<Regex> pattern =
      targets.pattern.empty() || targets.all_linear() ? nullptr : std::make_unique<Regex>(targets.pattern);
  for (const std::string& module : modules) {
    bool wanted = targets.all_linear() ? module != head : pattern && pattern->matches_whole(module);
    for (const std::string& suffix : targets.suffixes) {
      if (module == suffix || module.ends_with("." + suffix)) {
        wanted = true;
        unused.erase(suffix);
      }
    }
    if (wanted) chosen.push_back(module);
  }
  if (!unused.empty() || chosen.empty()) {
    std::set<std::string> endings;
    for (const std::string& module : modules) {
      if (module != head) endings.insert(module.substr(module.rfind('.') + 1));
    }
    const std::string list = join(endings, ", ");
    const std::string missing =
        join(unused | std::views::transform([](const std::string& suffix) { return excerpt(suffix); }), ", ");
    // Families with fused queries, keys and values do not have the usual q_proj and v_proj.
    std::string give = "all-linear";
    for (const char* fused : {"qkv_proj", "query_key_value", "c_attn", "Wqkv"}) {
      if (endings.contains(fused)) give = "[" + std::string(fused) + "]";
    }
    throw bad_input("cannot place LoRA adapters (lora.targets)")
        .wanted("linear maps of this model: " + list)
        .found(unused.empty() ? excerpt(targets.pattern) : missing)
        .hint("lora.targets=" + give + ", or others of these");
  }
  return chosen;
}

OrderedJson adapter_config(const LoraSettings& settings, const std::string& base_model) {
  const OrderedJson targets =
      settings.targets.pattern.empty() ? OrderedJson(settings.targets.suffixes) : OrderedJson(settings.targets.pattern);
  return {{"peft_type", "LORA"},
          {"task_type", "CAUSAL_LM"},
          {"base_model_name_or_path", base_model},
          {"r", settings.rank},
          {"lora_alpha", settings.alpha},
          {"lora_dropout", settings.dropout},
          {"target_modules", targets},
          {"bias", "none"},
          {"fan_in_fan_out", false},
          {"init_lora_weights", true},
          {"inference_mode", true},
          {"use_rslora", false},
          {"use_dora", false},
          {"modules_to_save", nullptr}};
}

std::string lora_tensor_name(const std::string& module, char half) {
  return kPrefix + module + ".lora_" + half + ".weight";
}

}  // namespace lethe
