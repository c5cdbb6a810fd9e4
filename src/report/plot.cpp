#include "report/plot.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/join.h"
#include "report/escape.h"
#include "report/table.h"

namespace lethe {
namespace {

constexpr std::size_t kColours = 10, kShapes = 5;
constexpr std::size_t kMarkedPoints = 40;  // on longer curves only marked points get a dot

bool finite(const PlotPoint& point) {
  return std::isfinite(point.x) && std::isfinite(point.y);
}

std::string class_of(std::size_t number) {
  return "s" + std::to_string(number % kColours);
}

// The shape of a series around a point; `hollow` for dominated ones.
std::string shape(std::size_t number, double x, double y, double r, bool hollow) {
  const std::string look =
      hollow ? "fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\"/>" : "fill=\"currentColor\"/>";
  const auto polygon = [&](std::initializer_list<std::pair<double, double>> corners) {
    std::string points;
    for (const auto& [dx, dy] : corners)
      points += (points.empty() ? "" : " ") + fixed(x + r * dx, 1) + "," + fixed(y + r * dy, 1);
    return "<polygon points=\"" + points + "\" " + look;
  };
  switch (number % kShapes) {
    case 1:
      return polygon({{-0.9, -0.9}, {0.9, -0.9}, {0.9, 0.9}, {-0.9, 0.9}});
    case 2:
      return polygon({{0, -1.25}, {1.15, 0.85}, {-1.15, 0.85}});
    case 3:
      return polygon({{0, -1.35}, {1.35, 0}, {0, 1.35}, {-1.35, 0}});
    case 4:
      return polygon({{0, 1.25}, {1.15, -0.85}, {-1.15, -0.85}});
    default:
      return "<circle cx=\"" + fixed(x, 1) + "\" cy=\"" + fixed(y, 1) + "\" r=\"" + fixed(r, 1) + "\" " + look;
  }
}

std::string cross(double x, double y, double r) {
  return "<path class=\"cross\" d=\"M" + fixed(x - r, 1) + " " + fixed(y - r, 1) + "l" + fixed(2 * r, 1) + " " +
         fixed(2 * r, 1) + "m0 " + fixed(-2 * r, 1) + "l" + fixed(-2 * r, 1) + " " + fixed(2 * r, 1) + "\"/>";
}

std::string ring(double x, double y) {
  return "<circle class=\"chosen\" cx=\"" + fixed(x, 1) + "\" cy=\"" + fixed(y, 1) + "\" r=\"8\"/>";
}

std::string marked_point(std::size_t number, double x, double y, Mark mark) {
  std::string svg = shape(number, x, y, 4, mark == Mark::dominated);
  if (mark == Mark::dominated) svg += cross(x, y, 6);
  if (mark == Mark::chosen) svg += ring(x, y);
  return svg;
}

std::string tick_text(double value, double step) {
  if (std::abs(value) < step * 1e-9) value = 0;
  int digits = 0;
  for (double scaled = step; digits < 6 && std::abs(scaled - std::round(scaled)) > 1e-6 * scaled; scaled *= 10)
    ++digits;
  return fixed(value, digits);
}

class Drawing {
 public:
  explicit Drawing(const Plot& plot) : plot_(plot) {
    double low_x = 0, high_x = 0, low_y = 0, high_y = 0;
    bool any = false;
    const auto widen = [&](double x, double low, double high) {
      low_x = any ? std::min(low_x, x) : x;
      high_x = any ? std::max(high_x, x) : x;
      low_y = any ? std::min(low_y, low) : low;
      high_y = any ? std::max(high_y, high) : high;
      any = true;
    };
    for (const Series& series : plot.series) {
      for (const PlotPoint& point : series.points) {
        if (!finite(point) || (plot.largest_x > 0 && point.x > plot.largest_x)) continue;
        widen(point.x, std::isfinite(point.low) ? std::min(point.low, point.y) : point.y,
              std::isfinite(point.high) ? std::max(point.high, point.y) : point.y);
      }
    }
    if (plot.limit > 0 && any) high_y = std::max(high_y, plot.limit);
    x_axis_ = axis_around(low_x, high_x);
    y_axis_ = axis_around(low_y, high_y);
  }

