// Perplexity: of responses given their prompts, and of plain text in overlapping windows.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "models/causal_lm.h"
#include "prompts/template.h"

namespace lethe {

struct Perplexity {
  double nll = 0;           ///< Σ over response tokens, nats
  std::int64_t tokens = 0;  ///< response tokens
  double mean() const { return tokens == 0 ? 0 : nll / static_cast<double>(tokens); }
  double value() const;  ///< e^mean
  Perplexity& operator+=(const Perplexity& other);
};

/// Teacher-forced, over the response tokens of each example; one without any has 0 tokens.
std::vector<Perplexity> perplexities(const CausalLM& model, std::span<const Example> examples);
/// The same of all examples together.
Perplexity perplexity(const CausalLM& model, std::span<const Example> examples);

struct TextWindows {
  std::int64_t window = 0;  ///< tokens; 0: the model's positions, but 2,048 at most
  std::int64_t stride = 0;  ///< tokens between the starts of windows; 0: half a window
};

struct TextPerplexity {
  Perplexity text;  ///< every token but the first of each text, once, each with at least window − stride before it (a
                    ///< stride of a whole window leaves out the first token of each window)
  /// The result of the loop in transformers' documentation ("Perplexity of fixed-length models"): each window's mean is
  /// weighted by its new tokens minus one, even if all of them are predicted.
  double documented = 0;
  std::vector<Perplexity> by_text;  ///< `text`, one entry a text
};

/// @param texts  token ids of whole texts; one of fewer than two tokens is not counted
/// @throws Error (usage) if the window exceeds the model's positions, or the stride the window
TextPerplexity text_perplexity(const CausalLM& model, std::span<const std::vector<int>> texts,
                               const TextWindows& windows = {},
                               const std::function<void(std::size_t windows_done)>& progress = {});

}  // namespace lethe
