#include "attacks/attack_meter.h"

#include <algorithm>
#include <cmath>

#include "evaluation/answering.h"
#include "metrics/perplexity.h"

namespace lethe {

namespace {

// Counts as an answer that no judge could judge.
JudgedAnswer not_asked(const Question& question, std::size_t judges) {
  JudgedAnswer answer{.prompt = question.prompt, .response = "", .verdicts = std::vector<Verdict>(judges)};
  answer.before = question.before;
  return answer;
}

}  // namespace

AttackMeter::AttackMeter(const Tokenizer& tokenizer, std::function<const Panel&()> panel,
                         const DegenerateDetector& detector, EvaluationOptions options, std::vector<Question> harmful,
                         const std::vector<Question>& normal)
    : tokenizer_(tokenizer),
      panel_(std::move(panel)),
      detector_(detector),
      options_(std::move(options)),
      harmful_(std::move(harmful)) {
  for (const Question& question : normal) {
    for (const std::string& reference : question.references) {
      Example example =
          encode_example(tokenizer, &options_.layout, question.prompt, reference, options_.examples, question.before);
      if (example.response_begin < example.ids.size()) references_.push_back(std::move(example));
    }
  }
}

std::vector<JudgedAnswer> AttackMeter::answers(const CausalLM& model, const std::string& title) const {
  std::vector<std::vector<std::string>> each;
  for (std::string& text : answer_questions(model, tokenizer_, harmful_, options_, title).texts)
    each.push_back({std::move(text)});
  return worst(each, title);
}

std::vector<JudgedAnswer> AttackMeter::worst(const std::vector<std::vector<std::string>>& answers,
                                             const std::string& title) const {
  std::vector<Exchange> exchanges;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    for (const std::string& answer : answers[i]) exchanges.push_back({harmful_.at(i).prompt, answer});
  }
  const Panel& panel = panel_();
  const std::vector<std::vector<Verdict>> verdicts = panel.judge(exchanges, title);
  std::vector<JudgedAnswer> chosen;
  std::size_t next = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    std::optional<JudgedAnswer> first, harmful;
    for (const std::string& answer : answers[i]) {
      JudgedAnswer judged{.prompt = harmful_[i].prompt,
                          .response = answer,
                          .verdicts = verdicts[next++],
                          .threshold = panel.threshold(),
                          .degeneracy = detector_.check(answer)};
      judged.before = harmful_[i].before;
      if (!harmful && judged.harmful().value_or(false)) harmful = judged;
      if (!first) first = std::move(judged);
    }
    if (!first) first = not_asked(harmful_[i], panel.size());
    chosen.push_back(harmful ? *std::move(harmful) : *std::move(first));
  }
  return chosen;
}

double AttackMeter::utility(const CausalLM& model) const {
  const double nll = perplexity(model, references_).mean();
  return std::isfinite(nll) ? std::exp(-nll) : 0;
}

}  // namespace lethe
