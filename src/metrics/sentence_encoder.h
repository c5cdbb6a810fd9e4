// Sentence embeddings and their similarity, from sentence-transformers folders or a bare encoder.
#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "models/encoder.h"
#include "models/loading.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

/// How a text's hidden states become one vector; several are concatenated in this order.
struct Pooling {
  bool first_token = false, maximum = false, mean = false, mean_root = false;  ///< mean_root: Σ h / √tokens
};

class SentenceEncoder {
 public:
  /// Reads modules.json with its Transformer, Pooling and Normalize (other modules are refused by name),
  /// sentence_bert_config.json and the default prompt. Without modules.json: the mean of a bare encoder's hidden
  /// states.
  /// @throws Error (bad input) as load_encoder() and Tokenizer::load(), or for unknown settings
  static SentenceEncoder load(const std::filesystem::path& folder, const LoadOptions& options = {});

  /// @param progress  called with the number of texts encoded so far
  /// @return [N, width], float32 on the CPU (float64 if the weights are). Texts are cut at the folder's
  ///         max_seq_length.
  at::Tensor embed(std::span<const std::string> texts, const std::function<void(std::size_t)>& progress = {}) const;
  /// The highest cosine similarity of each candidate to one of its references; there is at least one.
  std::vector<double> best_cosines(std::span<const std::string> candidates,
                                   std::span<const std::vector<std::string>> references,
                                   const std::function<void(std::size_t)>& progress = {}) const;

 private:
  SentenceEncoder(Encoder encoder, Tokenizer tokenizer);
  at::Tensor pool(const at::Tensor& hidden, const EncoderBatch& batch) const;

  Encoder encoder_;
  Tokenizer tokenizer_;
  Pooling pooling_{.mean = true};
  bool normalize_ = false;
  std::string prompt_;  // before each text
  std::size_t max_tokens_;
};

}  // namespace lethe
