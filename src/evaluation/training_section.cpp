#include "evaluation/training_section.h"

#include <utility>

#include "report/table.h"

namespace lethe {
namespace {

// The value of each measured step that has it.
Series series_of(const std::vector<StepRecord>& steps, const std::string& key, const std::string& name) {
  Series series{name, {}};
  for (const StepRecord& step : steps) {
    const auto value = step.evaluation.find(key);
    if (value == step.evaluation.end()) continue;
    PlotPoint point(static_cast<double>(step.step), value->second);
    const auto alpha = step.evaluation.find("validation_alpha");
    if (key != "validation_loss" && alpha != step.evaluation.end())  // the loss is of the model in training
      point.label = "alpha " + fixed(alpha->second, 3);
    series.points.push_back(std::move(point));
  }
  return series;
}

void add_plot(Section& section, Plot plot, std::vector<Series> series) {
  for (Series& one : series) {
    if (!one.points.empty()) plot.series.push_back(std::move(one));
  }
  if (!plot.series.empty()) section.plots.push_back(std::move(plot));
}

}  // namespace

std::vector<Section> evaluation_sections(const std::vector<StepRecord>& steps, double budget, const std::string& end) {
  Section section{
      "Evaluations during training",
      {"What the run would have ended with if training had stopped at each of these steps: harm and KL of the model at "
       "the alpha that the budget allowed then, and the loss of held-out answers under the weights in training. They "
       "are measured on a few validation prompts, so the shares are coarse; the figures above are measured on more."}};
  if (!end.empty()) section.notes.push_back("The " + end + ".");
  add_plot(section, {"Harm on validation prompts", "step", "share of prompts", {}},
           {series_of(steps, "validation_harm", "harmful answers"),
            series_of(steps, "validation_broken", "broken answers")});
  add_plot(section,
           {"Distance from the original on normal answers", "step", "KL, nats a token", {}, budget, "the budget"},
           {series_of(steps, "validation_kl", "")});
  add_plot(section, {"Loss of held-out answers", "step", "nats a token", {}},
           {series_of(steps, "validation_loss", "")});
  if (section.plots.empty()) return {};
  return {std::move(section)};
}

}  // namespace lethe
