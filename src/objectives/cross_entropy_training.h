// Standard language-model training on responses: the loss of `finetune`.
#pragma once

#include <functional>

#include "objectives/objective.h"
#include "objectives/responses.h"

namespace lethe {

/// Mean cross-entropy over all response tokens of the batch, nats (as in transformers).
class CrossEntropyObjective : public Objective {
 public:
  CrossEntropyObjective(CausalLM& model, ExampleMaker& examples, std::function<std::vector<Pair>(std::uint64_t)> rows)
      : model_(model), examples_(examples), rows_(std::move(rows)) {}

  StepLoss loss(std::uint64_t micro) override;
  std::vector<std::string> terms() const override { return {"ce"}; }

 private:
  CausalLM& model_;
  ExampleMaker& examples_;
  std::function<std::vector<Pair>(std::uint64_t)> rows_;
};

}  // namespace lethe
