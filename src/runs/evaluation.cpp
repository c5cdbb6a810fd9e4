#include "runs/evaluation.h"

#include <algorithm>

#include "core/error.h"
#include "core/random.h"
#include "core/terminal.h"
#include "data/words.h"
#include "generation/generate.h"
#include "metrics/rouge.h"
#include "models/stop_tokens.h"

namespace lethe {
namespace {

std::vector<std::string> answer(const CausalLM& model, const Tokenizer& tokenizer,
                                const std::vector<Question>& questions, const EvaluationOptions& options,
                                const std::string& title) {
  std::vector<std::vector<int>> prompts;
  for (const Question& question : questions)
    prompts.push_back(encode_prompt(tokenizer, options.layout, question.prompt));
  GenerationOptions generation;
  generation.max_new_tokens = options.max_new_tokens;
  generation.stop_ids = options.stop_ids;
  generation.seed = options.seed;
  generation.batch = 32;
  Progress progress(title, prompts.size(), "answers");
  generation.progress = [&](std::size_t done) { progress.update(done); };
  std::vector<std::string> answers;
  for (const Generated& generated : generate(model, prompts, generation))
    answers.push_back(tokenizer.decode(generated.ids));
  return answers;
}

bool contains_reference(const std::string& response, const std::vector<std::string>& references) {
  const std::string text = normal_form(response);
  return std::any_of(references.begin(), references.end(), [&](const std::string& reference) {
    const std::string wanted = normal_form(reference);
    return !wanted.empty() && text.find(wanted) != std::string::npos;
  });
}

Perplexity reference_perplexity(const CausalLM& model, const Tokenizer& tokenizer,
                                const std::vector<Question>& questions, const EvaluationOptions& options) {
  std::vector<Example> examples;
  for (const Question& question : questions) {
    for (const std::string& reference : question.references) {
      Example example = encode_example(tokenizer, &options.layout, question.prompt, reference, options.examples);
      if (example.response_begin < example.ids.size()) examples.push_back(std::move(example));
    }
  }
  return perplexity(model, examples);
}

std::vector<Exchange> exchanges(const std::vector<Question>& questions, const std::vector<std::string>& responses) {
  std::vector<Exchange> list;
  for (std::size_t i = 0; i < questions.size(); ++i) list.push_back({questions[i].prompt, responses[i]});
  return list;
}

SetResult evaluate_set(const CausalLM& model, const Tokenizer& tokenizer, const std::vector<Question>& questions,
                       const Panel* panel, const DegenerateDetector& detector, const EvaluationOptions& options,
                       const std::string& title) {
  SetResult result;
  if (questions.empty()) return result;
  const std::vector<std::string> responses = answer(model, tokenizer, questions, options, title);
  std::vector<std::vector<Verdict>> verdicts;
  if (panel != nullptr) verdicts = panel->judge(exchanges(questions, responses), title);
  std::size_t degenerate = 0, refusing = 0, correct = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    JudgedAnswer judged{questions[i].prompt, responses[i]};
    judged.degeneracy = detector.check(responses[i]);
    if (panel != nullptr) {
      judged.verdicts = std::move(verdicts[i]);
      judged.threshold = panel->threshold();
    } else {
      judged.rouge_l = rouge(responses[i], questions[i].references, {.stem = false}).rouge_l.f1;
      judged.correct = contains_reference(responses[i], questions[i].references);
    }
    degenerate += judged.degeneracy != Degeneracy::none;
    refusing += is_refusal(responses[i]);
    correct += judged.correct;
    result.rouge_l += judged.rouge_l / static_cast<double>(questions.size());
    result.answers.push_back(std::move(judged));
  }
  for (std::size_t j = 0; panel != nullptr && j < panel->size(); ++j)
    result.judged.push_back(judged_share(result.answers, j));
  if (!result.judged.empty()) result.harmful = result.judged[0].harmful;
  result.degenerate = proportion(degenerate, questions.size());
  result.refusing = proportion(refusing, questions.size());
  result.correct = proportion(correct, questions.size());
  result.references = reference_perplexity(model, tokenizer, questions, options);
  return result;
}

}  // namespace

std::optional<bool> JudgedAnswer::harmful(std::size_t judge) const {
  if (degeneracy != Degeneracy::none) return false;
  const std::optional<double>& harm = verdicts.at(judge).harm;
  if (!harm) return std::nullopt;
  return *harm > threshold;
}

JudgedShare judged_share(const std::vector<JudgedAnswer>& answers, std::size_t judge) {
  std::size_t harmful = 0, unjudged = 0;
  for (const JudgedAnswer& answer : answers) {
    const std::optional<bool> verdict = answer.harmful(judge);
    harmful += verdict.value_or(false);
    unjudged += !verdict.has_value();
  }
  return {proportion(harmful, answers.size() - unjudged), unjudged};
}

EvaluationOptions evaluation_options(const Recipe& recipe, const Checkpoint& checkpoint) {
  EvaluationOptions options;
  options.layout = Template::parse(recipe.data.response_template);
  options.prompts = static_cast<std::size_t>(recipe.evaluation.prompts);
  options.max_new_tokens = recipe.evaluation.max_new_tokens;
  options.examples = example_options(recipe);
  options.stop_ids = stop_tokens(checkpoint.folder());
  options.seed = recipe.seed;
  return options;
}

ModelResult evaluate_model(const CausalLM& model, const Tokenizer& tokenizer, const EvaluationSets& sets,
                           const Panel& panel, const DegenerateDetector& detector, const EvaluationOptions& options,
                           const std::string& title) {
  ModelResult result;
  const auto chosen = [&](const std::vector<Question>& all) {
    return choose_questions(all, options.prompts, options.seed);
  };
  result.seen =
      evaluate_set(model, tokenizer, chosen(sets.seen), &panel, detector, options, title + ": seen harmful prompts");
  result.unseen = evaluate_set(model, tokenizer, chosen(sets.unseen), &panel, detector, options,
                               title + ": unseen harmful prompts");
  result.normal =
      evaluate_set(model, tokenizer, chosen(sets.normal), nullptr, detector, options, title + ": normal prompts");
  return result;
}

std::vector<Question> choose_questions(const std::vector<Question>& questions, std::size_t count, std::uint64_t seed) {
  if (questions.size() <= count) return questions;
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  for (std::size_t i = 0; i < questions.size(); ++i) order.emplace_back(stable_hash(questions[i].prompt, seed), i);
  std::sort(order.begin(), order.end());
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < count; ++i) places.push_back(order[i].second);
  std::sort(places.begin(), places.end());
  std::vector<Question> chosen;
  for (const std::size_t place : places) chosen.push_back(questions[place]);
  return chosen;
}

}  // namespace lethe
