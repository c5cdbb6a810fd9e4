// Merges adapters into weights: W + Σ factor·scale·B·A, in float32, rounded once.
#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "formats/adapter.h"
#include "formats/checkpoint.h"
#include "formats/tied_pair.h"

namespace lethe {

/// An adapter and its factor: 1 merges it, −α negates it. The factor scales everything that the adapter changes. Each
/// adapter's change is relative to the base, even if several change one weight.
struct WeightedAdapter {
  const Adapter* adapter;
  double factor = 1.0;
};

/// A base with adapters applied, as PEFT 0.21.2 runs it. On a tied base (formats/tied_pair.h), an adapter of the input
/// embedding does not change the head, nor one of the head the embedding, unless it sets ensure_weight_tying.
class AppliedAdapters {
 public:
  /// Both arguments must outlive this.
  /// @throws Error (bad input) if an adapter changes a tensor that the base lacks, or shapes do not match
  AppliedAdapters(const Checkpoint& base, std::vector<WeightedAdapter> adapters);

  bool changes(const std::string& tensor) const { return by_tensor_.contains(tensor); }
  /// @param tensor  its name in the base (name_in_base())
  /// @param value   its values in the base, in any floating type
  /// @return        the changed values in the same type; `value` itself if no adapter changes it
  at::Tensor apply(const std::string& tensor, const at::Tensor& value) const;
  /// What the adapters add to a tensor that they change, float32, before rounding. Arguments as for apply().
  at::Tensor change(const std::string& tensor, const at::Tensor& value) const;
  /// The base's tensor of this name or an equivalent one (formats/tensor_names.h). For half of a tied pair: the tensor
  /// that both share.
  /// @throws Error (bad input) if there is none
  const StoredTensor& base_tensor(const std::string& name) const;
  /// The tensor's name in the base. Both halves of a tied pair have their own names, even if only one tensor is stored.
  /// @throws Error as base_tensor()
  std::string name_in_base(const std::string& name) const;
  /// Whether the adapters untie a head that the base ties to its embedding.
  bool unties_head() const;

 private:
  struct Change {
    const Adapter* adapter;
    double factor;
    const LoraModule* module;                // of a weight; or
    const StoredTensor* replaced = nullptr;  // the whole tensor that the adapter stores; or
    const LoraModule* bias_of = nullptr;     // whose bias is added
    bool transposed = false;                 // the weight is stored [in, out]
    bool operator==(const Change&) const = default;
  };
  struct Halves;
  bool is_embedding(const std::string& name) const { return name == pair_.embedding_name; }
  bool is_head(const std::string& name) const { return name == pair_.head_name; }
  void check_unchanged(const Adapter& adapter) const;
  void add(const WeightedAdapter& weighted);
  Change lora_change(const WeightedAdapter& weighted, const LoraModule& module) const;
  Change saved_change(const WeightedAdapter& weighted, const SavedTensor& saved) const;
  void add_to_both(const Change& change);
  at::Tensor delta(const Change& change, const at::Tensor& original) const;

  const Checkpoint& base_;
  const TiedPair& pair_;
  std::map<std::string, std::vector<Change>> by_tensor_;
};

/// Adapters as the user names them, "DIR" or "DIR:0.5".
struct OpenAdapters {
  std::vector<std::unique_ptr<Adapter>> adapters;
  std::vector<WeightedAdapter> weighted;
};
/// "DIR:0.5" as DIR and 0.5, DIR alone as DIR and 1. A folder whose whole name exists is never split.
/// @param option  for the error: "--adapter"
/// @throws Error (usage) for a weight that is no number
std::pair<std::string, double> split_weight(const std::string& name, const std::string& option);
/// @throws Error as split_weight() and Adapter do
OpenAdapters open_adapters(const std::vector<std::string>& names);

/// Writes the base with the adapters merged into `folder` (exists). If they untie the head, both weights are written,
/// and config.json says so.
void merge_adapters(const Checkpoint& base, const std::vector<WeightedAdapter>& adapters,
                    const std::filesystem::path& folder, Access access = Access::normal);

}  // namespace lethe
