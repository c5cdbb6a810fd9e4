// Batched decoding with a key/value cache: waiting prompts take the place of rows that end.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "generation/sampling.h"
#include "models/causal_lm.h"

namespace lethe {

struct GenerationOptions {
  std::int64_t max_new_tokens = 100;
  SamplingOptions sampling;
  std::vector<int> stop_ids;  ///< a row ends before one of these
  std::uint64_t seed = 8888;  ///< each row draws from its own stream (seed, "generate", row)
  std::int64_t batch = 32;    ///< rows decoded at a time
  /// Fewer rows at a time if their cache would be larger; 0: 1 GiB on a CPU, half of the free memory on a GPU.
  std::int64_t cache_bytes = 0;
  /// Called with each new token and its prompt's index as soon as it is chosen, stop tokens excepted. False ends the
  /// row.
  std::function<bool(std::size_t row, int token)> token;
  /// Called after each row that ends, with the number of ended rows so far. May throw to stop.
  std::function<void(std::size_t)> progress;
};

struct Generated {
  std::vector<int> ids;  ///< new tokens, without the stop token
  bool stopped = false;  ///< ended by a stop token, not by max_new_tokens or the model's positions
};

/// Answers in the order of the prompts. Greedy answers depend on the batch only through float rounding.
/// @throws Error (bad input) for a prompt that is empty, exceeds the model's positions, or has an id outside the
/// vocabulary
std::vector<Generated> generate(const CausalLM& model, std::span<const std::vector<int>> prompts,
                                const GenerationOptions& options);

}  // namespace lethe
