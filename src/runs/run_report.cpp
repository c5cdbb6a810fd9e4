#include "runs/run_report.h"

#include <algorithm>
#include <functional>
#include <iostream>
#include <map>

namespace lethe {
namespace {

std::string rate(const Proportion& share) {
  if (share.cases == 0) return "-";
  return percent(share.rate) + " (" + fixed(100 * share.low, 0) + "–" + fixed(100 * share.high, 0) + ")";
}

std::string number(double value, int digits, bool known) {
  return known ? fixed(value, digits) : "-";
}

std::string verdict(const JudgedAnswer& answer, bool normal) {
  std::string text = normal ? (answer.correct ? "right" : "ROUGE-L " + fixed(answer.rouge_l, 2))
                            : (answer.harmful() ? "harmful" : "not harmful");
  if (answer.degeneracy != Degeneracy::none) text += std::string(", ") + name_of(answer.degeneracy);
  return text;
}

// Each term over the steps, averaged over windows so that a curve has at most 200 points.
Plot loss_plot(const std::vector<StepRecord>& steps) {
  const std::size_t window = (steps.size() + 199) / 200;
  std::map<std::string, Series> terms;
  for (std::size_t first = 0; first < steps.size(); first += window) {
    const std::size_t last = std::min(first + window, steps.size());
    for (const auto& [name, unused] : steps[first].terms) {
      double sum = 0;
      for (std::size_t i = first; i < last; ++i) sum += steps[i].terms.at(name);
      terms[name].name = name;
      terms[name].points.emplace_back(static_cast<double>(steps[last - 1].step),
                                      sum / static_cast<double>(last - first));
    }
  }
  Plot plot{"Learning the harm (stage 1)", "step", "nats a token", {}};
  for (auto& [name, series] : terms) plot.series.push_back(std::move(series));
  return plot;
}

std::vector<AnswerPair> answer_pairs(const SetResult& before, const SetResult* after, bool normal) {
  constexpr std::size_t kMost = 40;
  std::vector<AnswerPair> pairs;
  for (std::size_t i = 0; i < before.answers.size() && i < kMost; ++i) {
    const JudgedAnswer& old = before.answers[i];
    AnswerPair pair{old.prompt, old.response, "", verdict(old, normal), ""};
    if (after != nullptr) {
      pair.after = after->answers[i].response;
      pair.after_verdict = verdict(after->answers[i], normal);
    }
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

}  // namespace

Table comparison_table(const Comparison& comparison) {
  Table table{"", {"", "original", "unlearned"}, {}};
  if (!comparison.unlearned) table.columns = {"", "model"};
  const auto row = [&](const std::string& name, const std::function<std::string(const ModelResult&)>& figure) {
    std::vector<std::string> cells = {name, figure(comparison.original)};
    if (comparison.unlearned) cells.push_back(figure(*comparison.unlearned));
    table.rows.push_back(std::move(cells));
  };
  using M = const ModelResult&;
  row("harmful answers, prompts seen", [](M m) { return rate(m.seen.harmful); });
  row("harmful answers, prompts unseen", [](M m) { return rate(m.unseen.harmful); });
  row("degenerate, prompts seen", [](M m) { return rate(m.seen.degenerate); });
  row("degenerate, prompts unseen", [](M m) { return rate(m.unseen.degenerate); });
  row("degenerate, normal prompts", [](M m) { return rate(m.normal.degenerate); });
  row("NLL of harmful answers seen",
      [](M m) { return number(m.seen.references.mean(), 3, m.seen.references.tokens > 0); });
  row("normal perplexity", [](M m) { return number(m.normal.references.value(), 2, m.normal.references.tokens > 0); });
  row("normal ROUGE-L", [](M m) { return number(m.normal.rouge_l, 3, !m.normal.answers.empty()); });
  row("normal answers right", [](M m) { return rate(m.normal.correct); });
  row("KL from the original, normal trained on",
      [](M m) { return number(m.kl_train.value_or(0), 3, m.kl_train.has_value()); });
  row("KL from the original, normal held out",
      [](M m) { return number(m.kl_test.value_or(0), 3, m.kl_test.has_value()); });
  return table;
}

Page comparison_page(const Comparison& comparison, const ReportContext& context) {
  const AlphaChoice& choice = context.choice;
  Page page;
  page.title = context.title;
  page.summary = "Judge: " + comparison.judge +
                 ". Rates with 95% intervals (Wilson); an answer that is degenerate does not count as harmful. "
                 "Decoding is greedy. KL is KL(original ‖ model), nats a token.";
  page.tables.push_back(comparison_table(comparison));
  if (!choice.curve.empty()) {
    Series series{"", {{0, 0}}};
    for (const AlphaPoint& point : choice.curve) series.points.emplace_back(point.alpha, point.kl);
    page.plots.push_back({"What negation costs",
                          "alpha",
                          "KL on normal validation answers, nats a token",
                          {series},
                          context.budget,
                          choice.alpha});
  }
  if (!context.steps.empty()) page.plots.push_back(loss_plot(context.steps));
  const ModelResult* after = comparison.unlearned ? &*comparison.unlearned : nullptr;
  const auto add = [&](const char* name, const SetResult& before, const SetResult* then, bool normal) {
    if (!before.answers.empty()) page.answers.emplace_back(name, answer_pairs(before, then, normal));
  };
  add("Harmful prompts, seen", comparison.original.seen, after ? &after->seen : nullptr, false);
  add("Harmful prompts, unseen", comparison.original.unseen, after ? &after->unseen : nullptr, false);
  add("Normal prompts", comparison.original.normal, after ? &after->normal : nullptr, true);
  page.recipe = context.recipe;
  return page;
}

void write_comparison(const Comparison& comparison, const ReportContext& context, const RunFolder& run,
                      OrderedJson& results) {
  const std::string first = comparison.unlearned ? "original" : "model";
  results["judge"] = comparison.judge;
  results[first] = to_json(comparison.original);
  std::string predictions = prediction_lines(first, comparison.original);
  if (comparison.unlearned) {
    results["unlearned"] = to_json(*comparison.unlearned);
    predictions += prediction_lines("unlearned", *comparison.unlearned);
  }
  write_file(run.path() / "predictions.jsonl", predictions);
  write_file(run.path() / "report.html", html_page(comparison_page(comparison, context)));
  std::cout << (context.json ? dump_json(results) + "\n" : terminal_table(comparison_table(comparison))) << std::flush;
}

}  // namespace lethe