  std::string svg() const {
    std::string svg = "<svg viewBox=\"0 0 640 320\" role=\"img\" aria-label=\"" + html_escaped(description()) + "\">";
    for (int i = 0; y_axis_.begin + i * y_axis_.step < y_axis_.end + y_axis_.step / 2; ++i) {
      const double value = y_axis_.begin + i * y_axis_.step;
      svg += line("grid", kLeft, y(value), kRight, y(value)) +
             text(kLeft - 8, y(value) + 5, "end", tick_text(value, y_axis_.step));
    }
    for (int i = 0; x_axis_.begin + i * x_axis_.step < x_axis_.end + x_axis_.step / 2; ++i) {
      const double value = x_axis_.begin + i * x_axis_.step;
      svg += line("tick", x(value), kBottom, x(value), kBottom + 5) +
             text(x(value), kBottom + 25, "middle", tick_text(value, x_axis_.step));
    }
    svg += line("tick", kLeft, kBottom, kRight, kBottom);
    if (plot_.limit > 0) svg += line("limit", kLeft, y(plot_.limit), kRight, y(plot_.limit));
    for (std::size_t i = 0; i < plot_.series.size(); ++i) svg += curve(plot_.series[i], i);
    return svg + "</svg>";
  }

 private:
  static constexpr double kLeft = 68, kRight = 610, kTop = 12, kBottom = 284;

  double x(double value) const {
    return kLeft + (value - x_axis_.begin) / (x_axis_.end - x_axis_.begin) * (kRight - kLeft);
  }
  double y(double value) const {
    return kBottom - (value - y_axis_.begin) / (y_axis_.end - y_axis_.begin) * (kBottom - kTop);
  }
  static std::string line(const char* kind, double x1, double y1, double x2, double y2) {
    return std::string("<line class=\"") + kind + "\" x1=\"" + fixed(x1, 1) + "\" y1=\"" + fixed(y1, 1) + "\" x2=\"" +
           fixed(x2, 1) + "\" y2=\"" + fixed(y2, 1) + "\"/>";
  }
  static std::string text(double x, double y, const char* anchor, const std::string& content) {
    return "<text x=\"" + fixed(x, 1) + "\" y=\"" + fixed(y, 1) + "\" text-anchor=\"" + anchor + "\">" +
           html_escaped(content) + "</text>";
  }
  std::string description() const {
    std::vector<std::string> named;
    for (const Series& series : plot_.series) {
      if (!series.name.empty()) named.push_back(series.name);
    }
    const std::string names = join(named, ", ");
    return plot_.title + ": " + plot_.y_label + " over " + plot_.x_label + (names.empty() ? "" : "; " + names);
  }

  // The curve up to the edge of the drawing area. A point beyond it only ends the line there; it gets no mark.
  std::vector<PlotPoint> visible(const Series& series, std::size_t& marked) const {
    std::vector<PlotPoint> result;
    marked = 0;
    for (const PlotPoint& point : series.points) {
      if (!finite(point)) continue;
      if (plot_.largest_x <= 0 || point.x <= x_axis_.end) {
        result.push_back(point);
        marked = result.size();
        continue;
      }
      if (!result.empty() && result.back().x < x_axis_.end) {
        const PlotPoint& last = result.back();
        const double share = (x_axis_.end - last.x) / (point.x - last.x);
        result.emplace_back(x_axis_.end, last.y + (point.y - last.y) * share);
      }
      break;
    }
    return result;
  }

  std::string band(const std::vector<PlotPoint>& points) const {
    std::string there, back;
    for (const PlotPoint& point : points) {
      if (!std::isfinite(point.low) || !std::isfinite(point.high)) continue;
      there += fixed(x(point.x), 1) + "," + fixed(y(point.high), 1) + " ";
      back = " " + fixed(x(point.x), 1) + "," + fixed(y(point.low), 1) + back;
    }
    return "<polygon class=\"band\" points=\"" + there + back + "\"/>";
  }
  std::string bar(const PlotPoint& point) const {
    const double at = x(point.x);
    return line("bar", at, y(point.low), at, y(point.high)) + line("bar", at - 4, y(point.low), at + 4, y(point.low)) +
           line("bar", at - 4, y(point.high), at + 4, y(point.high));
  }

  std::string curve(const Series& series, std::size_t number) const {
    std::size_t marked = 0;
    const std::vector<PlotPoint> points = visible(series, marked);
    const bool many = points.size() > kMarkedPoints;
    const bool has_intervals =
        std::any_of(points.begin(), points.end(), [](const PlotPoint& p) { return p.high > p.low; });
    std::string svg = "<g class=\"" + class_of(number) + "\">";
    if (has_intervals && many) svg += band(points);
    if (series.line && points.size() > 1) {
      std::string corners;
      for (const PlotPoint& point : points)
        corners += (corners.empty() ? "" : " ") + fixed(x(point.x), 1) + "," + fixed(y(point.y), 1);
      svg += "<polyline points=\"" + corners + "\"/>";
    }
    for (std::size_t i = 0; i < marked; ++i) {
      const PlotPoint& point = points[i];
      if (many && series.line && point.mark == Mark::plain) continue;
      svg += "<g>";
      if (!point.label.empty()) svg += "<title>" + html_escaped(point.label) + "</title>";
      if (point.high > point.low && !many && std::isfinite(point.high - point.low)) svg += bar(point);
      svg += marked_point(number, x(point.x), y(point.y), point.mark) + "</g>";
    }
    return svg + "</g>";
  }

