#include "metrics/multiple_choice.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "metrics/grouped_scoring.h"
#include "nn/token_losses.h"

namespace lethe {
namespace {

Example encode_choice(const Tokenizer& tokenizer, const ChoiceQuestion& question, const std::string& choice,
                      std::size_t context_tokens, std::int64_t positions) {
  Example example;
  example.ids = tokenizer.encode(question.context + " " + choice).ids;
  example.response_begin = std::max<std::size_t>(context_tokens, 1);
  if (example.ids.size() <= example.response_begin) {
    throw bad_input("cannot score a choice")
        .with("row", question.source + ", line " + with_commas(question.line))
        .wanted("at least one token after the question")
        .found("'" + excerpt(choice) + "'");
  }
  if (positions > 0 && static_cast<std::int64_t>(example.ids.size()) > positions) {
    const std::size_t surplus = example.ids.size() - static_cast<std::size_t>(positions);
    example.ids.erase(example.ids.begin(), example.ids.begin() + static_cast<std::ptrdiff_t>(surplus));
    example.response_begin = std::max<std::size_t>(example.response_begin, surplus + 1) - surplus;
  }
  return example;
}

}  // namespace

std::vector<std::vector<double>> choice_scores(const CausalLM& model, const Tokenizer& tokenizer,
                                               std::span<const ChoiceQuestion> questions,
                                               const std::function<void(std::size_t)>& progress) {
  std::vector<std::vector<double>> scores(questions.size());
  const Head head = model.head();
  const auto examples = [&](std::size_t i) {
    const ChoiceQuestion& question = questions[i];
    const std::size_t context_tokens = tokenizer.encode(question.context).ids.size();
    std::vector<Example> group;
    for (const std::string& choice : question.choices)
      group.push_back(encode_choice(tokenizer, question, choice, context_tokens, model.spec().max_positions));
    return group;
  };
  const auto take = [&](const ScoredPack& pack) {
    const at::Tensor found =
        log_probabilities(pack.states, head, pack.packed.targets).to(at::kCPU, at::kDouble).contiguous();
    const double* value = found.const_data_ptr<double>();
    std::size_t span = 0;
    for (std::size_t i = pack.begin; i < pack.end; ++i) {
      for (std::size_t j = 0; j < questions[i].choices.size(); ++j, ++span) {
        double sum = 0;
        for (std::int64_t k = pack.packed.spans[span].begin; k < pack.packed.spans[span].end; ++k) sum += value[k];
        scores[i].push_back(sum);
      }
    }
  };
  score_groups(model, questions.size(), examples, take, progress);
  return scores;
}

ChosenAnswer choose(const ChoiceQuestion& question, std::span<const double> scores) {
  ChosenAnswer answer;
  if (!question.single.empty()) {
    const std::size_t likeliest =
        *std::max_element(question.single.begin(), question.single.end(),
                          [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
    answer.right = likeliest == question.answer;
  }
  if (!question.right.empty()) {
    double largest = -INFINITY;
    for (const auto* list : {&question.right, &question.wrong}) {
      for (const std::size_t choice : *list) largest = std::max(largest, scores[choice]);
    }
    double right = 0, all = 0;
    for (const auto* list : {&question.right, &question.wrong}) {
      for (const std::size_t choice : *list) {
        const double mass = std::exp(scores[choice] - largest);
        all += mass;
        right += list == &question.right ? mass : 0;
      }
    }
    answer.true_mass = right / all;
  }
  return answer;
}

ChoiceResult choice_result(std::span<const ChoiceQuestion> questions, std::span<const std::vector<double>> scores) {
  ChoiceResult result;
  std::size_t right = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const ChosenAnswer answer = choose(questions[i], scores[i]);
    if (!questions[i].single.empty()) {
      result.answers.push_back(answer.right);
      right += answer.right;
      result.chance += 1.0 / static_cast<double>(questions[i].single.size());
    }
    if (!questions[i].right.empty()) result.masses.push_back(answer.true_mass);
  }
  result.right = proportion(right, result.answers.size());
  if (!result.answers.empty()) result.chance /= static_cast<double>(result.answers.size());
  result.true_mass = mean_of(result.masses);
  return result;
}

}  // namespace lethe
