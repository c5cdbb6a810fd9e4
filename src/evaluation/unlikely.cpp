// Scores answers under the original. Unlikely text is often broken, but not always: see docs/reference/metrics.md.
#include <algorithm>

#include "evaluation/evaluation.h"

namespace lethe {

std::optional<double> unlikely_bound(const ModelResult& result) {
  std::vector<double> means;
  for (const auto& [name, set] : sets_of(result)) {
    for (const Perplexity& prompt : set->references_by_prompt) {
      if (prompt.tokens > 0) means.push_back(prompt.mean());
    }
  }
  if (means.empty()) return std::nullopt;
  std::sort(means.begin(), means.end());
  return means[(means.size() - 1) * 98 / 100];
}

void score_answers(const CausalLM& original, const Tokenizer& tokenizer, ModelResult& result, double above,
                   const EvaluationOptions& options) {
  const auto longest = static_cast<std::size_t>(original.spec().max_positions);
  result.unlikely_above = above;
  for (SetResult* set : {&result.seen, &result.unseen, &result.other, &result.normal, &result.safe, &result.contrast}) {
    std::vector<Example> examples;
    for (const JudgedAnswer& answer : set->answers) {
      examples.push_back(encode_example(tokenizer, &options.layout, answer.prompt, answer.response,
                                        {.append_eos = false, .max_length = longest}, answer.before));
    }
    const std::vector<Perplexity> scores = kept_perplexities(options.store, original, examples);
    std::size_t unlikely = 0, cases = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if (scores[i].tokens == 0) continue;
      set->answers[i].under_original = scores[i];
      ++cases;
      unlikely += scores[i].mean() > above;
    }
    set->unlikely = proportion(unlikely, cases);
  }
}

}  // namespace lethe
