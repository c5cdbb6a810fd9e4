#include "evaluation/answering.h"

#include <algorithm>

#include "core/error.h"
#include "core/terminal.h"
#include "core/trimmed.h"
#include "evaluation/answer_server.h"
#include "evaluation/kept_outputs.h"
#include "judges/judge.h"

namespace lethe {
namespace {

// Compares the first tokens of some answers with those that the weights give. A server that runs another model would
// lead to figures of that model. Rounding differs between servers, so that not every answer has to agree.
void check_served_model(const AnswerServer& server, const CausalLM& model, const Tokenizer& tokenizer,
                        const std::vector<std::vector<int>>& prompts, GenerationOptions options) {
  const std::size_t compared = std::min<std::size_t>(8, prompts.size());
  options.max_new_tokens = std::min<std::int64_t>(options.max_new_tokens, 6);
  options.progress = {};
  std::vector<std::vector<int>> some;
  for (std::size_t n = 0; n < compared; ++n) some.push_back(prompts[n * prompts.size() / compared]);
  const std::vector<ServedAnswer> served = server.fresh_answers(some, options.max_new_tokens, options.stop_ids);
  const std::vector<Generated> own = generate(model, some, options);
  std::size_t same = 0;
  for (std::size_t n = 0; n < compared; ++n) {
    const std::string text(trimmed(tokenizer.decode(own[n].ids)));
    same += text.empty() ? trimmed(served[n].text).empty() : trimmed(served[n].text).starts_with(text);
  }
  if (2 * same >= compared) return;
  throw bad_input("the server of --endpoint seems to run another model")
      .with("model", excerpt(server.name()))
      .with("at", server.host())
      .wanted("answers that begin as those of the weights given with --model or --original")
      .found("the same beginning in " + std::to_string(same) + " of " + std::to_string(compared))
      .hint("--served-model and --served-original: the server's names of these models");
}

}  // namespace

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
  if (options.server != nullptr && !prompts.empty()) {
    const std::vector<ServedAnswer> served =
        options.server->answers(prompts, generation.max_new_tokens, generation.stop_ids, generation.progress,
                                [&] { check_served_model(*options.server, model, tokenizer, prompts, generation); });
    for (const ServedAnswer& answer : served) {
      answers.texts.push_back(answer.text);
      answers.ended.push_back(answer.ended);
    }
    return answers;
  }
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
