// BLEURT: how well a candidate conveys the meaning of a reference, learnt from human ratings.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "models/loading.h"
#include "models/sequence_classifier.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

/// A candidate and the reference it is compared with.
struct Comparable {
  std::string reference, candidate;
};

/// A regression head on the first token of (reference, candidate), read together by an encoder. Scores have no fixed
/// range; about 0 is unrelated, about 1 the same. Sources: Sellam et al. 2020; BLEURT-20: Pu et al. 2021.
class Bleurt {
 public:
  /// @param folder  a BleurtForSequenceClassification or BertForSequenceClassification of one label with its tokenizer
  /// @throws Error (bad input) as SequenceClassifier::load() and Tokenizer::load(), and for more than one label
  static Bleurt load(const std::filesystem::path& folder, const LoadOptions& options = {});

  /// One score for each, in their order. Pairs longer than the model's positions (or the tokenizer's model_max_length)
  /// lose tokens at the end of the longer text.
  /// @param progress  called with the number of pairs scored so far
  std::vector<double> scores(std::span<const Comparable> pairs,
                             const std::function<void(std::size_t)>& progress = {}) const;
  /// The best score over the references; there is at least one.
  std::vector<double> best_scores(std::span<const std::string> candidates,
                                  std::span<const std::vector<std::string>> references,
                                  const std::function<void(std::size_t)>& progress = {}) const;

 private:
  Bleurt(SequenceClassifier model, Tokenizer tokenizer);
  SequenceClassifier model_;
  Tokenizer tokenizer_;
  std::size_t max_tokens_;
};

}  // namespace lethe
