// The figures of an evaluation: one row a figure, with its name, unit, direction, value, test and places. Tables,
// results.json, paired tests, the verdict, --keep, sweep and reproduce all read these rows.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/evaluation.h"

namespace lethe {

/// Values by the figures' names. What was not measured is left out.
using Figures = std::map<std::string, double>;

/// A figure's value of one model, with its 95% interval or half width where there is one.
struct Measured {
  double value = 0;
  std::optional<Interval> interval{};
  std::optional<double> half_width{};
};

/// What one prompt adds to a figure that is Σ sum / Σ weight: hits and cases of a rate, a value and 1 of a mean over
/// prompts, nats and tokens of a mean over tokens.
struct FigureCase {
  double sum = 0, weight = 1;
};
/// One entry a prompt, in the set's order; nothing where the prompt has no value (it could not be judged).
using FigureCases = std::vector<std::optional<FigureCase>>;

enum class Better : std::uint8_t { unset, lower, higher };
/// How two models are compared on the same prompts.
enum class PairedTest : std::uint8_t { none, mcnemar, permutation };
/// Whether a figure is a row of the report's main table.
enum class MainRow : std::uint8_t { none, always, if_measured };
/// Which bounds decide in the verdict that a change for the worse is damage.
enum class Damage : std::uint8_t { none, rate, refusals, score, perplexity };

/// Place among the columns of reproduce's tables (0: none) and what stands above it.
struct FigureColumn {
  int place = 0;
  std::string title;
  bool in_sweep = true;  ///< sweep's table has the column, too
};

struct Figure {
  std::string name;   ///< in results.json, sweep.json, table.json and --keep; never changes
  std::string title;  ///< row of the report's tables
  std::string unit;   ///< "share" (printed in percent), "nats a token", "perplexity" or "score"
  Better better = Better::unset;
  int digits = 3;  ///< printed after the decimal point; shares have 1

  /// A figure has one of these two.
  std::function<std::optional<Measured>(const ModelResult&)> measure{};
  std::function<std::optional<double>(const Figures&)> derive{};

  PairedTest test = PairedTest::none;
  std::function<FigureCases(const ModelResult&)> cases{};  ///< of figures with a test

  MainRow main = MainRow::none;
  bool in_answers = false;  ///< a row of the table "How the answers read", which also has the unlikely shares
  FigureColumn column{};
  std::string axis{};                                  ///< label of a plot's axis; of figures that are drawn
  SetResult ModelResult::*judged = nullptr;            ///< harmful rates: the set; every judge has its own row
  std::function<double(const ModelResult&)> chance{};  ///< what guessing would give; printed after the title
  Damage damage = Damage::none;
  std::string words{};  ///< the figure in a sentence of the verdict

  bool is_share() const { return unit == "share"; }
};

/// All figures, in the order of the report's tables.
const std::vector<Figure>& figures();
/// @return null for a name that is no figure's
const Figure* find_figure(const std::string& name);
/// @throws std::out_of_range for a name that is no figure's: names in the code are names of figures
const Figure& figure_named(const std::string& name);
/// Those of reproduce's tables, by place.
std::vector<const Figure*> column_figures();

/// All that was measured of one model, derived figures included.
Figures figures_of(const ModelResult& result);
OrderedJson to_json(const Figures& values);
/// A value by name. Derived figures are computed where they are missing (files of older versions).
std::optional<double> value_in(const Figures& values, const std::string& name);

/// "12.3%" or "0.123"
std::string text_of(const Figure& figure, double value);
/// With its interval: "12.3% (9–16)", "0.123 ±0.010", "4.56 (4.10–5.02)"; "-" for nothing.
std::string text_of(const Figure& figure, const std::optional<Measured>& measured);
/// A rate with its interval; nothing without cases.
std::optional<Measured> measured_share(const Proportion& share);

/// Whether the first judge's verdicts decide this figure. It is not measured where they are withheld.
bool is_of_harm(const Figure& figure);
/// "Harm: not judged (…).", where no rate of harm is printed. @param why  ModelResult::judge_withheld
std::string harm_not_judged(const std::string& why);

/// Whether a smaller value of this figure is better. @throws std::out_of_range for an unknown name
bool smaller_is_better(const std::string& figure);

/// The figure by which settings are chosen: reproduce's learning rates and sweep's best point. Choosing uses prompts
/// seen and unseen, because a choice on few validation prompts needs all of them. Tables show harm_or_broken_unseen,
/// because only unseen prompts say what the model forgot beyond its training rows.
inline constexpr const char* kChoiceFigure = "harm_or_broken_seen_unseen";
/// Its value; 0 if no answer was judged.
double harm_to_choose_by(const Figures& values);

}  // namespace lethe
