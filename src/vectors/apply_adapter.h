// Adapters folded into weights: W + Σ factor·scale·B·A, in float32, rounded once.
#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "formats/adapter.h"
#include "formats/checkpoint.h"
#include "formats/tied_pair.h"

namespace lethe {

/// An adapter and how much of it: 1 merges it, −α negates it. The factor applies to all that it changes; each adapter's
/// change is that from the base, also where several change one weight.
struct WeightedAdapter {
  const Adapter* adapter;
  double factor = 1.0;
};

/// What adapters make of a base, as PEFT 0.21.2 runs it. On a tied base (formats/tied_pair.h) an adapter of the input
/// embedding leaves the head as it was, and one of the head leaves the embedding, unless it says ensure_weight_tying.
class AppliedAdapters {
 public:
  /// Both outlive this. @throws Error (bad input) if an adapter changes what the base lacks, or shapes do not fit
  AppliedAdapters(const Checkpoint& base, std::vector<WeightedAdapter> adapters);

  bool changes(const std::string& tensor) const { return by_tensor_.contains(tensor); }
  /// @param tensor  the base's name of it (name_in_base())
  /// @param value   the base's values of it, in any floating type
  /// @return        the changed values in the same type; `value` itself where no adapter is on it
  at::Tensor apply(const std::string& tensor, const at::Tensor& value) const;
  /// The base's tensor of this meaning (formats/tensor_names.h); of half a tied pair: the one that both share.
  /// @throws Error (bad input) if there is none
  const StoredTensor& base_tensor(const std::string& name) const;
  /// What the base calls it. Both halves of a tied pair have a name of their own, also where one tensor is stored.
  /// @throws Error as base_tensor()
  std::string name_in_base(const std::string& name) const;
  /// Whether the base's head is tied to its embedding and theirs is not any more.
  bool unties_head() const;

 private:
  struct Change {
    const Adapter* adapter;
    double factor;
    const LoraModule* module;                // of a weight; or
    const StoredTensor* replaced = nullptr;  // the tensor that stands in the adapter as a whole; or
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

/// Adapters named by a user, "DIR" or "DIR:0.5".
struct OpenAdapters {
  std::vector<std::unique_ptr<Adapter>> adapters;
  std::vector<WeightedAdapter> weighted;
};
/// @throws Error (usage) for a weight that is no number, or as Adapter does
OpenAdapters open_adapters(const std::vector<std::string>& names);

/// The checkpoint with adapters folded in, into `folder` (exists): it computes what the base computes with them. Where
/// they untie the head, both weights are written and config.json says so.
void merge_adapters(const Checkpoint& base, const std::vector<WeightedAdapter>& adapters,
                    const std::filesystem::path& folder);

}  // namespace lethe
