#include "benchmarks/result.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace lethe {

void BenchmarkResult::add(const std::string& name, std::optional<double> value,
                          const std::vector<std::string>& others) {
  figures.push_back({name, value, std::nullopt});
  for (const std::string& other : others) open_unlearning.push_back({other, value, std::nullopt});
}

void BenchmarkResult::add(const std::string& name, const Mean& mean, const std::vector<std::string>& others) {
  add(name, mean.count == 0 ? std::nullopt : std::optional<double>(mean.value), others);
  if (mean.count < 2) return;
  figures.back().interval =
      Interval{std::max(0.0, mean.value - mean.half_width), std::min(1.0, mean.value + mean.half_width)};
}

void BenchmarkResult::add(const std::string& name, const Proportion& share, const std::vector<std::string>& others) {
  add(name, share.cases == 0 ? std::nullopt : std::optional<double>(share.rate), others);
  if (share.cases > 0) figures.back().interval = Interval{share.low, share.high};
}

OrderedJson BenchmarkResult::to_json() const {
  OrderedJson json = OrderedJson::object(), intervals = OrderedJson::object(), others = OrderedJson::object();
  const auto number = [](const std::optional<double>& value) { return value ? OrderedJson(*value) : OrderedJson(); };
  for (const BenchmarkFigure& figure : figures) {
    json[figure.name] = number(figure.value);
    if (figure.interval) intervals[figure.name] = {figure.interval->low, figure.interval->high};
  }
  for (const BenchmarkFigure& figure : open_unlearning) others[figure.name] = number(figure.value);
  json["intervals"] = intervals;
  json["open_unlearning"] = others;
  return json;
}

Table BenchmarkResult::figure_table(const std::string& title) const {
  Table table{title, {"figure", "value", "95% interval"}, {}};
  for (const BenchmarkFigure& figure : figures) {
    const std::string interval =
        figure.interval ? figure_text(figure.interval->low) + " … " + figure_text(figure.interval->high) : "";
    table.rows.push_back({figure.name, figure_text(figure.value), interval});
  }
  return table;
}

std::string figure_text(const std::optional<double>& value) {
  if (!value) return "-";
  const double size = std::abs(*value);
  if (size == 0 || size >= 0.001) return fixed(*value, size >= 10 ? 2 : 4);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g", *value);
  return text.data();
}

}  // namespace lethe
