// The tensors of a tuned checkpoint by the names of its base.
#pragma once

#include <map>
#include <string>

#include "core/error.h"
#include "formats/checkpoint.h"
#include "formats/tied_pair.h"

namespace lethe {

/// Whether arithmetic changes the tensor: floating-point values that were learned.
bool is_weight(const TensorSpec& tensor);

class TunedTensors {
 public:
  /// Both checkpoints must outlive this.
  /// @param doing  begins the error: "cannot negate"
  /// @throws Error (bad input) naming a tensor that only one side has, except half of a tied pair
  TunedTensors(const Checkpoint& base, const Checkpoint& tuned, const std::string& doing);

  /// Whether the base ties its head and the tuned checkpoint does not: the result has a separate head.
  bool unties_head() const;
  /// nullptr if there is none
  const StoredTensor* find(const std::string& base_name) const;

 private:
  const StoredTensor* of(const StoredTensor& tensor, const Checkpoint& tuned) const;
  const TiedPair &ours_, &theirs_;
  std::map<std::string, const StoredTensor*> by_name_;
};

/// @param side  where the tensor is: "in the base"
Error only_on_one_side(const std::string& doing, const Checkpoint& base, const std::string& tensor,
                       const std::string& side);
/// @param found  type and shape of the other side
Error shapes_differ(const std::string& doing, const Checkpoint& base, const TensorSpec& tensor,
                    const std::string& found);

}  // namespace lethe
