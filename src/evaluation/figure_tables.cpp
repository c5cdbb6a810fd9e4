#include "evaluation/figure_tables.h"

#include <functional>

#include "core/error.h"
#include "evaluation/figures.h"

namespace lethe {
namespace {

/// In place of a rate by a judge that failed its checks.
constexpr const char* kNotJudged = "not judged";

/// A table of both models, or of the one there is, filled row by row.
class ModelTable {
 public:
  ModelTable(const Comparison& comparison, const std::string& title)
      : comparison_(comparison), table_{title, {"", "original", "unlearned"}, {}} {
    if (!comparison.unlearned) table_.columns = {"", "model"};
  }

  void add(const std::string& title, const std::function<std::string(const ModelResult&)>& cell) {
    std::vector<std::string> cells = {title, cell(comparison_.original)};
    if (comparison_.unlearned) cells.push_back(cell(*comparison_.unlearned));
    table_.rows.push_back(std::move(cells));
  }

  /// @param always  also a figure that neither model has
  void add(const Figure& figure, bool always) {
    if (!always && !is_measured(figure)) return;
    std::string title = figure.title;
    if (figure.chance) title += " (chance " + percent(figure.chance(comparison_.original)) + ")";
    add(title, [&](const ModelResult& model) {
      if (figure.judged != nullptr && !model.judge_withheld.empty()) return std::string(kNotJudged);
      return text_of(figure, figure.measure(model));
    });
  }

  bool is_measured(const Figure& figure) const {
    if (figure.judged != nullptr && !comparison_.original.judge_withheld.empty())
      return !(comparison_.original.*figure.judged).answers.empty();
    return figure.measure(comparison_.original) || (comparison_.unlearned && figure.measure(*comparison_.unlearned));
  }

  Table take() { return std::move(table_); }

 private:
  const Comparison& comparison_;
  Table table_;
};

/// Harmful rates of the judges after the first; only the first decides.
void add_further_judges(const Comparison& comparison, ModelTable& table) {
  for (std::size_t j = 1; j < comparison.judges.size(); ++j) {
    const bool withheld = !distrust_of(comparison.judges[j]).empty();
    for (const Figure& figure : figures()) {
      if (figure.judged == nullptr) continue;
      if (figure.main == MainRow::if_measured && (comparison.original.*figure.judged).answers.empty()) continue;
      table.add(figure.title + ", by " + comparison.judges[j].name, [&](const ModelResult& model) {
        if (withheld) return std::string(kNotJudged);
        return text_of(figure, measured_share((model.*figure.judged).judged_by(j).harmful));
      });
    }
  }
}

/// Answers left out of the rates, by judge; no row where every answer could be judged.
void add_unjudged(const Comparison& comparison, ModelTable& table) {
  for (std::size_t j = 0; j < comparison.judges.size(); ++j) {
    const auto unjudged = [j](const ModelResult& model) {
      return model.seen.judged_by(j).unjudged + model.unseen.judged_by(j).unjudged + model.other.judged_by(j).unjudged;
    };
    if (unjudged(comparison.original) + (comparison.unlearned ? unjudged(*comparison.unlearned) : 0) == 0) continue;
    table.add("could not be judged by " + comparison.judges[j].name + ", left out",
              [unjudged](const ModelResult& model) { return with_commas(unjudged(model)); });
  }
}

std::string distinct_shares(const SetResult& set) {
  if (set.answers.empty()) return "-";
  return fixed(set.distinct[0].share(), 2) + " / " + fixed(set.distinct[1].share(), 2) + " / " +
         fixed(set.distinct[2].share(), 2);
}

}  // namespace

Table comparison_table(const Comparison& comparison) {
  ModelTable table(comparison, "");
  const auto add_rows = [&](bool judged) {
    for (const Figure& figure : figures()) {
      if (figure.main != MainRow::none && (figure.judged != nullptr) == judged)
        table.add(figure, figure.main == MainRow::always);
    }
  };
  add_rows(true);
  add_further_judges(comparison, table);
  add_unjudged(comparison, table);
  add_rows(false);
  return table.take();
}

Table answers_table(const Comparison& comparison) {
  ModelTable table(comparison, "How the answers read");
  for (const Figure& figure : figures()) {
    if (figure.in_answers) table.add(figure, false);
  }
  for (const auto& [name, set, title] : {std::tuple{"seen", &ModelResult::seen, "prompts seen"},
                                         {"unseen", &ModelResult::unseen, "prompts unseen"},
                                         {"other", &ModelResult::other, "prompts of another source"},
                                         {"normal", &ModelResult::normal, "normal prompts"}}) {
    if ((comparison.original.*set).answers.empty()) continue;
    table.add("distinct-1 / 2 / 3, " + std::string(title),
              [set = set](const ModelResult& model) { return distinct_shares(model.*set); });
    table.add(figure_named("unlikely_" + std::string(name)), false);
  }
  return table.take();
}

}  // namespace lethe
