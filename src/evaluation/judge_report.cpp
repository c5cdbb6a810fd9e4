#include "evaluation/judge_report.h"

#include "metrics/classification.h"

namespace lethe {
namespace {

// Calls visit(model, answer) for every answer to a harmful prompt.
template <class Visit>
void each_judged(const Comparison& comparison, const Visit& visit) {
  const auto of_model = [&](const std::string& name, const ModelResult& result) {
    for (const SetResult* set : {&result.seen, &result.unseen, &result.other}) {
      for (const JudgedAnswer& answer : set->answers) visit(name, answer);
    }
  };
  of_model(comparison.unlearned ? "original" : "model", comparison.original);
  if (comparison.unlearned) of_model("unlearned", *comparison.unlearned);
}

// The judge's own word, whatever the answer's word order is like.
std::optional<bool> called_harmful(const JudgedAnswer& answer, std::size_t judge) {
  const std::optional<double>& harm = answer.verdicts.at(judge).harm;
  return harm ? std::optional<bool>(*harm > answer.threshold) : std::nullopt;
}

std::string share_text(const Proportion& share) {
  return share.cases == 0 ? "-" : percent(share.rate) + " of " + std::to_string(share.cases);
}

Table figures_table(const std::vector<JudgeSummary>& judges) {
  Table table{"",
              {"judge", "calls known harmful answers harmful", "calls known normal answers harmful", "AUC on these",
               "AUC, held out", "accuracy, held out", "Brier score", "calibration error"},
              {}};
  for (const JudgeSummary& judge : judges) {
    std::vector<std::string> row = {judge.name, "-", "-", "-", "-", "-", "-", "-"};
    if (judge.references) {
      row[1] = share_text(judge.references->recall);
      row[2] = share_text(judge.references->false_positives);
      if (judge.references->auc) row[3] = fixed(*judge.references->auc, 2);
    }
    if (judge.held_out) {
      row[4] = fixed(judge.held_out->auc, 2);
      row[5] = fixed(judge.held_out->accuracy, 2);
      row[6] = fixed(judge.held_out->calibration.brier, 3);
      row[7] = fixed(judge.held_out->calibration.expected_error, 3);
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Plot reliability_plot(const JudgeSummary& judge) {
  Series found{judge.name, {}}, ideal{"perfectly calibrated", {{0, 0}, {1, 1}}};
  for (const ReliabilityBin& bin : judge.held_out->calibration.bins) {
    if (bin.cases == 0) continue;
    PlotPoint point(bin.mean_score, bin.share);
    point.label = std::to_string(bin.cases) + " responses";
    found.points.push_back(std::move(point));
  }
  return {"Reliability of " + judge.name + " on responses it was not trained on",
          "mean probability of harm told",
          "share that is harmful",
          {found, ideal}};
}

Table agreement_table(const std::vector<Agreement>& list, const std::vector<JudgeSummary>& judges) {
  Table table{"Agreement", {"judges", "Cohen's kappa", "answers both judged", "judged alike"}, {}};
  for (const Agreement& one : list) {
    table.rows.push_back(
        {judges[one.first].name + ", " + judges[one.second].name, one.kappa ? fixed(*one.kappa, 3) : "not defined",
         std::to_string(one.cases),
         one.cases == 0 ? "-" : percent(static_cast<double>(one.equal) / static_cast<double>(one.cases))});
  }
  return table;
}

// "classifier 0.91, guard 0.12 (safe)"
std::string verdicts_text(const JudgedAnswer& answer, const std::vector<JudgeSummary>& judges) {
  std::string text;
  for (std::size_t j = 0; j < answer.verdicts.size(); ++j) {
    const Verdict& verdict = answer.verdicts[j];
    text += (j > 0 ? ", " : "") + judges[j].name + " " + (verdict.harm ? fixed(*verdict.harm, 2) : "-");
    if (!verdict.label.empty()) text += " (" + verdict.label + ")";
  }
  return text;
}

AnswerGroup disagreements(const Comparison& comparison) {
  constexpr std::size_t kMost = 40;
  AnswerGroup group{"Answers that the judges judge differently", {}};
  each_judged(comparison, [&](const std::string& model, const JudgedAnswer& answer) {
    bool some_harmful = false, some_not = false;
    for (std::size_t j = 0; j < comparison.judges.size(); ++j) {
      const std::optional<bool> harmful = called_harmful(answer, j);
      some_harmful |= harmful.value_or(false);
      some_not |= !harmful.value_or(true);
    }
    if (!some_harmful || !some_not) return;
    if (group.pairs.size() == kMost) {
      ++group.left_out;
      return;
    }
    const std::string verdict = model + ": " + verdicts_text(answer, comparison.judges);
    group.pairs.push_back({answer.prompt, {answer.response, verdict, Tone::harmful}, std::nullopt});
  });
  return group;
}

}  // namespace

std::vector<Agreement> agreements(const Comparison& comparison) {
  std::vector<Agreement> list;
  for (std::size_t a = 0; a < comparison.judges.size(); ++a) {
    for (std::size_t b = a + 1; b < comparison.judges.size(); ++b) {
      Agreement agreement{a, b};
      std::vector<std::pair<bool, bool>> ratings;
      each_judged(comparison, [&](const std::string&, const JudgedAnswer& answer) {
        const auto first = called_harmful(answer, a), second = called_harmful(answer, b);
        if (!first || !second) return;
        ratings.emplace_back(*first, *second);
        agreement.equal += *first == *second;
      });
      agreement.cases = ratings.size();
      agreement.kappa = cohen_kappa(ratings);
      list.push_back(agreement);
    }
  }
  return list;
}

Section judges_section(const Comparison& comparison) {
  Section section{
      "The judges",
      {"The first judge decides the rates above. Known answers are the data's own references: harmful ones that "
       "do not refuse, and answers to normal prompts. A judge is worth as much as the distance between the two."}};
  for (const JudgeSummary& judge : comparison.judges) section.items.push_back(judge.name + ": " + judge.description);
  section.tables.push_back(figures_table(comparison.judges));
  const std::vector<Agreement> list = agreements(comparison);
  if (!list.empty()) section.tables.push_back(agreement_table(list, comparison.judges));
  for (const JudgeSummary& judge : comparison.judges) {
    if (judge.held_out && judge.held_out->cases > 0) section.plots.push_back(reliability_plot(judge));
  }
  if (AnswerGroup group = disagreements(comparison); !group.pairs.empty()) section.answers.push_back(std::move(group));
  return section;
}

OrderedJson to_json(const std::vector<Agreement>& agreements, const std::vector<JudgeSummary>& judges) {
  OrderedJson json = OrderedJson::array();
  for (const Agreement& one : agreements) {
    json.push_back({{"judges", {judges[one.first].name, judges[one.second].name}},
                    {"kappa", one.kappa ? OrderedJson(*one.kappa) : OrderedJson()},
                    {"cases", one.cases},
                    {"disagreements", one.cases - one.equal}});
  }
  return json;
}

}  // namespace lethe
