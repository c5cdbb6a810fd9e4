// Membership attacks: scores of how foreign a text is to a model. A higher score means: rather not trained on.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace lethe {

/// Mean loss a token over the text's length after compression: nats per byte. Source: Carlini et al. 2021.
/// @param loss  mean over tokens, nats
double zlib_score(double loss, std::string_view text);

/// Bytes of the text as zlib.compress() of Python writes it.
std::size_t zlib_bytes(std::string_view text);

/// Min-k%: −mean of the lowest max(1, ⌊share · n⌋) values. 0 for no value. Source: Shi et al. 2023.
/// @param values  log-probabilities of the tokens, nats; for Min-k%++ normalised_log_probability() of each
double min_k_score(std::span<const double> values, double share);

/// Min-k%++ of one token: (log p − μ) / √max(σ², 1e-6). Source: Zhang et al. 2024.
/// @param mean, variance  μ and σ² of log p under the model's own distribution at this place
double normalised_log_probability(double log_probability, double mean, double variance);

/// AUC of an attack: the probability that a text of the holdout scores above one of the forget set (ties count half).
/// 1: the forget set is known to the model; 0.5: the attacker guesses. Nothing if a set is empty.
std::optional<double> membership_auc(std::span<const double> forget, std::span<const double> holdout);

/// PrivLeak of MUSE: 100 · (A − A_retrain) / A_retrain, where A is the share of pairs in which the *forget* text scores
/// higher, 1 − membership_auc(). Negative: the model still knows the forget set better than the retrained one;
/// positive: it avoids it conspicuously. Nothing if A_retrain is 0. Source: Shi et al. 2024, as its code computes it.
std::optional<double> privacy_leak(double auc, double auc_retrained);

}  // namespace lethe
