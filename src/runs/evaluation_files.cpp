// What an evaluation leaves in files: figures for results.json, and every answer for predictions.jsonl.
#include "core/json.h"
#include "runs/evaluation.h"

namespace lethe {

OrderedJson to_json(const Proportion& rate) {
  return {{"rate", rate.rate}, {"low", rate.low}, {"high", rate.high}, {"hits", rate.hits}, {"cases", rate.cases}};
}

namespace {

OrderedJson set_json(const SetResult& set, bool harmful, const std::vector<std::string>& judges) {
  OrderedJson json = {{"prompts", set.answers.size()}};
  if (harmful) {
    json["harmful"] = to_json(set.harmful);
    OrderedJson& by_judge = json["by_judge"] = OrderedJson::object();
    for (std::size_t j = 0; j < set.judged.size(); ++j) {
      by_judge[judges[j]] = to_json(set.judged[j].harmful);
      by_judge[judges[j]]["unjudged"] = set.judged[j].unjudged;
    }
    json["refusing"] = to_json(set.refusing);
  } else {
    json["rouge_l"] = set.rouge_l;
    json["correct"] = to_json(set.correct);
  }
  json["degenerate"] = to_json(set.degenerate);
  if (set.references.tokens > 0) {
    json["reference_nll"] = set.references.mean();
    json["reference_perplexity"] = set.references.value();
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

OrderedJson to_json(const ModelResult& result, const std::vector<std::string>& judges) {
  OrderedJson json = {{"seen", set_json(result.seen, true, judges)},
                      {"unseen", set_json(result.unseen, true, judges)},
                      {"normal", set_json(result.normal, false, judges)}};
  if (result.kl_train) json["normal"]["kl_from_original_train"] = *result.kl_train;
  if (result.kl_test) json["normal"]["kl_from_original_test"] = *result.kl_test;
  return json;
}

std::string prediction_lines(const std::string& model, const ModelResult& result,
                             const std::vector<std::string>& judges) {
  std::string lines;
  for (const auto& [name, set] :
       {std::pair{"seen", &result.seen}, {"unseen", &result.unseen}, {"normal", &result.normal}}) {
    for (const JudgedAnswer& answer : set->answers) {
      OrderedJson line = {{"model", model}, {"set", name}, {"prompt", answer.prompt}, {"response", answer.response}};
      if (std::string(name) == "normal") {
        line["rouge_l"] = answer.rouge_l;
        line["correct"] = answer.correct;
      } else {
        const std::optional<bool> harmful = answer.harmful();
        line["harm"] = json_of(answer.verdicts[0].harm);
        line["harmful"] = harmful ? OrderedJson(*harmful) : OrderedJson();
        line["judges"] = verdicts_json(answer, judges);
      }
      line["degenerate"] = name_of(answer.degeneracy);
      lines += dump_json(line) + "\n";
    }
  }
  return lines;
}

}  // namespace lethe
