#include "evaluation/figures.h"

#include <algorithm>

#include "core/error.h"
#include "core/numbers.h"

namespace lethe {
namespace {

const std::vector<std::string> kNames = {
    "harmful_seen",      "harmful_unseen",    "harmful_other",  "degenerate_seen",        "degenerate_unseen",
    "degenerate_other",  "degenerate_normal", "unlikely_seen",  "unlikely_unseen",        "unlikely_other",
    "unlikely_normal",   "refusing_unseen",   "refusing_safe",  "refusing_contrast",      "normal_perplexity",
    "normal_rouge_1",    "normal_rouge_2",    "normal_rouge_l", "normal_rouge_l_stemmed", "normal_bleu",
    "normal_distinct_2", "normal_correct",    "choices_right",  "truthful_mc1",           "truthful_mc2",
    "text_perplexity",   "nll_seen",          "normal_kl",      "normal_kl_train",        "normal_bleurt",
    "normal_similarity"};

}  // namespace

Figures figures_of(const ModelResult& result) {
  Figures figures;
  const auto rate = [&](const std::string& name, const Proportion& share) {
    if (share.cases > 0) figures[name] = share.rate;
  };
  for (const auto& [name, set] : {std::pair{"seen", &result.seen},
                                  {"unseen", &result.unseen},
                                  {"other", &result.other},
                                  {"normal", &result.normal}}) {
    const std::string of = name;
    if (set != &result.normal) rate("harmful_" + of, set->harmful);
    rate("degenerate_" + of, set->degenerate);
    rate("unlikely_" + of, set->unlikely.value_or(Proportion{}));
  }
  rate("refusing_unseen", result.unseen.refusing);
  rate("refusing_safe", result.safe.refusing);
  rate("refusing_contrast", result.contrast.refusing);
  rate("normal_correct", result.normal.correct);
  rate("choices_right", result.letters.right);
  rate("truthful_mc1", result.truthful.right);
  if (result.truthful.true_mass.count > 0) figures["truthful_mc2"] = result.truthful.true_mass.value;
  if (result.text) figures["text_perplexity"] = result.text->text.value();
  if (const auto& scores = result.normal.scores) {
    figures["normal_rouge_1"] = scores->plain.rouge1.value;
    figures["normal_rouge_2"] = scores->plain.rouge2.value;
    figures["normal_rouge_l"] = scores->plain.rouge_l.value;
    figures["normal_rouge_l_stemmed"] = scores->stemmed.rouge_l.value;
    figures["normal_bleu"] = scores->bleu;
    if (scores->bleurt) figures["normal_bleurt"] = scores->bleurt->value;
    if (scores->similarity) figures["normal_similarity"] = scores->similarity->value;
  }
  if (!result.normal.answers.empty()) figures["normal_distinct_2"] = result.normal.distinct[1].share();
  if (result.normal.references.tokens > 0) figures["normal_perplexity"] = result.normal.references.value();
  if (result.seen.references.tokens > 0) figures["nll_seen"] = result.seen.references.mean();
  if (result.kl_test) figures["normal_kl"] = *result.kl_test;
  if (result.kl_train) figures["normal_kl_train"] = *result.kl_train;
  return figures;
}

OrderedJson to_json(const Figures& figures) {
  OrderedJson json = OrderedJson::object();
  for (const auto& [name, value] : figures) json[name] = value;
  return json;
}

double harm_or_broken(const Figures& figures) {
  double sum = 0;
  int sets = 0;
  for (const char* set : {"seen", "unseen"}) {
    const auto harmful = figures.find(std::string("harmful_") + set);
    if (harmful == figures.end()) continue;
    const auto broken = figures.find(std::string("degenerate_") + set);
    sum += harmful->second + (broken == figures.end() ? 0 : broken->second);
    ++sets;
  }
  return sets == 0 ? 0 : sum / sets;
}

bool smaller_is_better(const std::string& figure) {
  static const std::vector<std::string> larger = {
      "nll_seen",       "refusing_unseen", "refusing_contrast", "choices_right", "truthful_mc1",     "truthful_mc2",
      "normal_correct", "normal_bleu",     "normal_distinct_2", "normal_bleurt", "normal_similarity"};
  return !figure.starts_with("normal_rouge") && std::find(larger.begin(), larger.end(), figure) == larger.end();
}

Constraint::Constraint(const std::string& text) {
  const std::size_t at = text.find_first_of("<>");
  const auto wrong = [&] {
    std::string names;
    for (const std::string& name : kNames) names += (names.empty() ? "" : ", ") + name;
    Error error = bad_usage("cannot use --keep " + excerpt(text));
    error.wanted("FIGURE<=VALUE or FIGURE>=VALUE, or VALUEx for times the original's").with("figures", names);
    return error;
  };
  if (at == std::string::npos || at + 1 >= text.size() || text[at + 1] != '=') throw wrong();
  figure_ = text.substr(0, at);
  at_most_ = text[at] == '<';
  std::string value = text.substr(at + 2);
  relative_ = value.ends_with('x');
  if (relative_) value.pop_back();
  const auto number = parse_number(value);
  if (!number || std::find(kNames.begin(), kNames.end(), figure_) == kNames.end()) throw wrong();
  value_ = *number;
}

bool Constraint::holds(const Figures& found, const Figures& original) const {
  const auto value = found.find(figure_), before = original.find(figure_);
  if (value == found.end() || (relative_ && before == original.end())) return false;
  const double bound = relative_ ? value_ * before->second : value_;
  return at_most_ ? value->second <= bound : value->second >= bound;
}

std::vector<Constraint> parse_constraints(const std::string& text) {
  std::vector<Constraint> constraints;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    constraints.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return constraints;
}

std::vector<bool> dominated(const std::vector<Figures>& points, const std::string& first, const std::string& second) {
  const auto cost = [](const Figures& point, const std::string& name) {
    const auto found = point.find(name);
    const double value = found == point.end() ? 0 : found->second;
    return smaller_is_better(name) ? value : -value;
  };
  std::vector<bool> result;
  for (const Figures& point : points) {
    result.push_back(std::any_of(points.begin(), points.end(), [&](const Figures& other) {
      const double a = cost(other, first) - cost(point, first), b = cost(other, second) - cost(point, second);
      return a <= 0 && b <= 0 && (a < 0 || b < 0);
    }));
  }
  return result;
}

}  // namespace lethe
