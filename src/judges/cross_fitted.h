// Cross-fitted text classifiers: for each fold of the prompts, one is trained on the other folds. So no classifier
// judges answers to its training prompts.
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
  double cosine = 0.7;  ///< prompts more similar than this (TF-IDF, transitively) share a fold
  ClassifierOptions classifier;
};

class CrossFittedClassifier : public Judge {
 public:
  /// Similar prompts and prompts with a common answer form a group; groups are assigned to folds. If groups are too
  /// large for balanced folds (prompts made from a pattern), only equal prompts are kept together, and describe() says
  /// so.
  /// @param responses  the training data
  /// @param known      prompts that will be judged, with known answers: they also connect prompts to groups
  /// @throws Error (bad input) if the classes are too small
  static CrossFittedClassifier train(const std::vector<LabelledResponse>& responses, std::span<const Exchange> known,
                                     std::uint64_t seed, const CrossFitOptions& options = {});

  /// Judges an answer with the classifier that was not trained on its prompt's group. For a prompt in no group, uses
  /// the one trained on all.
  std::vector<Verdict> judge(std::span<const Exchange> exchanges, const JudgeProgress& progress = {}) const override;
  std::string name() const override { return "classifier"; }
  std::string describe() const override;
  /// From each response judged by the classifier of its fold.
  std::optional<HeldOutFigures> held_out() const override { return whole_.figures; }
  bool knows_one_topic() const override { return true; }

  /// The classifier trained on all, with the figures of the folds: what `lethe judge train` saves.
  const Classifier& whole() const { return whole_; }

 private:
  const Classifier& for_prompt(std::string_view prompt) const;

  Classifier whole_;
  std::vector<Classifier> folds_;            // folds_[f] was not trained on fold f
  std::map<std::string, std::size_t> fold_;  // normal form of a prompt -> its fold
  bool by_likeness_ = true;
};

}  // namespace lethe
