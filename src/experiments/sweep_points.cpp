#include "experiments/sweep_points.h"

#include <algorithm>
#include <map>

#include "experiments/cells.h"

namespace lethe {
namespace {

std::string mark_of(const SweepResult& result, std::size_t i) {
  const SweepPoint& point = result.points[i];
  if (!point.failed.empty()) return "failed: " + failure_line(point.failed);
  if (result.best == i) return "<- best";
  if (!point.mark.empty()) return point.mark;
  if (!point.allowed) return "outside --keep";
  return point.dominated && point.dominated_in_quality ? "dominated"
         : point.dominated                             ? "dominated in KL"
         : point.dominated_in_quality                  ? "dominated in ROUGE-L"
                                                       : "";
}

// Harm against one cost. Few settings, each with several α, become curves; many become one cloud with its best points.
Plot trade_off_plot(const SweepResult& result, const std::string& title, const std::string& cost) {
  const Figure& figure = figure_named(cost);
  const bool by_quality = figure.better == Better::higher;
  Plot plot{title, figure.axis + (by_quality ? " (to the right is better)" : ""), figure_named(kChoiceFigure).axis, {}};
  std::map<std::string, std::vector<PlotPoint>> curves;  // by settings
  std::vector<std::string> order;
  bool several = false;
  for (std::size_t i = 0; i < result.points.size(); ++i) {
    const SweepPoint& point = result.points[i];
    const auto x = point.figures.find(cost);
    if (!point.failed.empty() || x == point.figures.end()) continue;
    SweepPoint settings = point;
    settings.alpha = 0;
    const std::string name = settings.label();
    if (!curves.contains(name)) order.push_back(name);
    PlotPoint drawn(x->second, harm_to_choose_by(point.figures));
    drawn.label = point.label();
    if (by_quality ? point.dominated_in_quality : point.dominated) drawn.mark = Mark::dominated;
    if (result.best == i) drawn.mark = Mark::chosen;
    curves[name].push_back(drawn);
    several |= curves[name].size() > 1;
  }
  const auto start = result.original.find(cost);
  PlotPoint original(start == result.original.end() ? 0 : start->second, harm_to_choose_by(result.original));
  original.label = "the original";
  const auto sorted = [](std::vector<PlotPoint> points) {
    std::stable_sort(points.begin(), points.end(), [](const PlotPoint& a, const PlotPoint& b) { return a.x < b.x; });
    return points;
  };
  if (several && order.size() <= 10) {
    for (const std::string& name : order) {
      std::vector<PlotPoint> points = curves[name];
      points.insert(points.begin(), original);
      plot.series.push_back({name.empty() ? "the run" : name, points});
    }
    return plot;
  }
  Series front{"best trade-offs", {original}}, rest{"dominated", {}, false};
  for (const auto& [name, points] : curves) {
    for (const PlotPoint& point : points) (point.mark == Mark::dominated ? rest : front).points.push_back(point);
  }
  front.points = sorted(front.points);
  plot.series = {front};
  if (!rest.points.empty()) plot.series.push_back(rest);
  return plot;
}

}  // namespace

std::string SweepPoint::label() const {
  std::string text;
  for (const auto& [key, value] : settings) text += (text.empty() ? "" : " ") + key + "=" + value;
  if (budget > 0) text += (text.empty() ? "" : ", ") + std::string("KL budget ") + fixed(budget, 3);
  if (alpha > 0) text += (text.empty() ? "" : ", ") + std::string("alpha ") + fixed(alpha, 3);
  return text;
}

void assess(SweepResult& result) {
  const std::vector<Constraint> constraints = parse_constraints(result.keep);
  const bool judged = result.judge_withheld.empty();
  if (judged) result.original["harm"] = harm_to_choose_by(result.original);
  std::vector<Figures> measured;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < result.points.size(); ++i) {
    SweepPoint& point = result.points[i];
    point.allowed = point.failed.empty();
    if (!point.failed.empty()) continue;
    if (judged) point.figures["harm"] = harm_to_choose_by(point.figures);
    point.allowed = std::all_of(constraints.begin(), constraints.end(), [&](const Constraint& constraint) {
      return constraint.holds(point.figures, result.original);
    });
    measured.push_back(point.figures);
    places.push_back(i);
  }
  result.best.reset();
  if (!judged) return;
  const std::vector<bool> by_kl = dominated(measured, kChoiceFigure, "normal_kl"),
                          by_quality = dominated(measured, kChoiceFigure, "normal_rouge_l");
  const auto worse = [&](const Figures& a, const Figures& b) {
    const auto kl = [](const Figures& figures) { return value_in(figures, "normal_kl").value_or(0); };
    return std::pair(harm_to_choose_by(a), kl(a)) > std::pair(harm_to_choose_by(b), kl(b));
  };
  for (std::size_t i = 0; i < places.size(); ++i) {
    SweepPoint& point = result.points[places[i]];
    point.dominated = by_kl[i];
    point.dominated_in_quality = by_quality[i];
    if (point.allowed && (!result.best || worse(result.points[*result.best].figures, point.figures)))
      result.best = places[i];
  }
}

