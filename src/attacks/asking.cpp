#include "attacks/asking.h"

#include "core/messages.h"
#include "evaluation/answering.h"

namespace lethe {

bool leaves_room(const std::vector<int>& ids, const AttackMeter& meter) {
  const EvaluationOptions& options = meter.options();
  const auto wanted = static_cast<std::int64_t>(ids.size()) + wanted_room(options.max_new_tokens, options.positions);
  return options.positions == 0 || wanted <= options.positions;
}

std::vector<std::string> answers_to(const std::vector<std::vector<int>>& prompts, const CausalLM& model,
                                    const AttackMeter& meter, const SamplingOptions& sampling,
                                    const std::string& title) {
  std::vector<std::vector<int>> asked;
  for (const std::vector<int>& ids : prompts) {
    if (!ids.empty()) asked.push_back(ids);
  }
  GenerationOptions options = answering_options(meter.options());
  options.sampling = sampling;
  Progress progress(title, asked.size(), "answers");
  options.progress = [&](std::size_t done) { progress.update(done); };
  const std::vector<Generated> generated = generate(model, asked, options);
  std::vector<std::string> answers;
  std::size_t next = 0;
  for (const std::vector<int>& ids : prompts)
    answers.push_back(ids.empty() ? "" : meter.tokenizer().decode(generated[next++].ids));
  return answers;
}

std::vector<std::vector<std::string>> one_answer_each(const std::vector<std::vector<int>>& prompts,
                                                      const CausalLM& model, const AttackMeter& meter,
                                                      const std::string& title, const std::string& begin) {
  std::vector<std::vector<std::string>> answers(prompts.size());
  const std::vector<std::string> texts = answers_to(prompts, model, meter, {}, title);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    if (!prompts[i].empty()) answers[i] = {begin + texts[i]};
  }
  return answers;
}

}  // namespace lethe
