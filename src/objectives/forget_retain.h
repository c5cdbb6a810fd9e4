// The frame of the objectives that forget and retain in one training: L = γ · forget(harmful pairs) + α · retain(normal
// pairs). A subclass adds the forget loss, and rarely a retain loss of its own.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/plan.h"
#include "objectives/objective.h"
#include "objectives/objective_settings.h"
#include "objectives/preservation_divergence.h"

namespace lethe {

/// The inputs of a ForgetRetainObjective. All outlive it.
struct ForgetRetainInputs {
  CausalLM& model;
  ExampleMaker& examples;
  /// The rows of each micro-batch. random[i] holds at most one response, which is preferred to harmful[i]'s own.
  std::function<StepRows(std::uint64_t micro)> rows;
  Reference* reference =
      nullptr;                 ///< θ_o's states: on normal pairs for a KL, on harmful pairs if the method needs them
  Original* losses = nullptr;  ///< θ_o's response_losses() on harmful pairs and preferred responses
};

/// One pack of a micro-batch: the harmful pairs with their preferred responses, then the normal pairs.
struct ForgetRetainPack {
  PackedExamples packed;
  std::vector<Pair> harmful;                 ///< each harmful pair, followed by the pair with the preferred response
  std::vector<Pair> normal;                  ///< the normal pairs
  std::vector<ResponseSpan> own, preferred;  ///< one for each harmful pair; no preferred ones if none was drawn
  std::vector<ResponseSpan> normal_spans;    ///< one for each normal pair
  std::int64_t harmful_responses = 0;        ///< response tokens of harmful prompts: they come first
  std::int64_t harmful_tokens = 0;           ///< tokens of the pack that belong to harmful prompts: they come first
};

/// @param with_normal  whether to pack the normal pairs
/// @throws Error (internal) if only some harmful pairs have a preferred response
ForgetRetainPack pack_forget_retain(const StepRows& rows, ExampleMaker& examples, const CausalLM& model,
                                    bool with_normal);

/// What a loss sees of one micro-batch: responses, the states that predict their tokens, and the original on them.
/// The spans count from the first of these tokens.
class ResponseBatch {
 public:
  ResponseBatch(at::Tensor states, at::Tensor targets, Head head, std::vector<ResponseSpan> own,
                std::vector<ResponseSpan> preferred, std::span<const Pair> pairs, const ForgetRetainInputs& inputs)
      : states(std::move(states)),
        targets(std::move(targets)),
        head(std::move(head)),
        own(std::move(own)),
        preferred(std::move(preferred)),
        pairs_(pairs),
        inputs_(inputs) {}

  const at::Tensor states;                    ///< [N, E], with gradient
  const at::Tensor targets;                   ///< [N] int64
  const Head head;                            ///< with gradient if it trains
  const std::vector<ResponseSpan> own;        ///< of each pair's own response
  const std::vector<ResponseSpan> preferred;  ///< of the response preferred to it; empty if the method has none

  /// The loss of each token, nats, with gradient; computed at the first call. [N] float
  const at::Tensor& losses() const;
  /// The same under the original, without gradient. [N] float @throws Error (internal) if inputs.losses is null
  const at::Tensor& original_losses() const;
  /// The original's states and head. [N, E] @throws Error (internal) if inputs.reference is null
  const at::Tensor& original_states() const;
  Head original_head() const;

 private:
  std::span<const Pair> pairs_;
  const ForgetRetainInputs& inputs_;
  mutable at::Tensor losses_, original_losses_, original_states_;
};

/// Mean over the tokens of all these responses, as transformers averages a batch: a scalar. @param each [N]
at::Tensor mean_over_tokens(const at::Tensor& each, std::span<const ResponseSpan> responses);
/// Sum over the tokens of each response. @return [responses] float64, with the gradient of `each`
at::Tensor sum_of_each(const at::Tensor& each, std::span<const ResponseSpan> responses);
/// Mean over the tokens of each response. @return [responses] float64, with the gradient of `each`
at::Tensor mean_of_each(const at::Tensor& each, std::span<const ResponseSpan> responses);

class ForgetRetainObjective : public Objective {
 public:
  /// @param settings  with the values of objective_settings()
  ForgetRetainObjective(ForgetRetainInputs inputs, const ObjectiveSettings& settings)
      : inputs_(std::move(inputs)), settings_(settings) {}

  StepLoss loss(std::uint64_t micro) override;
  /// "forget" and "retain", and "safe" where settings.safe has a value.
  std::vector<std::string> terms() const override;
  /// The guard's limit is for nats a token. A forget loss has a scale of its own: NPO's begins at (2/β)·ln 2.
  std::set<std::string> rising() const override { return {"forget"}; }
  std::map<std::string, std::string> advice() const override;
  std::string gentler() const override;

 protected:
  /// The forget loss, a scalar with gradient. Its weight γ is applied by the caller.
  virtual at::Tensor forget(const ResponseBatch& batch) = 0;
  /// The retain loss on normal pairs, a scalar with gradient: mean over response tokens of the cross-entropy, or of
  /// KL(P‖Q), P the original. A method with a loss of its own overrides it for RetainLoss::automatic.
  virtual at::Tensor retain(const ResponseBatch& batch);
  /// The states at the response tokens: those that the head turns into logits. Methods that change inner states
  /// override it, and get a reference of the same states.
  virtual at::Tensor states(const PackedExamples& packed) const;
  /// The weights of the two losses, if the method changes them during training.
  virtual double forget_weight(std::uint64_t /*micro*/) const { return settings_.forget.value(); }
  virtual double retain_weight(std::uint64_t /*micro*/) const { return settings_.retain.value(); }

  const ForgetRetainInputs& inputs() const { return inputs_; }
  const ObjectiveSettings& settings() const { return settings_; }

 private:
  ForgetRetainInputs inputs_;
  ObjectiveSettings settings_;
};

/// A forget loss that is a function of the batch and the settings alone: a scalar with gradient, without γ.
using ForgetLoss = at::Tensor (*)(const ResponseBatch& batch, const ObjectiveSettings& settings);

/// The objective of such a loss.
class FormulaObjective : public ForgetRetainObjective {
 public:
  FormulaObjective(ForgetRetainInputs inputs, const ObjectiveSettings& settings, ForgetLoss formula)
      : ForgetRetainObjective(std::move(inputs), settings), formula_(formula) {}

 protected:
  at::Tensor forget(const ResponseBatch& batch) override { return formula_(batch, settings()); }

 private:
  ForgetLoss formula_;
};

}  // namespace lethe
