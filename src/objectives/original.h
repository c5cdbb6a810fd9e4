// What the original model computes on training pairs, without a second copy of the model.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "objectives/responses.h"

namespace lethe {

/// Something that a model computes at the response tokens of a pack, without gradient: [N, …].
using ResponseFunction = std::function<at::Tensor(const CausalLM& model, const PackedExamples& packed)>;

/// The hidden states that predict the response tokens: [N, E].
at::Tensor final_states(const CausalLM& model, const PackedExamples& packed);
/// The loss of each response token, nats: [N] float.
at::Tensor response_losses(const CausalLM& model, const PackedExamples& packed);

class Original {
 public:
  virtual ~Original() = default;
  /// The original's values at the response tokens of these pairs, in their order: [N, …].
  virtual at::Tensor values(std::span<const Pair> pairs) = 0;
};

/// With LoRA the weights never change: the original is the same model with its adapters switched off.
class AdapterOffOriginal : public Original {
 public:
  /// All outlive this.
  AdapterOffOriginal(CausalLM& model, ExampleMaker& examples, ResponseFunction function)
      : model_(model), examples_(examples), function_(std::move(function)) {}
  at::Tensor values(std::span<const Pair> pairs) override;

 private:
  CausalLM& model_;
  ExampleMaker& examples_;
  ResponseFunction function_;
};

/// For full tuning: computed once, before the first step (when θ = θ_o), for every pair that will be needed.
class StoredOriginal : public Original {
 public:
  /// @param examples  outlives this
  StoredOriginal(ExampleMaker& examples, ResponseFunction function)
      : examples_(examples), function_(std::move(function)) {}
  /// Computes and keeps the values of these pairs, each once. The model must hold the original's weights.
  /// @param kind  of answers, for the progress: "normal"
  /// @throws Error (interrupted) if the user asked to stop
  void add(const CausalLM& model, std::span<const Pair> pairs, const std::string& kind);
  /// @throws Error if a pair was not among those given
  at::Tensor values(std::span<const Pair> pairs) override;

 private:
  /// A pair as the model sees it: its tokens, and where the response begins. Prompt and response alone cannot
  /// distinguish two chats that end in the same turn.
  using Row = std::pair<std::vector<int>, std::size_t>;
  static Row row_of(const Example& example) { return {example.ids, example.response_begin}; }
  ExampleMaker& examples_;
  ResponseFunction function_;
  std::map<Row, at::Tensor> stored_;
};

}  // namespace lethe
