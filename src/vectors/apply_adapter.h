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

namespace lethe {

/// An adapter and how much of it: 1 merges it, −α negates it. The factor applies to all that it changes; each adapter's
/// change is that from the base, also where several change one weight.
struct WeightedAdapter {
  const Adapter* adapter;
  double factor = 1.0;
};

class AppliedAdapters {
 public:
  /// Both outlive this. @throws Error (bad input) if an adapter changes what the base lacks, or shapes do not fit
  AppliedAdapters(const Checkpoint& base, std::vector<WeightedAdapter> adapters);

  bool changes(const std::string& tensor) const { return by_tensor_.contains(tensor); }
  /// @param value  the base's values under this name, in any floating type
  /// @return       the changed values in the same type; `value` itself where no adapter is on it
  at::Tensor apply(const std::string& tensor, const at::Tensor& value) const;
  /// The base's tensor behind a name of the model, with or without its leading "model." or "transformer.".
  /// @throws Error (bad input) if there is none
  const StoredTensor& base_tensor(const std::string& name) const;
  /// Whether the input embedding changes while the head is tied to it: the head moves too.
  bool moves_tied_head() const { return moves_tied_head_; }

 private:
  struct Change {
    const Adapter* adapter;
    double factor;
    const LoraModule* module;                // of a weight; or
    const StoredTensor* replaced = nullptr;  // the tensor that stands in the adapter as a whole; or
    const LoraModule* bias_of = nullptr;     // whose bias is added
    bool transposed = false;                 // the weight is stored [in, out]
  };
  void check_unchanged(const Adapter& adapter) const;
  void add(const WeightedAdapter& weighted);
  at::Tensor delta(const Change& change, const at::Tensor& original) const;

  const Checkpoint& base_;
  std::map<std::string, std::vector<Change>> by_tensor_;
  bool moves_tied_head_ = false;
};

/// Adapters named by a user, "DIR" or "DIR:0.5".
struct OpenAdapters {
  std::vector<std::unique_ptr<Adapter>> adapters;
  std::vector<WeightedAdapter> weighted;
};
/// @throws Error (usage) for a weight that is no number, or as Adapter does
OpenAdapters open_adapters(const std::vector<std::string>& names);

/// The checkpoint with adapters folded in, into `folder` (exists).
void merge_adapters(const Checkpoint& base, const std::vector<WeightedAdapter>& adapters,
                    const std::filesystem::path& folder);

}  // namespace lethe
