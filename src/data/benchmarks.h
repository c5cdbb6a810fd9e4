// Benchmarks that are not prompt-response data: multiple choice (MMLU, WMDP, TruthfulQA) and safe prompts that look
// unsafe (XSTest).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/questions.h"

namespace lethe {

enum class ChoiceKind { letters, truthful_qa };

/// A multiple-choice question in scoring form: "context choice", joined by one space.
struct ChoiceQuestion {
  ChoiceKind kind = ChoiceKind::letters;
  std::string question, context;
  std::vector<std::string> choices;       ///< each text once
  std::vector<std::size_t> single;        ///< choices with one right answer (MMLU's letters, TruthfulQA's MC1)
  std::size_t answer = 0;                 ///< the right one of `single`
  std::vector<std::size_t> right, wrong;  ///< choices with several right answers (TruthfulQA's MC2); may be empty
  std::string subject;                    ///< as in the context; "": none
  std::string source;
  std::uint64_t line = 0;
  std::uint64_t index = 0;  ///< of the row in its file, from 0
};

struct LoadedChoices {
  std::vector<ChoiceQuestion> questions;
  std::vector<FileReport> files;
};

/// Reads multiple-choice questions and writes their prompts as lm-evaluation-harness does:
/// * MMLU, WMDP: `question`, `choices` (a list, or columns A, B, C, D), `answer` (from 0, or a letter), optional
///   `subject` (WMDP: from the file name). Prompt: "The following are multiple choice questions (with answers) about
///   {subject}.", the question, "A. …" to "D. …", "Answer:"; the choices are the letters.
/// * TruthfulQA: `question` with `mc1_targets` and `mc2_targets`, each {choices, labels} or {text: label}; or the CSV's
///   columns, where MC1 is Best Answer against Incorrect Answers and MC2 Correct Answers against Incorrect Answers,
///   split at ";". Each prompt begins with six answered questions (Lin et al. 2022, "QA prompt").
/// @param subject  of the rows that name none; "": WMDP's from the file name
/// @throws Error (bad input) if a file cannot be read, its columns are unknown, or it has no usable question
LoadedChoices load_choices(std::span<const DataSource> sources, const ReadOptions& options = {},
                           const std::string& subject = "");

struct LoadedSafetyPrompts {
  std::vector<Question> safe, unsafe;
  std::vector<FileReport> files;
};

/// Reads XSTest's prompts: `prompt`, and `label` (safe or unsafe) or else `type` (contrast_… is unsafe, as in the first
/// version of the data).
/// @throws Error as load_choices()
LoadedSafetyPrompts load_safety_prompts(std::span<const DataSource> sources, const ReadOptions& options = {});

}  // namespace lethe
