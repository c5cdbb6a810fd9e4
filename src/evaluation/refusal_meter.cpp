#include "evaluation/refusal_meter.h"

#include <algorithm>

#include "evaluation/answering.h"
#include "evaluation/prompt_length.h"
#include "evaluation/safe_prompts.h"

namespace lethe {
namespace {

constexpr std::size_t kNormalPrompts = 60;

}  // namespace

RefusalMeter::RefusalMeter(const Tokenizer& tokenizer, EvaluationOptions options, const std::vector<Pair>& normal)
    : tokenizer_(tokenizer), options_(std::move(options)) {
  options_.max_new_tokens = kRefusalTokens;
  options_.prompts = kNormalPrompts;
  EvaluationSets sets;
  sets.normal = questions_of(normal);
  sets.safe = safe_prompts(SafePromptPart::choice);
  sets.built_in_safe = true;
  leave_out_long(sets, tokenizer_, options_, nullptr);
  questions_ = choose_questions(sets.normal, kNormalPrompts, options_.seed);
  questions_.insert(questions_.end(), sets.safe.begin(), sets.safe.end());
}

double RefusalMeter::measure(const CausalLM& model, const std::string& title, OutputStore* store) const {
  EvaluationOptions options = options_;
  options.store = store;
  const GreedyAnswers answers = answer_questions(model, tokenizer_, questions_, options, title);
  const auto refusing = std::count_if(answers.texts.begin(), answers.texts.end(),
                                      [&](const std::string& answer) { return refuses(answer, options_); });
  return static_cast<double>(refusing) / static_cast<double>(std::max<std::size_t>(questions_.size(), 1));
}

}  // namespace lethe
