// A model in memory as it would be in four bits, for as long as it is measured.
#pragma once

#include <utility>
#include <vector>

#include "models/causal_lm.h"

namespace lethe {

/// While it lives, each matrix of the model's layers holds Q(W + Σ scale·B·A): Q is NF4 in blocks of 64 (nn/nf4.h), and
/// the adapters are part of the weight. Embeddings, head, norms and biases stay as they are, as in the usual loaders.
/// Afterwards the model is what it was, to the bit. Memory: the layers' matrices once more.
/// The model must not hold packed weights. Its weights must not be changed meanwhile.
class Nf4Form {
 public:
  /// @throws Error with ExitCode::interrupted after Ctrl-C; the model is then as before
  explicit Nf4Form(CausalLM& model);
  ~Nf4Form();
  Nf4Form(const Nf4Form&) = delete;
  Nf4Form& operator=(const Nf4Form&) = delete;

 private:
  void give_back();

  CausalLM& model_;
  bool adapters_on_;
  std::vector<std::pair<Linear*, at::Tensor>> before_;
};

}  // namespace lethe
