// Text classifiers that judge no answer to a prompt that they learnt from: one is trained for each fold of the prompts,
// on the other folds.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "judges/classifier.h"

namespace lethe {

struct CrossFitOptions {
  std::size_t folds = 5;
  double cosine = 0.7;  ///< prompts more alike than this (TF-IDF, transitively) share a fold
  ClassifierOptions classifier;
};

class CrossFittedClassifier : public Judge {
 public:
  /// Prompts that are alike, or that have an answer in common, form a group; groups are dealt to folds. Where groups
  /// are so large that no fold could be left out (prompts made by a pattern), only equal prompts are kept together, and
  /// describe() says so.
  /// @param responses  what to learn from
  /// @param known      prompts that will be asked, and answers known of them: they too tie prompts together
  /// @throws Error (bad input) if the classes are too small
  static CrossFittedClassifier train(const std::vector<LabelledResponse>& responses, std::span<const Exchange> known,
                                     std::uint64_t seed, const CrossFitOptions& options = {});

  /// An answer is judged by the classifier that learnt nothing from its prompt's group; to a prompt of no group, by the
  /// one trained on all.
  std::vector<Verdict> judge(std::span<const Exchange> exchanges, const JudgeProgress& progress = {}) const override;
  std::string name() const override { return "classifier"; }
  std::string describe() const override;
  /// Each response judged by the classifier of its fold.
  std::optional<HeldOutFigures> held_out() const override { return whole_.figures; }

  /// The classifier trained on all, with the figures of the folds: what `lethe judge train` saves.
  const Classifier& whole() const { return whole_; }

 private:
  const Classifier& for_prompt(std::string_view prompt) const;

  Classifier whole_;
  std::vector<Classifier> folds_;            // folds_[f] learnt nothing from fold f
  std::map<std::string, std::size_t> fold_;  // normal form of a prompt -> its fold
  bool by_likeness_ = true;
};

}  // namespace lethe
