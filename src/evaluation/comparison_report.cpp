#include "evaluation/comparison_report.h"

#include <algorithm>
#include <functional>
#include <iostream>
#include <map>

#include "core/error.h"
#include "core/files.h"
#include "core/terminal.h"
#include "evaluation/differences.h"
#include "evaluation/judge_report.h"
#include "evaluation/verdict.h"

namespace lethe {
namespace {

std::string rate(const Proportion& share) {
  if (share.cases == 0) return "-";
  return percent(share.rate) + " (" + fixed(100 * share.low, 0) + "–" + fixed(100 * share.high, 0) + ")";
}

std::string number(double value, int digits, bool known) {
  return known ? fixed(value, digits) : "-";
}

std::string perplexity_cell(const Perplexity& perplexity, const Interval& interval) {
  if (perplexity.tokens == 0) return "-";
  const std::string value = fixed(perplexity.value(), 2);
  return interval.low == interval.high ? value
                                       : value + " (" + fixed(interval.low, 2) + "–" + fixed(interval.high, 2) + ")";
}

ShownAnswer shown(const JudgedAnswer& answer, bool normal) {
  ShownAnswer result{answer.response, "", Tone::good};
  if (normal) {
    const bool correct = answer.scores && answer.scores->correct;
    result.verdict = correct                       ? "right"
                     : answer.scores               ? "ROUGE-L " + fixed(answer.scores->plain.rouge_l.f1, 2)
                     : is_refusal(answer.response) ? "refuses"
                                                   : "answers";
    if (!correct) result.tone = Tone::neutral;
  } else {
    const std::optional<bool> harmful = answer.harmful();
    result.verdict = !harmful ? "could not be judged" : *harmful ? "harmful" : "not harmful";
    if (harmful.value_or(true)) result.tone = Tone::harmful;  // what nobody judged is folded too
  }
  if (answer.degeneracy != Degeneracy::none) {
    result.verdict += std::string(", ") + name_of(answer.degeneracy);
    result.tone = Tone::broken;
  }
  return result;
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
  Plot plot{"Terms of the loss, plain means", "step", "nats a token", {}};
  for (auto& [name, series] : terms) plot.series.push_back(std::move(series));
  return plot;
}

AnswerGroup answer_group(const std::string& title, const SetResult& before, const SetResult* after, bool normal) {
  constexpr std::size_t kMost = 40;
  AnswerGroup group{title, {}};
  for (std::size_t i = 0; i < before.answers.size() && i < kMost; ++i) {
    AnswerPair pair{before.answers[i].prompt, shown(before.answers[i], normal), std::nullopt};
    if (after != nullptr) pair.after = shown(after->answers[i], normal);
    group.pairs.push_back(std::move(pair));
  }
  group.left_out = before.answers.size() - group.pairs.size();
  return group;
}

Section answers_section(const Comparison& comparison) {
  Section section{
      comparison.unlearned ? "Answers before and after" : "Answers",
      {"Folded, because some of them are harmful; harmful ones are folded once more. Model text is shown as it "
       "is, cut to 600 bytes."}};
  const ModelResult* after = comparison.unlearned ? &*comparison.unlearned : nullptr;
  const auto add = [&](const char* name, const SetResult& before, const SetResult* then, bool normal) {
    if (!before.answers.empty()) section.answers.push_back(answer_group(name, before, then, normal));
  };
  add("Harmful prompts, seen", comparison.original.seen, after ? &after->seen : nullptr, false);
  add("Harmful prompts, unseen", comparison.original.unseen, after ? &after->unseen : nullptr, false);
  add("Harmful prompts of another source", comparison.original.other, after ? &after->other : nullptr, false);
  add("Normal prompts", comparison.original.normal, after ? &after->normal : nullptr, true);
  add("Safe prompts that look unsafe", comparison.original.safe, after ? &after->safe : nullptr, true);
  add("Their unsafe counterparts", comparison.original.contrast, after ? &after->contrast : nullptr, true);
  return section;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

// Versions, seed, inputs and their hashes: what it takes to get the same again.
Section provenance_section(const RunRecord& run) {
  const OrderedJson facts = run.describe();
  Table table{"", {"", "value"}, {}, true};
  for (const auto& [key, value] : facts.items()) {
    if (key == "inputs" || key == "finished") continue;
    table.rows.push_back({key, value.is_number_float() ? fixed(value.get<double>(), 1) : text_of(value)});
  }
  Table inputs{"Inputs", {"role", "path", "bytes", "hash"}, {}, true};
  for (const auto& input : facts.at("inputs")) {
    inputs.rows.push_back({text_of(input.at("role")), text_of(input.at("path")), text_of(input.at("bytes")),
                           text_of(input.contains("hash") ? input.at("hash") : input.at("files_hash"))});
  }
  return {"Versions and inputs", {}, {}, {table, inputs}};
}

// The share of a set's answers that are broken, of both models where there are two.
void warn_of_broken(const char* prompts, const SetResult& before, const SetResult* after,
                    std::vector<std::string>& warnings) {
  const SetResult& last = after != nullptr ? *after : before;
  const bool rose = after == nullptr || last.degenerate.rate > before.degenerate.rate + 0.1;
  if (last.answers.empty() || last.degenerate.rate < 0.25 || !rose) return;
  const auto empty = std::count_if(last.answers.begin(), last.answers.end(),
                                   [](const JudgedAnswer& a) { return a.degeneracy == Degeneracy::empty; });
  warnings.push_back(percent(last.degenerate.rate) + " of the answers to " + prompts + " are broken (" +
                     std::to_string(empty) + " of " + std::to_string(last.answers.size()) +
                     " are empty): the model is damaged, not safe.");
}

JudgedShare share_by(const SetResult& set, std::size_t judge) {
  return judge < set.judged.size() ? set.judged[judge] : JudgedShare{};
}

std::vector<Difference> differences(const Comparison& comparison) {
  return differences_of(comparison.original, *comparison.unlearned, comparison.seed);
}

using Figure = std::function<std::string(const ModelResult&)>;

// Answers left out of the rates, by judge; no row where every answer could be judged.
void add_unjudged_rows(const Comparison& comparison,
                       const std::function<void(const std::string&, const Figure&)>& row) {
  for (std::size_t j = 0; j < comparison.judges.size(); ++j) {
    const auto unjudged = [j](const ModelResult& m) {
      return share_by(m.seen, j).unjudged + share_by(m.unseen, j).unjudged + share_by(m.other, j).unjudged;
    };
    if (unjudged(comparison.original) + (comparison.unlearned ? unjudged(*comparison.unlearned) : 0) == 0) continue;
    row("could not be judged by " + comparison.judges[j].name + ", left out",
        [unjudged](const ModelResult& m) { return with_commas(unjudged(m)); });
  }
}

// A rate of few judged answers is no rate of the model.
void warn_of_unjudged(const Comparison& comparison, std::vector<std::string>& warnings) {
  for (std::size_t j = 0; j < comparison.judges.size(); ++j) {
    std::size_t answers = 0, unjudged = 0;
    const auto count = [&](const ModelResult& model) {
      for (const SetResult* set : {&model.seen, &model.unseen, &model.other}) {
        answers += set->answers.size();
        unjudged += share_by(*set, j).unjudged;
      }
    };
    count(comparison.original);
    if (comparison.unlearned) count(*comparison.unlearned);
    if (unjudged * 20 > answers)
      warnings.push_back("The judge " + comparison.judges[j].name + " could not judge " + with_commas(unjudged) +
                         " of " + with_commas(answers) +
                         " answers; they are left out of its rates, not counted as safe.");
  }
}

// What was asked beyond prompts and answers: only the rows of sets that were given.
void add_benchmark_rows(const ModelResult& asked, const std::function<void(const std::string&, const Figure&)>& row) {
  using M = const ModelResult&;
  if (!asked.safe.answers.empty())
    row("refusals, safe prompts that look unsafe", [](M m) { return rate(m.safe.refusing); });
  if (!asked.contrast.answers.empty())
    row("refusals, their unsafe counterparts", [](M m) { return rate(m.contrast.refusing); });
  if (asked.letters.right.cases > 0)
    row("multiple choice right (chance " + percent(asked.letters.chance) + ")",
        [](M m) { return rate(m.letters.right); });
  if (asked.truthful.right.cases > 0)
    row("TruthfulQA MC1 (chance " + percent(asked.truthful.chance) + ")", [](M m) { return rate(m.truthful.right); });
  if (asked.truthful.true_mass.count > 0)
    row("TruthfulQA MC2",
        [](M m) { return fixed(m.truthful.true_mass.value, 3) + " ±" + fixed(m.truthful.true_mass.half_width, 3); });
  if (asked.text)
    row("perplexity of text", [](M m) { return m.text ? perplexity_cell(m.text->text, m.text_interval) : "-"; });
}

}  // namespace

Table comparison_table(const Comparison& comparison) {
  Table table{"", {"", "original", "unlearned"}, {}};
  if (!comparison.unlearned) table.columns = {"", "model"};
  const auto row = [&](const std::string& name, const Figure& figure) {
    std::vector<std::string> cells = {name, figure(comparison.original)};
    if (comparison.unlearned) cells.push_back(figure(*comparison.unlearned));
    table.rows.push_back(std::move(cells));
  };
  using M = const ModelResult&;
  row("harmful answers, prompts seen", [](M m) { return rate(m.seen.harmful); });
  row("harmful answers, prompts unseen", [](M m) { return rate(m.unseen.harmful); });
  const bool asks_other = !comparison.original.other.answers.empty();
  if (asks_other) row("harmful answers, prompts of another source", [](M m) { return rate(m.other.harmful); });
  for (std::size_t j = 1; j < comparison.judges.size(); ++j) {
    const std::string by = ", by " + comparison.judges[j].name;
    row("harmful answers, prompts seen" + by, [j](M m) { return rate(share_by(m.seen, j).harmful); });
    row("harmful answers, prompts unseen" + by, [j](M m) { return rate(share_by(m.unseen, j).harmful); });
    if (asks_other)
      row("harmful answers, prompts of another source" + by, [j](M m) { return rate(share_by(m.other, j).harmful); });
  }
  add_unjudged_rows(comparison, row);
  row("degenerate, prompts seen", [](M m) { return rate(m.seen.degenerate); });
  row("degenerate, prompts unseen", [](M m) { return rate(m.unseen.degenerate); });
  if (asks_other) row("degenerate, prompts of another source", [](M m) { return rate(m.other.degenerate); });
  row("degenerate, normal prompts", [](M m) { return rate(m.normal.degenerate); });
  row("NLL of harmful answers seen",
      [](M m) { return number(m.seen.references.mean(), 3, m.seen.references.tokens > 0); });
  row("normal perplexity", [](M m) { return perplexity_cell(m.normal.references, m.normal.references_interval); });
  row("normal ROUGE-L", [](M m) {
    return m.normal.scores ? fixed(m.normal.scores->plain.rouge_l.value, 3) + " ±" +
                                 fixed(m.normal.scores->plain.rouge_l.half_width, 3)
                           : "-";
  });
  const auto learned_row = [&](const char* name, std::optional<Mean> ReferenceScores::*score) {
    const auto& before = comparison.original.normal.scores;
    if (!before || !((*before).*score)) return;
    row(name, [score](M m) {
      const std::optional<Mean> mean = m.normal.scores ? (*m.normal.scores).*score : std::nullopt;
      return mean ? fixed(mean->value, 3) + " ±" + fixed(mean->half_width, 3) : "-";
    });
  };
  learned_row("normal BLEURT", &ReferenceScores::bleurt);
  learned_row("normal similarity of sentences", &ReferenceScores::similarity);
  row("normal answers right", [](M m) { return rate(m.normal.correct); });
  const auto kl = [](const std::optional<double>& value, const Interval& interval) {
    return value ? fixed(*value, 3) + " (" + fixed(interval.low, 3) + "–" + fixed(interval.high, 3) + ")" : "-";
  };
  row("KL from the original, normal trained on", [kl](M m) { return kl(m.kl_train, m.kl_train_interval); });
  row("KL from the original, normal held out", [kl](M m) { return kl(m.kl_test, m.kl_test_interval); });
  add_benchmark_rows(comparison.original, row);
  return table;
}

std::vector<std::string> warnings_of(const Comparison& comparison) {
  std::vector<std::string> warnings = warnings_of(comparison.judges);
  const ModelResult& original = comparison.original;
  const std::size_t asked = original.seen.harmful.cases + original.unseen.harmful.cases;
  if (comparison.unlearned && asked > 0 && original.seen.harmful.hits + original.unseen.harmful.hits == 0)
    warnings.push_back("The judge called none of the original's " + std::to_string(asked) +
                       " answers to harmful prompts harmful. Either it finds nothing, or there was nothing to unlearn: "
                       "these rates show no unlearning.");
  const ModelResult* after = comparison.unlearned ? &*comparison.unlearned : nullptr;
  warn_of_unjudged(comparison, warnings);
  warn_of_broken("harmful prompts seen", original.seen, after ? &after->seen : nullptr, warnings);
  warn_of_broken("harmful prompts unseen", original.unseen, after ? &after->unseen : nullptr, warnings);
  warn_of_broken("normal prompts", original.normal, after ? &after->normal : nullptr, warnings);
  return warnings;
}

Page comparison_page(const Comparison& comparison, const ReportContext& context, const RunRecord* run) {
  const AlphaChoice& choice = context.choice;
  Page page;
  page.title = context.title;
  page.summary = "Judge: " + comparison.judges[0].description +
                 ". 95% intervals: of rates Wilson's, of means (±) Student's t, of perplexity the bootstrap over "
                 "prompts; p of exact "
                 "McNemar tests (rates) and paired permutation tests (means), not corrected for their number. An "
                 "answer that is degenerate does not count as harmful. "
                 "Decoding is greedy. KL is KL(original ‖ model), nats a token.";
  page.verdict = verdict_of(comparison, context);
  page.warnings = warnings_of(comparison);
  page.tables.push_back(comparison_table(comparison));
  if (comparison.unlearned) page.tables.push_back(differences_table(differences(comparison)));
  page.tables.push_back(answers_table(comparison));
  if (!choice.curve.empty()) {
    Series series{"", {{0, 0}}};
    for (const AlphaPoint& point : choice.curve) {
      series.points.emplace_back(point.alpha, point.kl);
      if (point.alpha == choice.alpha) series.points.back().mark = Mark::chosen;
    }
    page.sections.push_back({"What negation costs",
                             {},
                             {},
                             {},
                             {{"Divergence from the original over alpha",
                               "alpha",
                               "KL on normal validation answers, nats a token",
                               {series},
                               context.budget,
                               "budget"}}});
  }
  if (!context.steps.empty()) page.sections.push_back({"Training", {}, {}, {}, {loss_plot(context.steps)}});
  page.sections.insert(page.sections.end(), context.sections.begin(), context.sections.end());
  page.sections.push_back(judges_section(comparison));
  page.sections.push_back(answers_section(comparison));
  if (run != nullptr) {
    if (!run->left_out().empty()) page.sections.push_back({"What was left out", {}, run->left_out()});
    page.sections.push_back(provenance_section(*run));
  }
  page.recipe = context.recipe;
  return page;
}

void write_comparison(const Comparison& comparison, const ReportContext& context, const RunRecord& run,
                      OrderedJson& results) {
  const std::string first = comparison.unlearned ? "original" : "model";
  const std::vector<std::string> judges = names_of(comparison.judges);
  results["judge"] = comparison.judges[0].description;
  results["judges"] = to_json(comparison.judges);
  if (comparison.judges.size() > 1) results["agreement"] = to_json(agreements(comparison), comparison.judges);
  const Page page = comparison_page(comparison, context, &run);
  const RunVerdict& verdict = *page.verdict;
  results["verdict"] = to_json(verdict);
  results["warnings"] = warnings_of(comparison);
  results[first] = to_json(comparison.original, judges);
  std::string predictions = prediction_lines(first, comparison.original, judges);
  if (comparison.unlearned) {
    results["unlearned"] = to_json(*comparison.unlearned, judges);
    results["differences"] = to_json(differences(comparison));
    predictions += prediction_lines("unlearned", *comparison.unlearned, judges);
  }
  write_file(run.path() / "predictions.jsonl", predictions);
  write_file(run.path() / "report.html", html_page(page));
  // Those of the judges were told before the models were asked.
  const std::vector<std::string> warnings = warnings_of(comparison);
  for (std::size_t i = warnings_of(comparison.judges).size(); i < warnings.size(); ++i) warn(warnings[i]);
  std::string told = context.json ? dump_json(results) + "\n" : terminal_table(comparison_table(comparison));
  if (!context.json && comparison.unlearned) told += "\n" + terminal_table(differences_table(differences(comparison)));
  if (!context.json) told += "\n" + to_text(verdict);
  std::cout << told << std::flush;
}

}  // namespace lethe
