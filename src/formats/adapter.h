// A LoRA adapter folder as PEFT writes and reads it: adapter_config.json and adapter_model.safetensors.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/json.h"
#include "formats/safetensors.h"

namespace lethe {

/// The low-rank update of one module: ΔW = scale · B·A, [out, in]. With DoRA the weight becomes
/// m ⊙ (W + ΔW) / ‖W + ΔW‖, norms over `in` (Liu et al. 2024, "DoRA", eq. 5).
struct LoraModule {
  std::string module;                       ///< path in the model: "model.layers.0.self_attn.q_proj"
  const StoredTensor* a = nullptr;          ///< [R, in]; of an embedding [R, V]
  const StoredTensor* b = nullptr;          ///< [out, R]; of an embedding [D, R]
  double scale = 1.0;                       ///< lora_alpha / R, or lora_alpha / √R (use_rslora)
  bool embedding = false;                   ///< ΔW is (B·A)ᵀ: the weight is [V, D]
  const StoredTensor* magnitude = nullptr;  ///< DoRA's m, [out]
  const StoredTensor* bias = nullptr;       ///< of B (lora_bias), [out]: the module's bias grows by scale · bias
};

/// A tensor that the adapter replaces as a whole: a bias, or a module of modules_to_save.
struct SavedTensor {
  std::string name;  ///< in the model: "model.layers.0.self_attn.q_proj.bias"
  const StoredTensor* tensor = nullptr;
};

/// What ensure_weight_tying keeps one weight in input embedding and head: nothing, their LoRA pairs, or the tensors
/// that modules_to_save holds for them. Source: PEFT 0.21.2, BaseTuner._check_tied_modules().
enum class EnsuredTying { none, targets, saved };

class Adapter {
 public:
  /// @throws Error (bad input) for a missing or broken file, a pair that lacks a half, shapes that do not fit, and for
  ///         what would change the arithmetic and is not supported (layer_replication, PiSSA, …), by its key.
  ///         Names may hold the adapter's own ("lora_A.default.weight"), as in a whole state_dict; those of two
  ///         adapters in one file are refused
  explicit Adapter(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }
  const OrderedJson& config() const { return config_; }
  /// Sorted by module.
  const std::vector<LoraModule>& modules() const { return modules_; }
  const std::vector<SavedTensor>& saved() const { return saved_; }
  /// The base's own weights of adapted embeddings, which PEFT saves along: they must equal the base's.
  const std::vector<SavedTensor>& unchanged() const { return unchanged_; }
  bool is_dora() const { return is_dora_; }
  /// What the configuration asks for, of a base that ties its head.
  EnsuredTying ensured_tying() const;
  /// Whether the tensor belongs to one of modules_to_save: to a copy beside the base's module, not to that module.
  bool saves_module_of(const std::string& tensor) const;
  const SafetensorsFile& file() const { return file_; }
  /// The name under which PEFT saves, and loads, a tensor of the file; nullptr for the second copy of one.
  const std::string* name_in_peft(const StoredTensor& tensor) const {
    const auto found = names_in_peft_.find(tensor.name);
    return found == names_in_peft_.end() ? nullptr : &found->second;
  }

 private:
  void read_tensors();
  std::filesystem::path folder_;
  OrderedJson config_;
  SafetensorsFile file_;
  std::vector<LoraModule> modules_;
  std::vector<SavedTensor> saved_, unchanged_;
  std::map<std::string, std::string> names_in_peft_;  // by stored name
  bool is_dora_ = false;
};

/// Which modules get an adapter: a list of suffixes, or (one text) a regular expression for the whole path, or
/// "all-linear" (every linear map but the head).
struct LoraTargets {
  std::vector<std::string> suffixes{"q_proj", "v_proj"};
  std::string pattern;  ///< used where not empty; `suffixes` is empty then
  bool all_linear() const { return pattern == "all-linear"; }
  bool operator==(const LoraTargets&) const = default;
};

/// The modules that the targets choose, in the given order, as PEFT would.
/// @param head  the module that is the output head: left out of all-linear
/// @throws Error (bad input) if a suffix or the pattern chooses none
std::vector<std::string> chosen_modules(const LoraTargets& targets, const std::vector<std::string>& modules,
                                        const std::string& head);

/// What an adapter of our own says of itself.
struct LoraSettings {
  std::int64_t rank = 32;
  double alpha = 16, dropout = 0;
  LoraTargets targets;
  bool operator==(const LoraSettings&) const = default;
};

/// adapter_config.json as PEFT reads it.
OrderedJson adapter_config(const LoraSettings& settings, const std::string& base_model);

/// The name that PEFT gives to half of a pair in adapter_model.safetensors ('A' or 'B').
std::string lora_tensor_name(const std::string& module, char half);

}  // namespace lethe
