// Gives a whole text labels or a score: an encoder or the decoder with a classification head.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "models/causal_lm.h"
#include "models/encoder.h"
#include "models/loading.h"

namespace lethe {

/// What the logits mean: scores as they are, one label of several, or any number of labels.
enum class Problem { regression, single_label, multi_label };

class SequenceClassifier {
 public:
  /// Reads …ForSequenceClassification. An encoder applies `classifier` to the pooled first token (RoBERTa: after its
  /// own dense layer). A decoder applies `score` to the last token that is not padding.
  /// @throws Error (bad input) as load_model() and load_encoder(), and if the head is missing or id2label is broken
  static SequenceClassifier load(const Checkpoint& checkpoint, const LoadOptions& options = {});

  /// @param batch_tokens  tokens of one forward pass; a longer row gets its own pass
  /// @return [B, labels] on the CPU, float32 (float64 if the weights are)
  /// @param progress      called with the number of rows done so far
  /// @throws Error (bad input) for a row that is empty or longer than max_tokens()
  at::Tensor logits(std::span<const TypedRow> rows, std::int64_t batch_tokens = 4096,
                    const std::function<void(std::size_t)>& progress = {}) const;
  /// Softmax, sigmoid, or the scores themselves, as problem() says. @param logits [B, labels]
  at::Tensor probabilities(const at::Tensor& logits) const;

  /// id2label, in the order of the logits.
  const std::vector<std::string>& labels() const { return labels_; }
  /// problem_type; if missing, regression for one label, else single_label.
  Problem problem() const { return problem_; }
  /// Longest row, tokens; 0: the architecture sets no limit.
  std::int64_t max_tokens() const;
  /// Whether the model uses the types of a pair's tokens.
  bool uses_types() const;

 private:
  SequenceClassifier(std::variant<Encoder, CausalLM> body, const Checkpoint& checkpoint, const LoadOptions& options);
  at::Tensor pack_logits(std::span<const TypedRow> rows) const;

  std::variant<Encoder, CausalLM> body_;
  Linear dense_, head_;  // dense_: of RoBERTa's head
  std::vector<std::string> labels_;
  Problem problem_ = Problem::single_label;
  std::optional<int> padding_;
};

/// Ends of consecutive runs of rows that hold at most `batch_tokens` tokens (or one row).
std::vector<std::size_t> batch_ends(std::span<const TypedRow> rows, std::int64_t batch_tokens);

}  // namespace lethe
