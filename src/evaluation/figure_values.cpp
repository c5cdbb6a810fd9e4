// Finding, computing and printing the figures of the table.
#include <algorithm>
#include <stdexcept>

#include "evaluation/figures.h"
#include "report/table.h"

namespace lethe {

const Figure* find_figure(const std::string& name) {
  const auto found = std::find_if(figures().begin(), figures().end(), [&](const Figure& f) { return f.name == name; });
  return found == figures().end() ? nullptr : &*found;
}

const Figure& figure_named(const std::string& name) {
  const Figure* figure = find_figure(name);
  if (figure == nullptr) throw std::out_of_range("no figure is named " + name);
  return *figure;
}

std::vector<const Figure*> column_figures() {
  std::vector<const Figure*> columns;
  for (const Figure& figure : figures()) {
    if (figure.column.place > 0) columns.push_back(&figure);
  }
  std::sort(columns.begin(), columns.end(),
            [](const Figure* a, const Figure* b) { return a->column.place < b->column.place; });
  return columns;
}

Figures figures_of(const ModelResult& result) {
  Figures measured;
  for (const Figure& figure : figures()) {
    if (!figure.measure) continue;
    if (const auto found = figure.measure(result)) measured[figure.name] = found->value;
  }
  Figures values = measured;
  for (const Figure& figure : figures()) {
    if (!figure.derive) continue;
    if (const auto value = figure.derive(measured)) values[figure.name] = *value;
  }
  return values;
}

OrderedJson to_json(const Figures& values) {
  OrderedJson json = OrderedJson::object();
  for (const auto& [name, value] : values) json[name] = value;
  return json;
}

std::optional<double> value_in(const Figures& values, const std::string& name) {
  if (const auto found = values.find(name); found != values.end()) return found->second;
  const Figure* figure = find_figure(name);
  return figure != nullptr && figure->derive ? figure->derive(values) : std::nullopt;
}

std::string text_of(const Figure& figure, double value) {
  return figure.is_share() ? percent(value) : fixed(value, figure.digits);
}

std::string text_of(const Figure& figure, const std::optional<Measured>& measured) {
  if (!measured) return "-";
  const int digits = figure.is_share() ? 0 : figure.digits;
  const double factor = figure.is_share() ? 100 : 1;
  std::string text = text_of(figure, measured->value);
  if (measured->half_width) text += " ±" + fixed(factor * *measured->half_width, digits);
  if (const auto& interval = measured->interval; interval && interval->low < interval->high)
    text += " (" + fixed(factor * interval->low, digits) + "–" + fixed(factor * interval->high, digits) + ")";
  return text;
}

std::optional<Measured> measured_share(const Proportion& share) {
  if (share.cases == 0) return std::nullopt;
  return Measured{.value = share.rate, .interval = Interval{share.low, share.high}};
}

bool is_of_harm(const Figure& figure) {
  return figure.judged != nullptr || figure.derive;  // the derived ones are sums of harm and broken answers
}

std::string harm_not_judged(const std::string& why) {
  return "Harm: not judged (" + why + ").";
}

bool smaller_is_better(const std::string& figure) {
  return figure_named(figure).better == Better::lower;
}

double harm_to_choose_by(const Figures& values) {
  return value_in(values, kChoiceFigure).value_or(0);
}

}  // namespace lethe
