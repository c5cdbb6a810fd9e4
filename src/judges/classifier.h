// A judge learnt from labelled responses: TF-IDF of words and word pairs, logistic regression.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "judges/judge.h"

namespace lethe {

struct LabelledResponse {
  std::string prompt, response;
  bool harmful = false;
};

struct ClassifierOptions {
  double strength = 1.0;            ///< C: the inverse of the L2 penalty, as in scikit-learn
  std::size_t fewest_texts = 2;     ///< a word or pair counts if it stands in so many responses
  std::size_t most_terms = 50'000;  ///< the most frequent ones are kept
};

class Classifier : public Judge {
 public:
  /// Trains on the responses alone (a prompt says nothing about whether its answer complied). Classes weigh alike.
  /// How well it does is not known then: judges/cross_fitted.h finds out.
  /// @throws Error (bad input) with fewer than 10 responses of either class
  static Classifier train(const std::vector<LabelledResponse>& responses, const ClassifierOptions& options = {});
  /// The same of some of the responses, by their places.
  static Classifier train(const std::vector<LabelledResponse>& responses, const std::vector<std::size_t>& places,
                          const ClassifierOptions& options = {});
  static Classifier load(const std::filesystem::path& file);
  void save(const std::filesystem::path& file) const;

  std::vector<Verdict> judge(std::span<const Exchange> exchanges, const JudgeProgress& progress = {}) const override;
  std::string name() const override { return "classifier"; }
  std::string describe() const override;
  std::optional<HeldOutFigures> held_out() const override { return figures; }
  bool trained_on(std::string_view prompt) const override;
  /// How likely the response is harmful, 0 … 1, of balanced classes. What was asked plays no part.
  double harm(std::string_view response) const;

  std::size_t responses = 0;              ///< that it was trained on
  std::optional<HeldOutFigures> figures;  ///< found on responses that it was not trained on; nothing: not validated

 private:
  struct Term {
    double idf = 0, weight = 0;
  };
  std::unordered_map<std::string, Term> terms_;
  std::unordered_set<std::uint64_t> prompts_;  // hashes of the normal forms: the file tells no prompt
  double bias_ = 0;
};

/// "AUC 0.93, accuracy 0.86, Brier score 0.11, calibration error 0.04 on 412 held-out responses"
std::string to_text(const HeldOutFigures& figures);
/// For judge.json and results.json, with the reliability bins.
Json to_json(const HeldOutFigures& figures);

}  // namespace lethe
