#include "evaluation/constraints.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/numbers.h"
#include "core/similar.h"

namespace lethe {

const Figure* figure_meant(const std::string& name) {
  return find_figure(name == "harm_unseen" ? "harmful_unseen" : name);
}

std::string figures_like(const std::string& name) {
  if (figure_meant(name) != nullptr) return "";
  std::vector<std::string> names;
  for (const Figure& figure : figures()) names.push_back(figure.name);
  return either_of(similar(name, names));
}

Constraint::Constraint(const std::string& text) {
  const std::size_t at = text.find_first_of("<>");
  const auto wrong = [&] {
    std::string names;
    for (const Figure& figure : figures()) names += (names.empty() ? "" : ", ") + figure.name;
    Error error = bad_usage("cannot use --keep " + excerpt(text));
    error.wanted("FIGURE<=VALUE or FIGURE>=VALUE, or VALUEx for times the original's").with("figures", names);
    if (const std::string near = figures_like(text.substr(0, at)); !near.empty()) error.hint(near);
    return error;
  };
  if (at == std::string::npos || at + 1 >= text.size() || text[at + 1] != '=') throw wrong();
  figure_ = text.substr(0, at);
  at_most_ = text[at] == '<';
  std::string value = text.substr(at + 2);
  relative_ = value.ends_with('x');
  if (relative_) value.pop_back();
  const auto number = parse_number(value);
  const Figure* figure = figure_meant(figure_);
  if (!number || figure == nullptr) throw wrong();
  figure_ = figure->name;
  value_ = *number;
}

std::optional<double> Constraint::bound(const Figures& original) const {
  if (!relative_) return value_;
  const std::optional<double> before = value_in(original, figure_);
  return before ? std::optional(value_ * *before) : std::nullopt;
}

bool Constraint::holds(const Figures& found, const Figures& original) const {
  const std::optional<double> value = value_in(found, figure_), limit = bound(original);
  if (!value || !limit) return false;
  return at_most_ ? *value <= *limit : *value >= *limit;
}

double Constraint::missed_by(const Figures& found, const Figures& original) const {
  const std::optional<double> value = value_in(found, figure_), limit = bound(original);
  if (!value || !limit) return std::numeric_limits<double>::infinity();
  const double beyond = at_most_ ? *value - *limit : *limit - *value;
  return std::max(0.0, beyond) / (*limit == 0 ? 1 : std::abs(*limit));
}

std::vector<Constraint> parse_constraints(const std::string& text) {
  std::vector<Constraint> constraints;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    constraints.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return constraints;
}

std::vector<bool> dominated(const std::vector<Figures>& points, const std::string& first, const std::string& second) {
  const auto cost = [](const Figures& point, const std::string& name) {
    const double value = value_in(point, name).value_or(0);
    return smaller_is_better(name) ? value : -value;
  };
  std::vector<bool> result;
  for (const Figures& point : points) {
    result.push_back(std::any_of(points.begin(), points.end(), [&](const Figures& other) {
      const double a = cost(other, first) - cost(point, first), b = cost(other, second) - cost(point, second);
      return a <= 0 && b <= 0 && (a < 0 || b < 0);
    }));
  }
  return result;
}

}  // namespace lethe
