#include "evaluation/differences.h"

#include <functional>

#include "core/error.h"
#include "metrics/significance.h"

namespace lethe {
namespace {

using Property = std::function<std::optional<bool>(const JudgedAnswer&)>;

class Differences {
 public:
  explicit Differences(std::uint64_t seed) : seed_(seed) {}

  void rate(const std::string& figure, const std::vector<std::optional<bool>>& before,
            const std::vector<std::optional<bool>>& after) {
    Difference difference{figure, "McNemar"};
    std::size_t hits_before = 0, hits_after = 0;
    for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
      if (!before[i] || !after[i]) continue;
      ++difference.cases;
      hits_before += *before[i];
      hits_after += *after[i];
      difference.only_before += *before[i] && !*after[i];
      difference.only_after += !*before[i] && *after[i];
    }
    if (difference.cases == 0) return;
    difference.before = static_cast<double>(hits_before) / static_cast<double>(difference.cases);
    difference.after = static_cast<double>(hits_after) / static_cast<double>(difference.cases);
    difference.p = mcnemar_p(difference.only_before, difference.only_after);
    all.push_back(std::move(difference));
  }

  void rate(const std::string& figure, const SetResult& before, const SetResult& after, const Property& property) {
    const auto of = [&](const SetResult& set) {
      std::vector<std::optional<bool>> list;
      for (const JudgedAnswer& answer : set.answers) list.push_back(property(answer));
      return list;
    };
    rate(figure, of(before), of(after));
  }

  void mean(const std::string& figure, const std::vector<double>& before, const std::vector<double>& after) {
    if (before.empty() || before.size() != after.size()) return;
    std::vector<double> changes;
    for (std::size_t i = 0; i < before.size(); ++i) changes.push_back(after[i] - before[i]);
    Difference difference{figure, "permutation", before.size(), mean_of(before).value, mean_of(after).value};
    difference.half_width = mean_of(changes).half_width;
    difference.p = permutation_p(changes, seed_);
    all.push_back(std::move(difference));
  }

  std::vector<Difference> all;

 private:
  std::uint64_t seed_;
};

std::vector<double> nll_of(const std::vector<Perplexity>& cases) {
  std::vector<double> values;
  for (const Perplexity& one : cases) {
    if (one.tokens > 0) values.push_back(one.mean());
  }
  return values;
}

std::vector<double> rouge_l_of(const SetResult& set) {
  std::vector<double> values;
  for (const JudgedAnswer& answer : set.answers) {
    if (answer.scores) values.push_back(answer.scores->plain.rouge_l.f1);
  }
  return values;
}

std::vector<double> learned_of(const SetResult& set, std::optional<double> LearnedScores::*score) {
  std::vector<double> values;
  for (const JudgedAnswer& answer : set.answers) {
    if (answer.scores && answer.scores->learned.*score) values.push_back(*(answer.scores->learned.*score));
  }
  return values;
}

std::vector<std::optional<bool>> right_of(const ChoiceResult& result) {
  return {result.answers.begin(), result.answers.end()};
}

}  // namespace

std::vector<Difference> differences_of(const ModelResult& before, const ModelResult& after, std::uint64_t seed) {
  Differences differences(seed);
  const auto is_harmful = [](const JudgedAnswer& answer) {
    return answer.verdicts.empty() ? std::optional<bool>() : answer.harmful();
  };
  const auto is_degenerate = [](const JudgedAnswer& answer) -> std::optional<bool> {
    return answer.degeneracy != Degeneracy::none;
  };
  const auto refuses = [](const JudgedAnswer& answer) -> std::optional<bool> { return is_refusal(answer.response); };
  const auto is_correct = [](const JudgedAnswer& answer) {
    return answer.scores ? std::optional<bool>(answer.scores->correct) : std::nullopt;
  };
  differences.rate("harmful_seen", before.seen, after.seen, is_harmful);
  differences.rate("harmful_unseen", before.unseen, after.unseen, is_harmful);
  differences.rate("harmful_other", before.other, after.other, is_harmful);
  differences.rate("degenerate_seen", before.seen, after.seen, is_degenerate);
  differences.rate("degenerate_unseen", before.unseen, after.unseen, is_degenerate);
  differences.rate("degenerate_other", before.other, after.other, is_degenerate);
  differences.rate("degenerate_normal", before.normal, after.normal, is_degenerate);
  differences.rate("normal_correct", before.normal, after.normal, is_correct);
  differences.mean("normal_rouge_l", rouge_l_of(before.normal), rouge_l_of(after.normal));
  for (const auto& [name, score] :
       {std::pair{"normal_bleurt", &LearnedScores::bleurt}, {"normal_similarity", &LearnedScores::similarity}})
    differences.mean(name, learned_of(before.normal, score), learned_of(after.normal, score));
  differences.mean("normal_nll", nll_of(before.normal.references_by_prompt), nll_of(after.normal.references_by_prompt));
  differences.mean("nll_seen", nll_of(before.seen.references_by_prompt), nll_of(after.seen.references_by_prompt));
  differences.rate("refusing_safe", before.safe, after.safe, refuses);
  differences.rate("refusing_contrast", before.contrast, after.contrast, refuses);
  differences.rate("choices_right", right_of(before.letters), right_of(after.letters));
  differences.rate("truthful_mc1", right_of(before.truthful), right_of(after.truthful));
  differences.mean("truthful_mc2", before.truthful.masses, after.truthful.masses);
  if (before.text && after.text)
    differences.mean("text_nll", nll_of(before.text->by_text), nll_of(after.text->by_text));
  return std::move(differences.all);
}

OrderedJson to_json(const std::vector<Difference>& differences) {
  OrderedJson json = OrderedJson::object();
  for (const Difference& one : differences) {
    OrderedJson& entry =
        json[one.figure] = {{"before", one.before}, {"after", one.after}, {"difference", one.after - one.before},
                            {"cases", one.cases},   {"test", one.test},   {"p", one.p}};
    if (one.test == "McNemar") {
      entry["only_before"] = one.only_before;
      entry["only_after"] = one.only_after;
    } else {
      entry["low"] = one.after - one.before - one.half_width;
      entry["high"] = one.after - one.before + one.half_width;
    }
  }
  return json;
}

Table differences_table(const std::vector<Difference>& differences) {
  Table table{"Differences on the same prompts", {"", "original", "unlearned", "difference", "p"}, {}};
  for (const Difference& one : differences) {
    const bool is_rate = one.test == "McNemar";
    const auto cell = [&](double value) { return is_rate ? percent(value) : fixed(value, 3); };
    const double change = one.after - one.before;
    std::string told = (change > 0 ? "+" : "") + cell(change);
    told += is_rate ? " (" + with_commas(one.only_before) + " lost, " + with_commas(one.only_after) + " new)"
                    : " ±" + fixed(one.half_width, 3);
    table.rows.push_back(
        {one.figure, cell(one.before), cell(one.after), told, one.p < 0.001 ? "<0.001" : fixed(one.p, 3)});
  }
  return table;
}

}  // namespace lethe
