#include "evaluation/answering.h"

#include "core/terminal.h"
#include "evaluation/kept_outputs.h"
#include "judges/judge.h"

namespace lethe {

GenerationOptions answering_options(const EvaluationOptions& options) {
  GenerationOptions generation;
  generation.max_new_tokens = options.max_new_tokens;
  generation.stop_ids = options.stop_ids;
  generation.seed = options.seed;
  return generation;
}

GreedyAnswers answer_questions(const CausalLM& model, const Tokenizer& tokenizer,
                               const std::vector<Question>& questions, const EvaluationOptions& options,
                               const std::string& title) {
  std::vector<std::vector<int>> prompts;
  for (const Question& question : questions)
    prompts.push_back(encode_prompt(tokenizer, options.layout, question.prompt, question.before));
  GenerationOptions generation = answering_options(options);
  Progress progress(title, prompts.size(), "answers");
  generation.progress = [&](std::size_t done) { progress.update(done); };
  GreedyAnswers answers;
  for (const Generated& generated : kept_answers(options.store, model, prompts, generation)) {
    answers.texts.push_back(tokenizer.decode(generated.ids));
    answers.ended.push_back(generated.stopped);
  }
  return answers;
}

bool refuses(const std::string& answer, const EvaluationOptions& options) {
  return is_refusal(answer) || (options.safe_answers && options.safe_answers->taught(answer));
}

}  // namespace lethe
