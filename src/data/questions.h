// Reads questions from data files: prompts with known right and wrong answers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/pairs.h"

namespace lethe {

/// A prompt for evaluation, with its known answers.
struct Question {
  std::string prompt;
  std::vector<std::string> references;  ///< right answers (or the responses of the role), best first; may be empty
  std::vector<std::string> wrong;       ///< answers known to be wrong (TruthfulQA, TOFU's perturbed answers)
  std::string source;
  std::uint64_t line = 0;
  std::vector<ChatMessage> before;  ///< turns of a chat before the prompt
};

/// The distinct prompts of some pairs (a test split), with all their responses as references.
std::vector<Question> questions_of(std::span<const Pair> pairs);

struct LoadedQuestions {
  std::vector<Question> questions;
  std::vector<FileReport> files;
};

/// Reads prompts for evaluation, each once, in order of first appearance; responses are optional.
/// @throws Error as load_pairs()
LoadedQuestions load_questions(std::span<const DataSource> sources, Role role, const ReadOptions& options = {});

}  // namespace lethe
