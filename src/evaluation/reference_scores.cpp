#include "evaluation/reference_scores.h"

#include <algorithm>

#include "data/words.h"

namespace lethe {
namespace {

bool contains_reference(const std::string& response, const std::vector<std::string>& references) {
  const std::string text = normal_form(response);
  return std::any_of(references.begin(), references.end(), [&](const std::string& reference) {
    const std::string wanted = normal_form(reference);
    return !wanted.empty() && text.find(wanted) != std::string::npos;
  });
}

}  // namespace

AnswerScores scores_of(const std::string& response, const std::vector<std::string>& references) {
  return {rouge(response, references, {.stem = false}),
          rouge(response, references, {.stem = true}),
          bleu_counts(response, references),
          contains_reference(response, references),
          {}};
}

ReferenceScores mean_scores(std::span<const AnswerScores> answers, std::uint64_t seed) {
  const auto mean = [&](Rouge AnswerScores::*words, RougeScore Rouge::*kind) {
    std::vector<double> values;
    for (const AnswerScores& answer : answers) values.push_back((answer.*words.*kind).f1);
    return mean_of(values);
  };
  const auto means = [&](Rouge AnswerScores::*words) {
    return ReferenceScores::Means{mean(words, &Rouge::rouge1), mean(words, &Rouge::rouge2),
                                  mean(words, &Rouge::rouge_l)};
  };
  const auto learned = [&](std::optional<double> LearnedScores::*score) -> std::optional<Mean> {
    std::vector<double> values;
    for (const AnswerScores& answer : answers) {
      if (const auto& value = answer.learned.*score) values.push_back(*value);
    }
    return values.empty() || values.size() < answers.size() ? std::nullopt : std::optional(mean_of(values));
  };
  BleuCounts counts;
  for (const AnswerScores& answer : answers) counts += answer.bleu;
  const auto bleu = [&](std::span<const std::size_t> drawn) {
    BleuCounts sum;
    for (const std::size_t i : drawn) sum += answers[i].bleu;
    return bleu_of(sum);
  };
  return {means(&AnswerScores::plain),
          means(&AnswerScores::stemmed),
          bleu_of(counts),
          bootstrap_interval(answers.size(), bleu, seed),
          learned(&LearnedScores::bleurt),
          learned(&LearnedScores::similarity)};
}

OrderedJson to_json(const Mean& mean) {
  return {{"mean", mean.value}, {"low", mean.value - mean.half_width}, {"high", mean.value + mean.half_width}};
}

OrderedJson to_json(const ReferenceScores& scores) {
  const auto rouge = [](const ReferenceScores::Means& means) {
    return OrderedJson{
        {"rouge_1", to_json(means.rouge1)}, {"rouge_2", to_json(means.rouge2)}, {"rouge_l", to_json(means.rouge_l)}};
  };
  OrderedJson json = rouge(scores.plain);
  json["stemmed"] = rouge(scores.stemmed);
  json["bleu"] = {{"score", scores.bleu}, {"low", scores.bleu_interval.low}, {"high", scores.bleu_interval.high}};
  if (scores.bleurt) json["bleurt"] = to_json(*scores.bleurt);
  if (scores.similarity) json["similarity"] = to_json(*scores.similarity);
  return json;
}

}  // namespace lethe