  const Plot& plot_;
  AxisRange x_axis_, y_axis_;
};

bool has_mark(const Plot& plot, Mark mark) {
  return std::any_of(plot.series.begin(), plot.series.end(), [&](const Series& series) {
    return std::any_of(series.points.begin(), series.points.end(),
                       [&](const PlotPoint& point) { return point.mark == mark; });
  });
}

std::string legend(const Plot& plot) {
  const auto entry = [](const std::string& drawing, const std::string& name) {
    return "<li><svg viewBox=\"0 0 36 18\" aria-hidden=\"true\">" + drawing + "</svg> " + html_bounded(name, 120) +
           "</li>";
  };
  std::string items;
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    const Series& series = plot.series[i];
    if (series.name.empty()) continue;
    items +=
        entry("<g class=\"" + class_of(i) + "\">" + (series.line ? "<polyline points=\"2,9 34,9\"/>" : std::string()) +
                  shape(i, 18, 9, 4, false) + "</g>",
              series.name);
  }
  if (plot.limit > 0)
    items += entry("<line class=\"limit\" x1=\"2\" y1=\"9\" x2=\"34\" y2=\"9\"/>",
                   (plot.limit_label.empty() ? "limit" : plot.limit_label) + " " +
                       tick_text(plot.limit, std::pow(10, std::floor(std::log10(plot.limit)) - 1)));
  if (has_mark(plot, Mark::chosen)) items += entry(shape(0, 18, 9, 4, false) + ring(18, 9), "chosen");
  if (has_mark(plot, Mark::dominated))
    items += entry(shape(0, 18, 9, 4, true) + cross(18, 9, 6), "dominated: another point is better");
  return items.empty() ? "" : "<ul class=\"legend\">" + items + "</ul>";
}

std::string figure_text(double value) {
  return std::abs(value) >= 1000 ? fixed(value, 0) : fixed(value, std::abs(value) >= 100 ? 1 : 4);
}

// The plot's values, for readers who cannot see it or want the numbers.
std::string figures_of(const Plot& plot) {
  Table table{"", {"curve", plot.x_label, plot.y_label, "95% interval", "mark"}, {}};
  bool names = false, intervals = false, marks = false;
  for (const Series& series : plot.series) {
    for (const PlotPoint& point : series.points) {
      if (!finite(point)) continue;
      const bool interval = point.high > point.low && std::isfinite(point.high - point.low);
      std::string mark = point.mark == Mark::chosen ? "chosen" : point.mark == Mark::dominated ? "dominated" : "";
      if (!point.label.empty()) mark += (mark.empty() ? "" : "; ") + point.label;
      table.rows.push_back({series.name, figure_text(point.x), figure_text(point.y),
                            interval ? figure_text(point.low) + "–" + figure_text(point.high) : "-", mark});
      names |= !series.name.empty();
      intervals |= interval;
      marks |= !mark.empty();
    }
  }
  if (table.rows.empty() || table.rows.size() > 200) return "";
  const auto drop = [&](std::ptrdiff_t column) {
    table.columns.erase(table.columns.begin() + column);
    for (auto& row : table.rows) row.erase(row.begin() + column);
  };
  if (!marks) drop(4);
  if (!intervals) drop(3);
  if (!names) drop(0);
  return "<details><summary>The figures of this plot</summary>" + html_table(table) + "</details>";
}

}  // namespace

AxisRange axis_around(double low, double high) {
  if (!std::isfinite(low) || !std::isfinite(high) || low > high) return {};
  if (low >= 0 && low <= 0.5 * high) low = 0;
  if (high <= 0 && high >= 0.5 * low) high = 0;
  if (low == high) {
    const double room = low == 0 ? 1 : 0.1 * std::abs(low);
    high += room;
    if (low != 0) low -= room;
  }
  const double rough = (high - low) / 4, power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= rough * 0.999) {
      step = factor * power;
      break;
    }
  }
  return {std::floor(low / step + 1e-9) * step, std::ceil(high / step - 1e-9) * step, step};
}

std::string html_plot(const Plot& plot) {
  return "<figure><h3>" + html_escaped(plot.title) + "</h3><p class=\"axis\">" + html_escaped(plot.y_label) + "</p>" +
         Drawing(plot).svg() + "<p class=\"axis x\">" + html_escaped(plot.x_label) + "</p>" + legend(plot) +
         figures_of(plot) + "</figure>\n";
}

}  // namespace lethe
