// Plots as SVG within HTML: no script, readable without colour, with a table of the values.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace lethe {

/// The kind of a point, shown by its shape and in the legend.
enum class Mark : std::uint8_t { plain, chosen, dominated };

struct PlotPoint {
  PlotPoint(double at_x, double at_y) : x(at_x), y(at_y), low(at_y), high(at_y) {}
  /// With an interval of y, drawn as a bar (as a band where a curve has many points).
  PlotPoint(double at_x, double at_y, double from, double to) : x(at_x), y(at_y), low(from), high(to) {}

  double x, y, low, high;
  Mark mark = Mark::plain;
  std::string label;  ///< shown on hover, and in the table of values
};

/// One curve of a plot. Points that are not finite are left out.
struct Series {
  std::string name;  ///< in the legend; empty: not listed
  std::vector<PlotPoint> points;
  bool line = true;  ///< points joined; else marks alone
};

struct Plot {
  std::string title, x_label, y_label;
  std::vector<Series> series;  ///< distinguished by colour, shape and dashes; up to ten look different
  double limit = 0;            ///< a dashed horizontal line; 0 = none
  std::string limit_label;
  double largest_x = 0;  ///< curves are cut beyond this; 0 = all of them
};

/// <figure>: title, drawing, legend, and (up to 200 points) the values in a folded table. Axes begin at 0 if the
/// data come near it, else at a round number below them.
std::string html_plot(const Plot& plot);

/// Where an axis begins and ends, and the distance of its ticks: round numbers around [low, high].
struct AxisRange {
  double begin = 0, end = 1, step = 0.25;
};
AxisRange axis_around(double low, double high);

}  // namespace lethe
