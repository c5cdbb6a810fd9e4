// The report: one HTML file that needs nothing else, and runs nothing.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/table.h"

namespace lethe {

/// One curve of a plot.
struct Series {
  std::string name;  ///< in the legend; empty: not listed
  std::vector<std::pair<double, double>> points;
  bool line = true;  ///< points joined; else dots alone
};

/// Curves over one pair of axes that both begin at 0, drawn as SVG.
struct Plot {
  std::string title, x_label, y_label;
  std::vector<Series> series;
  double limit = 0;      ///< a dashed horizontal line; 0 = none
  double marked = 0;     ///< x of the point to mark on the first series; 0 = none
  double largest_x = 0;  ///< curves are cut beyond this; 0 = all of them
};
std::string svg_plot(const Plot& plot);

/// Two answers to one prompt, shown side by side.
struct AnswerPair {
  std::string prompt, before, after;
  std::string before_verdict, after_verdict;
};

struct Page {
  std::string title, summary;
  std::vector<std::string> notes;  ///< paragraphs behind the summary
  std::vector<Table> tables;
  std::vector<Plot> plots;
  /// Folded; harmful text is shown only when the reader opens it.
  std::vector<std::pair<std::string, std::vector<AnswerPair>>> answers;
  std::string recipe;  ///< YAML
};

/// Model text is escaped and cut to 600 bytes.
std::string html_page(const Page& page);

}  // namespace lethe
