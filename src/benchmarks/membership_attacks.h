// Membership attacks on a forget set: can an attacker tell it from texts that the model never saw?
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "benchmarks/result.h"
#include "metrics/response_tokens.h"

namespace lethe {

/// The scores of one text; higher: rather not trained on.
struct AttackScores {
  double loss = 0;                  ///< nats a token
  double zlib = 0;                  ///< nats a token and compressed byte
  double min_k = 0;                 ///< Min-40%, nats
  double min_k_plus_plus = 0;       ///< Min-40%++
  std::optional<double> reference;  ///< loss minus that of a reference model, nats a token

  /// Adds the scores to a row of rows.jsonl.
  void put(OrderedJson& row) const;
};

/// @param tokens     with moments
/// @param text       the text of these tokens
/// @param reference  loss under the reference model
AttackScores attack_scores(const ResponseTokens& tokens, const std::string& text, std::optional<double> reference);

/// Adds the AUC of each attack (mia_loss, mia_zlib, …) and privleak. Without holdout, or without the retain model's
/// AUC, they are nothing, and a note says so.
/// @param retained  mia_min_k of the retain model
void add_attack_figures(BenchmarkResult& result, std::span<const AttackScores> forget,
                        std::span<const AttackScores> holdout, std::optional<double> retained);

/// The entry of one text in reference_losses(), or nothing without a reference.
std::optional<double> reference_loss(std::span<const double> losses, std::size_t text);

}  // namespace lethe
