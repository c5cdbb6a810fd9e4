// Writes an evaluation: its figures for results.json, and every answer for predictions.jsonl.
#include <algorithm>

#include "core/json.h"
#include "evaluation/evaluation.h"
#include "evaluation/figures.h"

namespace lethe {

OrderedJson to_json(const Proportion& rate) {
  return {{"rate", rate.rate}, {"low", rate.low}, {"high", rate.high}, {"hits", rate.hits}, {"cases", rate.cases}};
}

namespace {

OrderedJson choices_json(const ChoiceResult& result) {
  OrderedJson json = {{"right", to_json(result.right)}, {"chance", result.chance}};
  if (result.true_mass.count > 0) json["mc2"] = to_json(result.true_mass);
  return json;
}

// @param withheld  whether the first judge decides nothing
// @param failed    judges whose rates are null
OrderedJson set_json(const SetResult& set, bool harmful, const std::vector<std::string>& judges, bool withheld,
                     const std::vector<std::string>& failed) {
  OrderedJson json = {{"prompts", set.answers.size()}};
  if (harmful) {
    json["harmful"] = withheld ? OrderedJson() : to_json(set.harmful);
    OrderedJson& by_judge = json["by_judge"] = OrderedJson::object();
    for (std::size_t j = 0; j < set.judged.size(); ++j) {
      if ((withheld && j == 0) || std::find(failed.begin(), failed.end(), judges[j]) != failed.end()) {
        by_judge[judges[j]] = nullptr;
        continue;
      }
      by_judge[judges[j]] = to_json(set.judged[j].harmful);
      by_judge[judges[j]]["unjudged"] = set.judged[j].unjudged;
    }
  }
  json["refusing"] = to_json(set.refusing);
  if (set.ended.cases > 0) json["ended"] = to_json(set.ended);
  if (set.scores) {
    json["rouge_l"] = set.scores->plain.rouge_l.value;
    json["correct"] = to_json(set.correct);
    json["likeness"] = to_json(*set.scores);
  }
  json["degenerate"] = to_json(set.degenerate);
  for (std::size_t n = 0; n < set.distinct.size(); ++n)
    json["distinct_" + std::to_string(n + 1)] = set.distinct[n].share();
  if (set.unlikely) json["unlikely_under_original"] = to_json(*set.unlikely);
  if (set.references.tokens > 0) {
    json["reference_nll"] = set.references.mean();
    json["reference_perplexity"] = set.references.value();
    json["reference_perplexity_low"] = set.references_interval.low;
    json["reference_perplexity_high"] = set.references_interval.high;
    json["reference_tokens"] = set.references.tokens;
  }
  return json;
}

OrderedJson json_of(const std::optional<double>& value) {
  return value ? OrderedJson(*value) : OrderedJson();
}

OrderedJson verdicts_json(const JudgedAnswer& answer, const std::vector<std::string>& judges) {
  OrderedJson json = OrderedJson::object();
  for (std::size_t j = 0; j < answer.verdicts.size(); ++j) {
    const Verdict& verdict = answer.verdicts[j];
    OrderedJson& entry = json[judges[j]] = {{"harm", json_of(verdict.harm)}};
    if (!verdict.label.empty()) entry["label"] = verdict.label;
    if (!verdict.reason.empty()) entry["reason"] = verdict.reason;
  }
  return json;
}

}  // namespace

OrderedJson to_json(const ModelResult& result, const std::vector<std::string>& judges,
                    const std::vector<std::string>& failed) {
  OrderedJson json = {{"figures", to_json(figures_of(result))}};
  const bool withheld = !result.judge_withheld.empty();
  for (const Figure& figure : figures()) {
    const bool asked = figure.judged == nullptr || !(result.*figure.judged).answers.empty();
    if (withheld && is_of_harm(figure) && asked) json["figures"][figure.name] = nullptr;
  }
  for (const auto& [name, set] : sets_of(result)) {
    const bool of_the_paper = name == "seen" || name == "unseen" || name == "normal";
    if (of_the_paper || !set->answers.empty())
      json[name] = set_json(*set, name == "seen" || name == "unseen" || name == "other", judges, withheld, failed);
  }
  if (result.letters.right.cases > 0) json["choices"] = choices_json(result.letters);
  if (result.truthful.right.cases > 0) json["truthful_qa"] = choices_json(result.truthful);
  if (result.text) {
    json["text"] = {{"perplexity", result.text->text.value()},
                    {"low", result.text_interval.low},
                    {"high", result.text_interval.high},
                    {"texts", result.text->by_text.size()},
                    {"perplexity_as_documented", result.text->documented},
                    {"nll", result.text->text.mean()},
                    {"tokens", result.text->text.tokens}};
  }
  if (result.unlikely_above) json["unlikely_above_nll"] = *result.unlikely_above;
  const auto kl = [&](const std::string& name, const std::optional<double>& value, const Interval& interval) {
    if (!value) return;
    json["normal"][name] = *value;
    json["normal"][name + "_low"] = interval.low;
    json["normal"][name + "_high"] = interval.high;
  };
  kl("kl_from_original_train", result.kl_train, result.kl_train_interval);
  kl("kl_from_original_test", result.kl_test, result.kl_test_interval);
  return json;
}

std::string prediction_lines(const std::string& model, const ModelResult& result,
                             const std::vector<std::string>& judges) {
  std::string lines;
  for (const auto& [name, set] : sets_of(result)) {
    for (const JudgedAnswer& answer : set->answers) {
      OrderedJson line = {{"model", model}, {"set", name}, {"prompt", answer.prompt}, {"response", answer.response}};
      for (const ChatMessage& turn : answer.before)
        line["before"].push_back({{"role", turn.role}, {"content", turn.content}});
      if (answer.scores) {
        line["rouge_l"] = answer.scores->plain.rouge_l.f1;
        const LearnedScores& learned = answer.scores->learned;
        if (learned.bleurt) line["bleurt"] = *learned.bleurt;
        if (learned.similarity) line["similarity"] = *learned.similarity;
        line["correct"] = answer.scores->correct;
      }
      if (!answer.verdicts.empty()) {
        const std::optional<bool> harmful = result.judge_withheld.empty() ? answer.harmful() : std::nullopt;
        line["harm"] = json_of(answer.verdicts[0].harm);
        line["harmful"] = harmful ? OrderedJson(*harmful) : OrderedJson();
        line["judges"] = verdicts_json(answer, judges);
      }
      if (answer.under_original) line["nll_under_original"] = answer.under_original->mean();
      line["ended"] = answer.ended;
      line["refuses"] = answer.refuses;
      line["degenerate"] = word_of(answer.degeneracy);
      lines += dump_json(line) + "\n";
    }
  }
  return lines;
}

}  // namespace lethe
