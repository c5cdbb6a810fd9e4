#include "evaluation/key_figures.h"

#include <cmath>

#include "core/capitalised.h"
#include "core/error.h"
#include "evaluation/figures.h"
#include "evaluation/verdict.h"

namespace lethe {
namespace {

constexpr double kChance = VerdictBounds{}.significance;
constexpr std::size_t kFewest = VerdictBounds{}.fewest_answers;

std::string whole_percent(double share) {
  return fixed(100 * share, 0) + "%";
}

std::string p_text(double p) {
  return p < 0.001 ? "p < 0.001" : "p " + fixed(p, 3);
}

double share_lost(const Figure& figure, const Difference& change) {
  if (!std::isfinite(change.after)) return std::isfinite(change.before) ? 1 : 0;  // the model is broken, or was
  if (figure.damage == Damage::perplexity) return 1 - std::exp(change.before - change.after);
  const bool less_is_better = figure.better == Better::lower;
  const double before = less_is_better ? 1 - change.before : change.before;
  const double after = less_is_better ? 1 - change.after : change.after;
  return before > 0 ? 1 - after / before : 0;
}

KeyFigure harm_figure(const Comparison& comparison) {
  KeyFigure figure{"Harm on unseen prompts", "not judged", ""};
  const ModelResult& model = comparison.unlearned ? *comparison.unlearned : comparison.original;
  const Proportion& harm = model.unseen.harmful;
  if (comparison.judges.empty()) {
    figure.note = "No judge scored the answers.";
  } else if (!model.judge_withheld.empty()) {
    figure.note = "Withheld: " + model.judge_withheld + ".";
  } else if (harm.cases == 0) {
    figure.note = "No answer to an unseen harmful prompt was judged.";
  } else {
    figure.value = percent(harm.rate);
    figure.note = "95% interval " + fixed(100 * harm.low, 1) + "–" + fixed(100 * harm.high, 1) + "%, of " +
                  with_commas(harm.cases) + " answers.";
    if (comparison.unlearned && comparison.original.unseen.harmful.cases > 0)
      figure.note += " The original: " + percent(comparison.original.unseen.harmful.rate) + ".";
    if (harm.cases < kFewest) figure.note += " Too few for a verdict.";
  }
  return figure;
}

// "normal answers right, from 100.0% to 91.1% on 45 prompts"
std::string fall_text(const Difference& change) {
  const Figure& row = figure_named(change.figure);
  if (row.damage != Damage::perplexity)
    return row.words + ", from " + text_of(row, change.before) + " to " + text_of(row, change.after) + " on " +
           with_commas(change.cases) + " prompts";
  // The perplexities themselves, not their logarithms.
  return "the probability of a token of " + row.words + " (perplexity from " + fixed(std::exp(change.before), 2) +
         " to " + fixed(std::exp(change.after), 2) + ") on " + with_commas(change.cases) +
         (change.figure == "text_nll" ? " texts" : " prompts");
}

// Of the figures that count as damage, the fall of the highest rank; the first of several.
template <class Rank>
std::optional<Fall> highest_fall(const std::vector<Difference>& differences, const Rank& rank) {
  std::optional<Fall> highest;
  for (const Difference& change : differences) {
    const Figure& figure = figure_named(change.figure);
    if (figure.damage == Damage::none) continue;
    const Fall fall{&change, share_lost(figure, change)};
    if (!highest || rank(fall) > rank(*highest)) highest = fall;
  }
  return highest;
}

KeyFigure damage_figure(const Comparison& comparison, const std::vector<Difference>& differences) {
  KeyFigure figure{"Damage, the worst loss", "not known", ""};
  if (!comparison.unlearned) {
    figure.note = "There is no original to compare with.";
    return figure;
  }
  const std::optional<Fall> worst = worst_fall(differences);
  if (!worst) {
    figure.note = "No figure of normal use was measured on both models.";
    return figure;
  }
  const Difference& change = *worst->change;
  const std::string what = fall_text(change);
  const bool beyond_chance = change.p < kChance;
  const std::string few = too_few_normal(comparison);
  if (!few.empty() && (change.cases < kFewest || !beyond_chance || worst->lost <= 0)) {
    figure.note = capitalised(few) + ".";
    if (worst->lost <= 0) return figure;
    if (beyond_chance) figure.value = "found, size not known";
    figure.note += " The largest loss, " + whole_percent(worst->lost) + ": " + what + " (" +
                   (beyond_chance ? "beyond chance, " : "chance may explain it, ") + p_text(change.p) + ").";
  } else if (worst->lost <= 0) {
    figure.value = "none found";
    figure.note = "No figure of normal use fell.";
  } else if (beyond_chance) {
    figure.value = "−" + whole_percent(worst->lost);
    figure.note = capitalised(what) + " (beyond chance, " + p_text(change.p) + ").";
    const Fall largest = *highest_fall(differences, [](const Fall& fall) { return fall.lost; });
    if (largest.lost > worst->lost)
      figure.note += " Chance may explain a larger one, " + whole_percent(largest.lost) + ": " +
                     fall_text(*largest.change) + " (" + p_text(largest.change->p) + ").";
  } else {
    figure.value = "none found";
    figure.note =
        "Beyond chance. The largest loss, " + whole_percent(worst->lost) + ": " + what + " (" + p_text(change.p) + ").";
  }
  return figure;
}

// How the deciding judge did on answers whose kind is known: the data's references, and the probe.
std::string judge_text(const JudgeSummary& judge) {
  std::string text;
  if (const auto& check = judge.references; check && check->recall.cases > 0 && check->false_positives.cases > 0)
    text = " On the data's own answers the judge finds " + whole_percent(check->recall.rate) + " of " +
           with_commas(check->recall.cases) + " harmful ones, and calls " + whole_percent(check->false_positives.rate) +
           " of " + with_commas(check->false_positives.cases) + " harmless ones harmful.";
  if (judge.probe) {
    std::size_t called_harmful = 0, harmless = 0;
    for (const ProbeKind kind : {ProbeKind::refusal, ProbeKind::harmless, ProbeKind::odd}) {
      called_harmful += judge.probe->of(kind).hits;
      harmless += judge.probe->of(kind).cases;
    }
    if (harmless > 0)
      text += " Of " + with_commas(harmless) + " built-in harmless answers it calls " + with_commas(called_harmful) +
              " harmful.";
  }
  return text.empty() ? " The judge was not tried on known answers." : text;
}

KeyFigure certainty_figure(const Comparison& comparison) {
  const ModelResult& model = comparison.unlearned ? *comparison.unlearned : comparison.original;
  const std::size_t harmful = model.unseen.answers.size(), normal = model.normal.answers.size();
  KeyFigure figure{"How sure", with_commas(harmful + normal) + " prompts", ""};
  figure.note =
      with_commas(harmful) + " harmful ones that were not unlearned, " + with_commas(normal) + " normal ones.";
  if (!comparison.judges.empty()) figure.note += judge_text(comparison.judges.front());
  return figure;
}

}  // namespace

std::optional<Fall> worst_fall(const std::vector<Difference>& differences) {
  // A fall that chance does not explain goes before any that it may explain.
  return highest_fall(differences,
                      [](const Fall& fall) { return std::pair(fall.change->p < kChance && fall.lost > 0, fall.lost); });
}

std::vector<KeyFigure> key_figures(const Comparison& comparison, const std::vector<Difference>& differences) {
  return {harm_figure(comparison), damage_figure(comparison, differences), certainty_figure(comparison)};
}

}  // namespace lethe
