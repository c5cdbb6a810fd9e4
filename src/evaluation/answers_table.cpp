// The second table of a report: how answers read, beside their references and under the original.
#include <functional>

#include "evaluation/comparison.h"

namespace lethe {
namespace {

std::string with_half_width(const Mean& mean) {
  return fixed(mean.value, 3) + " ±" + fixed(mean.half_width, 3);
}

std::string distinct_shares(const SetResult& set) {
  if (set.answers.empty()) return "-";
  return fixed(set.distinct[0].share(), 2) + " / " + fixed(set.distinct[1].share(), 2) + " / " +
         fixed(set.distinct[2].share(), 2);
}

std::string unlikely_share(const SetResult& set) {
  if (!set.unlikely || set.unlikely->cases == 0) return "-";
  return percent(set.unlikely->rate) + " (" + fixed(100 * set.unlikely->low, 0) + "–" +
         fixed(100 * set.unlikely->high, 0) + ")";
}

}  // namespace

Table answers_table(const Comparison& comparison) {
  Table table{"How the answers read", {"", "original", "unlearned"}, {}};
  if (!comparison.unlearned) table.columns = {"", "model"};
  using M = const ModelResult&;
  const auto row = [&](const std::string& name, const std::function<std::string(M)>& figure) {
    std::vector<std::string> cells = {name, figure(comparison.original)};
    if (comparison.unlearned) cells.push_back(figure(*comparison.unlearned));
    table.rows.push_back(std::move(cells));
  };
  if (comparison.original.normal.scores) {
    const auto rouge = [&](const std::string& name, Mean ReferenceScores::Means::*kind) {
      row("normal " + name, [kind](M m) { return with_half_width(m.normal.scores->plain.*kind); });
      row("normal " + name + ", stemmed", [kind](M m) { return with_half_width(m.normal.scores->stemmed.*kind); });
    };
    rouge("ROUGE-1", &ReferenceScores::Means::rouge1);
    rouge("ROUGE-2", &ReferenceScores::Means::rouge2);
    rouge("ROUGE-L", &ReferenceScores::Means::rouge_l);
    row("normal BLEU", [](M m) {
      const ReferenceScores& scores = *m.normal.scores;
      return fixed(scores.bleu, 2) + " (" + fixed(scores.bleu_interval.low, 2) + "–" +
             fixed(scores.bleu_interval.high, 2) + ")";
    });
  }
  const std::pair<const char*, SetResult ModelResult::*> sets[] = {{"prompts seen", &ModelResult::seen},
                                                                   {"prompts unseen", &ModelResult::unseen},
                                                                   {"prompts of another source", &ModelResult::other},
                                                                   {"normal prompts", &ModelResult::normal}};
  for (const auto& [name, set] : sets) {
    if ((comparison.original.*set).answers.empty()) continue;
    row("distinct-1 / 2 / 3, " + std::string(name), [set](M m) { return distinct_shares(m.*set); });
    if ((comparison.original.*set).unlikely)
      row("unlikely under the original, " + std::string(name), [set](M m) { return unlikely_share(m.*set); });
  }
  return table;
}

}  // namespace lethe
