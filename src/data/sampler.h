// Chooses the rows of each step: every row once an epoch, in an order that depends only on seed and position.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/random.h"
#include "data/plan.h"

namespace lethe {

/// Endless shuffled passes over `count` items, addressable by position: at(p) is item p mod count of epoch p / count,
/// whatever the earlier calls. Keeps the current pass in memory (8 bytes an item). Not thread-safe.
class EpochOrder {
 public:
  /// @param purpose  names the stream, so that two orders with the same seed differ
  EpochOrder(std::size_t count, std::uint64_t seed, std::string purpose);

  /// @throws Error if there are no items
  std::size_t at(std::uint64_t position);
  std::size_t count() const { return count_; }

 private:
  std::size_t count_;
  std::uint64_t seed_;
  std::string purpose_;
  std::uint64_t epoch_ = ~std::uint64_t{0};
  std::vector<std::size_t> order_;
};

/// Responses to draw from for random disassociation: each text once.
class ResponsePool {
 public:
  explicit ResponsePool(std::span<const Pair> pairs);

  /// k different responses, excluding `pair.response` and all responses in the pool to the same prompt (ignoring case
  /// and white space). Takes O(k + responses of that prompt).
  /// @throws Error (bad input) if the pool holds too few
  std::vector<std::string> draw(const Pair& pair, std::size_t k, RandomStream& stream) const;
  /// The number of different responses that can be drawn for a pair.
  std::size_t available(const Pair& pair) const;
  std::size_t size() const { return texts_.size(); }

 private:
  std::vector<std::size_t> forbidden(const Pair& pair) const;
  std::vector<std::string> texts_;
  std::unordered_map<std::string, std::size_t> index_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_prompt_;
};

struct SamplerOptions {
  std::size_t batch = 2;  ///< harmful pairs, and normal pairs, per step
  std::size_t k = 5;      ///< random responses per harmful pair; 0 = none
  std::uint64_t seed = 8888;
  /// The draws come from the harmful responses of other prompts (SKU), or from normal answers (GA + mismatch).
  enum class Draw { harmful, normal } draw = Draw::harmful;
};

/// The rows of step 0, 1, 2, …: a function of (pairs, options, step) alone, so a resumed run sees the same rows. Either
/// list may be empty; its part of the rows is then empty. Not thread-safe.
class StepSampler {
 public:
  /// @throws Error (bad input) if fewer than k responses can be drawn for a harmful pair
  StepSampler(std::vector<Pair> harmful, std::vector<Pair> normal, const SamplerOptions& options);

  StepRows rows(std::uint64_t step);

 private:
  std::vector<Pair> harmful_, normal_;
  SamplerOptions options_;
  EpochOrder harmful_order_, normal_order_;
  ResponsePool pool_;
};

}  // namespace lethe
