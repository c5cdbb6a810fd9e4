// What a model predicts at each token of a given response.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "models/causal_lm.h"
#include "prompts/template.h"

namespace lethe {

/// One entry a response token, teacher-forced.
struct ResponseTokens {
  std::vector<double> log_probabilities;  ///< of the right token, nats
  std::vector<char> right;                ///< 1: the likeliest token is the right one
  std::vector<double> means, variances;   ///< of log p under the model's own distribution; empty unless asked for
  /// Mean of −log p over the tokens, nats; 0 for none.
  double loss() const;
};

struct ResponseTokensOptions {
  bool moments = false;  ///< fills means and variances
  std::function<void(std::size_t groups)> progress;
};

/// @param groups  each one prompt's responses, which share its computation
/// @return        one entry for each example of each group
/// @throws Error if an example has no prompt token or no response token
std::vector<std::vector<ResponseTokens>> response_tokens(const CausalLM& model,
                                                         std::span<const std::vector<Example>> groups,
                                                         const ResponseTokensOptions& options = {});

}  // namespace lethe
