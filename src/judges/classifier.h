// A judge trained on labelled responses: logistic regression on TF-IDF of content words and their pairs, on whether the
// response refuses, and if there is an encoder on the response's sentence embedding.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "data/tfidf.h"
#include "judges/answer_encoder.h"
#include "judges/judge.h"

namespace lethe {

struct LabelledResponse {
  std::string prompt, response;
  bool harmful = false;
};

struct ClassifierOptions {
  double strength = 1.0;  ///< C: the inverse of the L2 penalty, as in scikit-learn
  double strength_with_encoder = 10;
  std::size_t fewest_texts = 2;     ///< a word or pair counts if at least this many responses contain it
  std::size_t most_terms = 50'000;  ///< the most frequent ones are kept
  /// Harmless texts that are learned beside the data's own harmless responses (judges/house_lessons.h).
  std::vector<std::string> harmless{};
  double harmless_share = 0.4;                     ///< their share of the harmless class's weight
  std::shared_ptr<const AnswerEncoder> encoder{};  ///< of the embeddings; null: without
};

class Classifier : public Judge {
 public:
  /// Trains on the responses alone (a prompt does not show whether its answer complied), with balanced class weights.
  /// This does not measure its quality; judges/cross_fitted.h does.
  /// @throws Error (bad input) with fewer than 10 responses of either class
  static Classifier train(const std::vector<LabelledResponse>& responses, const ClassifierOptions& options = {});
  /// Trains on some of the responses, by index.
  static Classifier train(const std::vector<LabelledResponse>& responses, const std::vector<std::size_t>& places,
                          const ClassifierOptions& options = {});
  /// @throws Error (bad input) if the file is broken, or its encoder is missing or has other weights
  static Classifier load(const std::filesystem::path& file);
  void save(const std::filesystem::path& file) const;

  std::vector<Verdict> judge(std::span<const Exchange> exchanges, const JudgeProgress& progress = {}) const override;
  std::string name() const override { return "classifier"; }
  std::string describe() const override;
  std::optional<HeldOutFigures> held_out() const override { return figures; }
  bool trained_on(std::string_view prompt) const override;
  bool knows_one_topic() const override { return true; }
  /// The probability that the response is harmful, 0 … 1, for balanced classes. The prompt is not used.
  double harm(const std::string& response) const;

  std::size_t responses = 0;              ///< number of training responses
  std::optional<HeldOutFigures> figures;  ///< measured on held-out responses; nothing: not validated

 private:
  std::vector<SparseVector> features(std::span<const std::string> texts, const JudgeProgress& progress = {}) const;
  // Adds embeddings and refusals to the rows of terms.
  void add_further(std::span<const std::string> texts, std::vector<SparseVector>& rows,
                   const JudgeProgress& progress = {}) const;
  std::size_t embedding_width() const { return encoder_ ? encoder_->width() : 0; }
  double probability(const SparseVector& features) const;

  Tfidf terms_;
  std::shared_ptr<const AnswerEncoder> encoder_;  // may be null
  std::vector<double> weights_;                   // per term, then per value of the embedding, by index
  double refusal_ = 0;                            // weight of a refusal
  std::unordered_set<std::uint64_t> prompts_;     // hashes of the normal forms, so that the file reveals no prompt
  double bias_ = 0;
};

/// "AUC 0.93, accuracy 0.86, Brier score 0.11, calibration error 0.04 on 412 held-out responses"
std::string to_text(const HeldOutFigures& figures);
/// For judge.json and results.json, with the reliability bins.
Json to_json(const HeldOutFigures& figures);

}  // namespace lethe