Table sweep_table(const SweepResult& result) {
  Table table{"", {}, {}};
  std::vector<std::string> keys;  // set by some point
  for (const SweepPoint& point : result.points) {
    for (const auto& [key, value] : point.settings) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  table.columns = keys;
  table.columns.emplace_back("alpha");
  std::vector<const Figure*> columns = column_figures();
  std::erase_if(columns, [](const Figure* figure) { return !figure->column.in_sweep; });
  for (const Figure* figure : columns) table.columns.push_back(figure->column.title);
  table.columns.emplace_back("");
  const auto add = [&](std::vector<std::string> cells, const Figures& figures, const std::string& mark) {
    for (const Figure* figure : columns) {
      const auto value = value_in(figures, figure->name);
      const bool withheld = !result.judge_withheld.empty() && is_of_harm(*figure);
      cells.push_back(value ? text_of(*figure, *value) : withheld ? "not judged" : "-");
    }
    cells.push_back(mark);
    table.rows.push_back(std::move(cells));
  };
  std::vector<std::string> name(keys.size() + 1);
  name[0] = "original";
  add(name, result.original, "");
  for (std::size_t i = 0; i < result.points.size(); ++i) {
    const SweepPoint& point = result.points[i];
    std::vector<std::string> cells;
    for (const std::string& key : keys) {
      const auto found = std::find_if(point.settings.begin(), point.settings.end(),
                                      [&](const auto& setting) { return setting.first == key; });
      cells.push_back(found != point.settings.end() ? found->second : point.failed.empty() ? "" : "-");
    }
    cells.push_back(point.failed.empty() ? fixed(point.alpha, 3) : "-");
    add(cells, point.figures, mark_of(result, i));
  }
  return table;
}

OrderedJson to_json(const SweepPoint& point) {
  OrderedJson json = OrderedJson::object();
  if (!point.settings.empty()) {
    json["settings"] = OrderedJson::object();
    for (const auto& [key, value] : point.settings) json["settings"][key] = value;
  }
  if (!point.failed.empty()) {
    json["failed"] = point.failed;
    return json;
  }
  json["alpha"] = point.alpha;
  if (point.budget > 0) json["kl_budget"] = point.budget;
  json.update(to_json(point.figures));
  json["dominated"] = point.dominated;
  json["dominated_in_quality"] = point.dominated_in_quality;
  json["allowed"] = point.allowed;
  return json;
}

Page sweep_page(const SweepResult& result) {
  Page page;
  page.title = result.title;
  page.summary =
      std::string(result.trained ? "Each row trained anew from the run's recipe, with its data, split and seed"
                                 : "Each alpha of the run's task vector, without training again") +
      ", on " + result.prompts +
      " prompts. Dominated: another point is as good in harm and in cost, and better in one. Best: the fewest "
      "harmful or broken answers (mean of prompts seen and unseen)" +
      (result.keep.empty() ? "." : " among the points that keep " + result.keep + ".");
  page.tables.push_back(sweep_table(result));
  if (result.judge_withheld.empty()) {
    page.plots.push_back(trade_off_plot(result, "Harm against divergence", "normal_kl"));
    page.plots.push_back(trade_off_plot(result, "Harm against answer quality", "normal_rouge_l"));
  } else {
    page.verdict = RunVerdict{VerdictLevel::none, harm_not_judged(result.judge_withheld), {}};
  }
  for (const SweepPoint& point : result.points) {
    if (!point.failed.empty()) page.warnings.push_back(point.label() + " failed: " + point.failed);
  }
  return page;
}

}  // namespace lethe
