#include "benchmarks/membership_attacks.h"

#include "metrics/membership.h"

namespace lethe {
namespace {

constexpr double kLowestShare = 0.4;  // of Min-k and Min-k++, as in MUSE and OpenUnlearning

std::optional<double> auc_of(std::span<const AttackScores> forget, std::span<const AttackScores> holdout,
                             double AttackScores::*score) {
  std::vector<double> a, b;
  for (const AttackScores& text : forget) a.push_back(text.*score);
  for (const AttackScores& text : holdout) b.push_back(text.*score);
  return membership_auc(a, b);
}

std::optional<double> reference_auc(std::span<const AttackScores> forget, std::span<const AttackScores> holdout) {
  std::vector<double> a, b;
  for (const AttackScores& text : forget) {
    if (text.reference) a.push_back(*text.reference);
  }
  for (const AttackScores& text : holdout) {
    if (text.reference) b.push_back(*text.reference);
  }
  return membership_auc(a, b);
}

}  // namespace

void AttackScores::put(OrderedJson& row) const {
  row["zlib"] = zlib;
  row["min_k"] = min_k;
  row["min_k_plus_plus"] = min_k_plus_plus;
  if (reference) row["reference"] = *reference;
}

AttackScores attack_scores(const ResponseTokens& tokens, const std::string& text, std::optional<double> reference) {
  AttackScores scores;
  scores.loss = tokens.loss();
  scores.zlib = zlib_score(scores.loss, text);
  scores.min_k = min_k_score(tokens.log_probabilities, kLowestShare);
  std::vector<double> normalised;
  for (std::size_t i = 0; i < tokens.means.size(); ++i)
    normalised.push_back(normalised_log_probability(tokens.log_probabilities[i], tokens.means[i], tokens.variances[i]));
  scores.min_k_plus_plus = min_k_score(normalised, kLowestShare);
  if (reference) scores.reference = scores.loss - *reference;
  return scores;
}

void add_attack_figures(BenchmarkResult& result, std::span<const AttackScores> forget,
                        std::span<const AttackScores> holdout, std::optional<double> retained) {
  const auto add = [&](const std::string& name, std::optional<double> auc) { result.add(name, auc, {name}); };
  const std::optional<double> min_k = auc_of(forget, holdout, &AttackScores::min_k),
                              reference = reference_auc(forget, holdout),
                              leak = min_k && retained ? privacy_leak(*min_k, *retained) : std::nullopt;
  add("mia_loss", auc_of(forget, holdout, &AttackScores::loss));
  add("mia_zlib", auc_of(forget, holdout, &AttackScores::zlib));
  add("mia_min_k", min_k);
  add("mia_min_k_plus_plus", auc_of(forget, holdout, &AttackScores::min_k_plus_plus));
  add("mia_reference", reference);
  add("privleak", leak);
  if (forget.empty()) return;  // the caller says which file is missing
  if (holdout.empty()) {
    result.notes.emplace_back("Membership attacks and privleak need texts that no model was trained on (the holdout).");
    return;
  }
  if (!reference) result.notes.emplace_back("mia_reference needs a model that never saw the forget set (--reference).");
  if (!retained) {
    result.notes.emplace_back("privleak needs the retain model's results with mia_min_k (--retain).");
  } else if (min_k && !leak) {
    result.notes.emplace_back("privleak has no value: the retain model's mia_min_k is 1, and privleak divides by 0.");
  }
}

std::optional<double> reference_loss(std::span<const double> losses, std::size_t text) {
  return text < losses.size() ? std::optional(losses[text]) : std::nullopt;
}

}  // namespace lethe
