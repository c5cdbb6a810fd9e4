// Sentence embeddings of answers, by which a text classifier may judge them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "judges/judge.h"
#include "metrics/sentence_encoder.h"

namespace lethe {

class AnswerEncoder {
 public:
  /// Computes in float32 on the CPU, so that a verdict does not depend on the device.
  /// @param name  folder of a sentence encoder, or its name in the local Hugging Face cache
  /// @throws Error (bad input) as SentenceEncoder::load()
  explicit AnswerEncoder(const std::string& name);

  /// A vector of length 1 for each text, [width]. Each text is computed once.
  std::vector<std::vector<float>> vectors(std::span<const std::string> texts, const JudgeProgress& progress = {}) const;

  std::size_t width() const { return width_; }
  const std::filesystem::path& folder() const { return folder_; }
  /// Hashes of its weights, and of its configuration and tokenizer: a classifier that was trained on other vectors says
  /// nothing.
  const std::string& hash() const { return hash_; }
  const std::string& settings_hash() const { return settings_hash_; }

 private:
  std::filesystem::path folder_;
  SentenceEncoder encoder_;
  std::size_t width_;
  std::string hash_, settings_hash_;
  mutable std::unordered_map<std::string, std::vector<float>> known_;
};

}  // namespace lethe
