// The slider of the page: sets an unlearned model to another α in place.
#pragma once

#include <memory>
#include <vector>

#include "formats/checkpoint.h"
#include "models/causal_lm.h"
#include "models/lora.h"
#include "runs/compare_data.h"
#include "tensors/device.h"

namespace lethe {

/// Factors of the two halves of a contrast's adapter: 0 or 1.
struct VectorParts {
  double safe = 1, harm = 1;
  bool operator==(const VectorParts&) const = default;
};

/// θ(α) = θ_o + (α/α_run)·(θ_run − θ_o) of a finished run, as `lethe sweep` measures it. Every α is computed from the
/// files of the original and of the run, never from the weights of the α before, so that no error adds up.
///
/// LoRA: the adapters stay beside the weights, and α is their scale: nothing is computed. Full tuning: each tensor is
/// computed in float32 and rounded once to the compute dtype. At α_run it is the run's stored tensor, at 0 the
/// original's, bit for bit. Elsewhere the stored tensors' own rounding is scaled by α/α_run.
class AlphaDial {
 public:
  /// Opens the files. @param original  folder of θ_o @throws Error (bad input) if one of them is none of a model
  AlphaDial(const ComparedRun& run, const std::filesystem::path& original, const Compute& compute);

  /// Makes the model of a LoRA run the original with the run's adapter beside its weights. That of a fully tuned run
  /// must hold the run's weights already. Call it once, before set().
  /// @throws Error as load_model() and attach_lora()
  void attach(CausalLM& model);
  /// @param alpha  finite, not negative
  /// @param parts  both 1, unless ComparedRun::has_halves()
  /// @throws Error if a weight would not be finite; the model then has the run's stored α and both parts
  void set(CausalLM& model, double alpha, VectorParts parts = {});

  /// Of the model. NaN only while set() runs, or after one that failed and could not restore the run's weights.
  double alpha() const { return alpha_; }
  VectorParts parts() const { return parts_; }

 private:
  void apply(CausalLM& model, double ratio, VectorParts parts);
  void scale_adapters(double ratio, VectorParts parts);
  void compute_weights(CausalLM& model, double ratio);

  Checkpoint original_;
  Compute compute_;
  double stored_alpha_, alpha_;
  VectorParts parts_;
  std::filesystem::path adapter_folder_;
  std::unique_ptr<Checkpoint> tuned_;  // full tuning: the run's model
  std::vector<NamedLora> pairs_;       // LoRA: in the model
  std::vector<LoraPair> stored_;       // as the adapter's files have them
};

}  // namespace lethe
