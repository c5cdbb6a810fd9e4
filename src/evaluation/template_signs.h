// Signs that a model is prompted with another template than it was trained with. Its answers then mean little.
#pragma once

#include <string>
#include <vector>

#include "evaluation/evaluation.h"

namespace lethe {

/// Warnings, one sentence each with its figures, from the answers of the model before unlearning:
/// * The tokenizer has a chat template, but another one is in use.
/// * Answers repeat parts of a template ("### ", "<|im_start|>") that their prompts do not contain.
/// * Hardly an answer ends before max_new_tokens. Looked at only if the model should know an end: it has a chat
///   template, or data.append_eos is set.
/// * Many answers are empty or repeat themselves.
/// * The model finds its own greedy answers unlikely, where they were scored (JudgedAnswer::under_original).
/// Signs in answers need at least 10 answers.
/// @param name  of the model in these sentences: "original"
std::vector<std::string> template_signs(const ModelResult& model, const EvaluationOptions& options,
                                        const std::string& name = "original");

/// The first of these warnings alone, which needs no answer; "" if it does not apply.
/// @param text  of the template in use (Template::text())
/// @param has_chat_template  whether the tokenizer has one
std::string other_than_chat_template(const std::string& text, bool has_chat_template);

}  // namespace lethe
