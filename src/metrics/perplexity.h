// Perplexity of reference responses.
#pragma once

#include <span>

#include "models/causal_lm.h"
#include "text/template.h"

namespace lethe {

struct Perplexity {
  double nll = 0;           ///< Σ over response tokens, nats
  std::int64_t tokens = 0;  ///< response tokens
  double mean() const { return tokens == 0 ? 0 : nll / static_cast<double>(tokens); }
  double value() const;  ///< e^mean
};

/// Teacher-forced, over the response tokens of all examples together.
Perplexity perplexity(const CausalLM& model, std::span<const Example> examples);

}  // namespace lethe
