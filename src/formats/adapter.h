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
  const StoredTensor* bias = nullptr;       ///< of B (lora_bias), [out]: scale · bias is added to the module's bias
};

/// A tensor that the adapter replaces: a bias, or a module of modules_to_save.
struct SavedTensor {
  std::string name;  ///< in the model: "model.layers.0.self_attn.q_proj.bias"
  const StoredTensor* tensor = nullptr;
};

/// What ensure_weight_tying shares between input embedding and head: nothing, their LoRA pairs, or their tensors in
/// modules_to_save. Source: PEFT 0.21.2, BaseTuner._check_tied_modules().
enum class EnsuredTying { none, targets, saved };

class Adapter {
 public:
  /// @throws Error (bad input) for a missing or broken file, an incomplete pair, mismatched shapes, two adapters in one
  ///         file, and, by key, for unsupported settings that change the arithmetic (layer_replication, PiSSA, …).
  ///         Tensor names may contain the adapter's name ("lora_A.default.weight"), as in a whole state_dict
  explicit Adapter(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }
  const OrderedJson& config() const { return config_; }
  /// Sorted by module.
  const std::vector<LoraModule>& modules() const { return modules_; }
  const std::vector<SavedTensor>& saved() const { return saved_; }
  /// Base weights of adapted embeddings, which PEFT also saves. They must equal the base's.
  const std::vector<SavedTensor>& unchanged() const { return unchanged_; }
  bool is_dora() const { return is_dora_; }
  /// The tying that the configuration requests for a base with a tied head.
  EnsuredTying ensured_tying() const;
  /// Whether the tensor belongs to one of modules_to_save: to a copy next to the base's module, not to that module.
  bool saves_module_of(const std::string& tensor) const;
  const SafetensorsFile& file() const { return file_; }
  /// The name under which PEFT saves and loads a tensor of the file; nullptr for a second copy.
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

/// The modules that get an adapter: a list of suffixes, or (one text) a regular expression for the whole path, or
/// "all-linear" (every linear map except the head).
struct LoraTargets {
  std::vector<std::string> suffixes{"q_proj", "v_proj"};
  std::string pattern;  ///< used if not empty; then `suffixes` is empty
  bool all_linear() const { return pattern == "all-linear"; }
  bool operator==(const LoraTargets&) const = default;
};

/// The modules selected by the targets, in the given order, as in PEFT.
/// @param head  the output head, excluded from all-linear
/// @throws Error (bad input) if a suffix or the pattern selects no module
std::vector<std::string> chosen_modules(const LoraTargets& targets, const std::vector<std::string>& modules,
                                        const std::string& head);

/// The settings of an adapter that Lethe writes.
struct LoraSettings {
  std::int64_t rank = 32;
  double alpha = 16, dropout = 0;
  LoraTargets targets;
  bool operator==(const LoraSettings&) const = default;
};

/// adapter_config.json as PEFT reads it.
OrderedJson adapter_config(const LoraSettings& settings, const std::string& base_model);

/// PEFT's name for half of a pair in adapter_model.safetensors ('A' or 'B').
std::string lora_tensor_name(const std::string& module, char half);

}  // namespace lethe
