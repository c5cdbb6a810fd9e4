#include "evaluation/comparison_report.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "core/terminal.h"
#include "evaluation/figure_tables.h"
#include "evaluation/figures.h"
#include "evaluation/harness_results.h"
#include "evaluation/judge_report.h"
#include "evaluation/key_figures.h"
#include "evaluation/training_section.h"
#include "evaluation/verdict.h"
#include "report/publishing_limits.h"

namespace lethe {
namespace {

// @param withheld  whether the deciding judge failed its checks
ShownAnswer shown(const JudgedAnswer& answer, bool normal, bool withheld) {
  ShownAnswer result{answer.response, "", Tone::good};
  if (normal) {
    const bool correct = answer.scores && answer.scores->correct;
    result.verdict = correct          ? "right"
                     : answer.refuses ? "refuses"
                     : answer.scores  ? "ROUGE-L " + fixed(answer.scores->plain.rouge_l.f1, 2)
                                      : "answers";
    if (!correct) result.tone = Tone::neutral;
  } else if (withheld) {
    result.verdict = "not judged";
    result.tone = Tone::unjudged;
  } else {
    const std::optional<bool> harmful = answer.harmful();
    result.verdict = !harmful ? "could not be judged" : *harmful ? "harmful" : "not harmful";
    if (!harmful) result.tone = Tone::unjudged;
    if (harmful.value_or(false)) result.tone = Tone::harmful;
  }
  if (answer.degeneracy != Degeneracy::none) {
    result.verdict += ", " + word_of(answer.degeneracy);
    result.tone = Tone::broken;
  }
  return result;
}

// A term of a method's loss: its name in metrics.jsonl, in the legend, and what it measures.
struct LossTerm {
  const char *key, *name, *meaning;
};

// The terms of the method that wrote these steps; `kl` and `ce` mean different things in different methods.
std::vector<LossTerm> loss_terms(const std::map<std::string, double>& terms) {
  const bool negates = terms.contains("gd") || terms.contains("rd"),
             ascends = terms.contains("ce") && terms.contains("kl");
  return {
      {"gd", "harmful answers (gd)", "guided distortion: how unlikely the harmful answers are. It should fall."},
      {"rd", "harmful answers of other prompts (rd)",
       "random disassociation: how unlikely harmful answers are after other prompts. It should fall."},
      {"ce", ascends ? "harmful answers (ce)" : "answers trained on (ce)",
       ascends ? "how unlikely the harmful answers are. Gradient ascent makes it rise."
               : "how unlikely the answers trained on are. It should fall."},
      {"forget", "forget loss (forget)",
       "the method's own loss on harmful answers, on its own scale. Most fall; one that weighs tokens by their "
       "probability ends near 0."},
      {"retain", "retain loss (retain)", "the loss that holds normal answers. It should stay small."},
      {"dual", "weight of the retain loss (dual)", "PDU's λ. It rises while the retain loss is above objective.eps."},
      {"safe", "safe answers (safe)", "how unlikely the safe answers are after harmful prompts. It should fall."},
      {"mismatch", "normal answers to harmful prompts (mismatch)",
       "how unlikely normal answers are after harmful prompts. It should fall."},
      {"kl", "distance from the original (kl)",
       negates ? "KL divergence from the original on normal answers. It rises on purpose, up to sku.pd_margin, so "
                 "that less normal knowledge is subtracted."
               : "KL divergence from the original on normal answers. It should stay small."}};
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
  Plot plot{"The loss, term by term", "step", "nats a token", {}};
  for (const LossTerm& term : loss_terms(steps.front().terms)) {
    const auto found = terms.find(term.key);
    if (found == terms.end()) continue;
    found->second.name = term.name;
    plot.series.push_back(std::move(found->second));
    terms.erase(found);
  }
  for (auto& [name, series] : terms) plot.series.push_back(std::move(series));  // of a method that is not listed
  return plot;
}

Section training_section(const std::string& title, const std::vector<StepRecord>& steps) {
  Section section{
      title, {"Each curve is the plain mean of one term, before weights and signs. The loss is their weighted sum."}};
  for (const LossTerm& term : loss_terms(steps.front().terms)) {
    if (steps.front().terms.contains(term.key)) section.items.push_back(std::string(term.name) + ": " + term.meaning);
  }
  section.plots.push_back(loss_plot(steps));
  return section;
}

AnswerGroup answer_group(const std::string& title, const SetResult& before, const SetResult* after, bool normal,
                         bool withheld) {
  constexpr std::size_t kMost = 40;
  AnswerGroup group{title, {}};
  group.withheld = withheld || normal;  // normal answers are not put to the judge
  for (std::size_t i = 0; i < before.answers.size() && i < kMost; ++i) {
    AnswerPair pair{before.answers[i].prompt, shown(before.answers[i], normal, withheld), std::nullopt};
    if (after != nullptr) pair.after = shown(after->answers[i], normal, withheld);
    group.pairs.push_back(std::move(pair));
  }
  group.left_out = before.answers.size() - group.pairs.size();
  return group;
}

Section answers_section(const Comparison& comparison) {
  Section section{
      comparison.unlearned ? "Answers before and after" : "Answers",
      {"Groups are folded, because some answers are harmful; harmful ones are folded once more. Model text is cut to "
       "600 bytes; predictions.jsonl holds all of it."}};
  const ModelResult* after = comparison.unlearned ? &*comparison.unlearned : nullptr;
  const bool withheld = !comparison.original.judge_withheld.empty();
  const std::string doubt = withheld ? " (not judged: the judge failed its checks)" : "";
  const auto add = [&](const char* name, const SetResult& before, const SetResult* then, bool normal) {
    if (!before.answers.empty())
      section.answers.push_back(answer_group(name + (normal ? "" : doubt), before, then, normal, withheld));
  };
  add("Harmful prompts, seen", comparison.original.seen, after ? &after->seen : nullptr, false);
  add("Harmful prompts, unseen", comparison.original.unseen, after ? &after->unseen : nullptr, false);
  add("Harmful prompts of another source", comparison.original.other, after ? &after->other : nullptr, false);
  add("Normal prompts", comparison.original.normal, after ? &after->normal : nullptr, true);
  if (!comparison.original.normal.answers.empty()) section.answers.back().examples = 2;
  add("Safe prompts that look unsafe", comparison.original.safe, after ? &after->safe : nullptr, true);
  add("Their unsafe counterparts", comparison.original.contrast, after ? &after->contrast : nullptr, true);
  return section;
}

// Refusals over α, where the choice of α measured them.
Plot refusal_plot(const AlphaChoice& choice, const RefusalLimit& limit) {
  Series series{"", {{0, limit.original}}};
  for (const AlphaPoint& point : choice.curve) {
    if (!point.refusing) continue;
    series.points.emplace_back(point.alpha, *point.refusing);
    if (point.alpha == choice.alpha) series.points.back().mark = Mark::chosen;
  }
  return {"A model that refuses too much is damaged as well",
          "alpha: how much of what was learned is applied",
          "share refused of " + with_commas(limit.prompts) + " normal and safe prompts, not those of the figures",
          {series},
          limit.largest(),
          "limit"};
}

// What was gained and what it cost: the figures of both models, their differences, and KL over α.
Section trade_off_section(const Comparison& comparison, const std::vector<Difference>& differences,
                          const ReportContext& context) {
  Section section{comparison.unlearned ? "What was gained, and what it cost" : "The figures"};
  section.tables.push_back(comparison_table(comparison));
  if (comparison.unlearned && !differences.empty()) section.tables.push_back(differences_table(differences));
  const AlphaChoice& choice = context.choice;
  if (choice.curve.empty()) return section;
  Series series{"", {{0, 0}}};
  for (const AlphaPoint& point : choice.curve) {
    series.points.emplace_back(point.alpha, point.kl);
    if (point.alpha == choice.alpha) series.points.back().mark = Mark::chosen;
  }
  section.plots.push_back({"The further from the original, the more is forgotten, and damaged",
                           "alpha: how much of what was learned is subtracted",
                           "KL from the original on normal validation answers, nats a token",
                           {series},
                           context.budget,
                           "budget"});
  if (choice.refusals) section.plots.push_back(refusal_plot(choice, *choice.refusals));
  return section;
}

// How the figures were measured, and how the answers read.
Section method_section(const Comparison& comparison) {
  Section section{"How it was measured", {}};
  if (!comparison.judges.empty()) section.items.push_back("Judge: " + comparison.judges[0].description + ".");
  section.items.insert(
      section.items.end(),
      {"Decoding is greedy. An answer that is broken (degenerate) does not count as harmful.",
       "Intervals hold 95%: of rates Wilson's, of means (±) Student's t, of perplexities the bootstrap over prompts.",
       "p is of exact McNemar tests (rates) and paired permutation tests (means), not corrected for their number.",
       "KL is KL(original ‖ model), nats a token. NLL is the negative log-likelihood: how unlikely an answer is."});
  if (Table answers = answers_table(comparison); !answers.rows.empty()) section.tables.push_back(std::move(answers));
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
  Table inputs{"Inputs", {"role", "path", "rows used", "bytes", "SHA-256 (of a folder: Lethe's own hash)"}, {}, true};
  for (const auto& input : facts.at("inputs")) {
    inputs.rows.push_back({text_of(input.at("role")), text_of(input.at("path")),
                           input.contains("rows") ? text_of(input.at("rows")) : "", text_of(input.at("bytes")),
                           text_of(input.contains("sha256") ? input.at("sha256") : input.at("files_hash"))});
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

// A rate of few judged answers is no rate of the model.
void warn_of_unjudged(const Comparison& comparison, std::vector<std::string>& warnings) {
  for (std::size_t j = 0; j < comparison.judges.size(); ++j) {
    std::size_t answers = 0, unjudged = 0;
    const auto count = [&](const ModelResult& model) {
      for (const SetResult* set : {&model.seen, &model.unseen, &model.other}) {
        answers += set->answers.size();
        unjudged += set->judged_by(j).unjudged;
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

}  // namespace

std::vector<std::string> warnings_of(const Comparison& comparison) {
  std::vector<std::string> warnings = warnings_of(comparison.judges);
  const ModelResult& original = comparison.original;
  const std::size_t judged = original.seen.harmful.cases + original.unseen.harmful.cases;
  if (original.judge_withheld.empty() && comparison.unlearned && judged > 0 &&
      original.seen.harmful.hits + original.unseen.harmful.hits == 0)
    warnings.push_back("The judge called none of the original's " + std::to_string(judged) +
                       " answers to harmful prompts harmful. Either it finds nothing, or there was nothing to unlearn: "
                       "these rates show no unlearning.");
  const ModelResult* after = comparison.unlearned ? &*comparison.unlearned : nullptr;
  warnings.insert(warnings.end(), comparison.template_warnings.begin(), comparison.template_warnings.end());
  warn_of_unjudged(comparison, warnings);
  warn_of_broken("harmful prompts seen", original.seen, after ? &after->seen : nullptr, warnings);
  warn_of_broken("harmful prompts unseen", original.unseen, after ? &after->unseen : nullptr, warnings);
  warn_of_broken("normal prompts", original.normal, after ? &after->normal : nullptr, warnings);
  return warnings;
}

Page comparison_page(const Comparison& comparison, const std::vector<Difference>& differences,
                     const ReportContext& context, const RunRecord* run) {
  Page page;
  page.title = context.title;
  page.verdict = verdict_of(comparison, differences, context);
  page.key_figures = key_figures(comparison, differences);
  page.warnings = warnings_of(comparison);
  page.sections.push_back(answers_section(comparison));
  page.sections.push_back(trade_off_section(comparison, differences, context));
  if (context.four_bits) {
    Table table = context.four_bits->table;
    page.sections.push_back({std::exchange(table.title, ""), context.four_bits->notes, {}, {std::move(table)}});
  }
  if (context.robustness) {
    Table table = context.robustness->table;
    table.title.clear();  // the section's
    page.sections.push_back({"What an attacker gets back",
                             context.robustness->notes,
                             {"The run's folder attacks/ has every setting and every answer."},
                             {std::move(table)}});
  }
  if (comparison.unlearned)
    page.sections.push_back({"Before you publish the model", {}, publishing_limits(context.origin)});
  if (!context.steps.empty())
    page.sections.push_back(
        training_section(context.safe_steps.empty() ? "Training" : "Training: learning the harm", context.steps));
  for (Section& section : evaluation_sections(context.steps, context.budget, context.training_end))
    page.sections.push_back(std::move(section));
  if (!context.safe_steps.empty())
    page.sections.push_back(training_section("Training: learning safe answers", context.safe_steps));
  page.sections.insert(page.sections.end(), context.sections.begin(), context.sections.end());
  page.sections.push_back(judges_section(comparison));
  page.sections.push_back(method_section(comparison));
  if (run != nullptr) {
    if (!run->left_out().empty()) page.sections.push_back({"What was left out", {}, run->left_out()});
    page.sections.push_back(provenance_section(*run));
  }
  page.recipe = context.recipe;
  return page;
}

RunVerdict write_comparison(const Comparison& comparison, const ReportContext& context, const RunRecord& run,
                            OrderedJson& results) {
  const std::string first = comparison.unlearned ? "original" : "model";
  const std::vector<std::string> judges = names_of(comparison.judges), failed = names_of_failed(comparison.judges);
  results["judge"] = comparison.judges[0].description;
  results["judges"] = to_json(comparison.judges);
  if (comparison.judges.size() > 1) results["agreement"] = to_json(agreements(comparison), comparison.judges);
  const std::vector<Difference> differences = differences_of(comparison);
  const std::vector<std::string> warnings = warnings_of(comparison);
  const Page page = comparison_page(comparison, differences, context, &run);
  RunVerdict verdict = *page.verdict;
  results["verdict"] = to_json(verdict);
  const ModelResult& model = comparison.unlearned ? *comparison.unlearned : comparison.original;
  const auto harm = figure_named("harmful_unseen").measure(model);
  if (context.robustness) results["attacks"] = context.robustness->results;
  results["harm_unseen"] = harm ? OrderedJson(harm->value) : OrderedJson();
  if (!model.judge_withheld.empty()) results["judge_withheld"] = model.judge_withheld;
  results["warnings"] = warnings;
  results[first] = to_json(comparison.original, judges, failed);
  std::string predictions = prediction_lines(first, comparison.original, judges);
  if (comparison.unlearned) {
    results["unlearned"] = to_json(*comparison.unlearned, judges, failed);
    results["differences"] = to_json(differences);
    predictions += prediction_lines("unlearned", *comparison.unlearned, judges);
  }
  write_file(run.path() / "predictions.jsonl", predictions);
  write_file(run.path() / "report.html", html_page(page));
  const HarnessRun harness{.model_name = context.model_name,
                           .model_args = context.model_args,
                           .lethe = run.describe().value("lethe", ""),
                           .date = static_cast<double>(std::time(nullptr))};
  write_file(run.path() / "results_lm_eval.json", dump_json(harness_results(comparison, harness), 2) + "\n");
  // Warnings about judges were printed before the models were evaluated.
  for (std::size_t i = warnings_of(comparison.judges).size(); i < warnings.size(); ++i) warn(warnings[i]);
  std::string text = context.json ? dump_json(results) + "\n" : terminal_table(comparison_table(comparison));
  if (!context.json && comparison.unlearned) text += "\n" + terminal_table(differences_table(differences));
  if (!context.json && context.robustness) text += "\n" + terminal_table(context.robustness->table);
  if (!context.json) text += "\n" + to_text(verdict);
  print_table(text);
  return verdict;
}

}  // namespace lethe
