// What a benchmark measured of one model: figures, rows, tables.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "metrics/mean.h"
#include "metrics/proportion.h"
#include "metrics/significance.h"
#include "report/table.h"

namespace lethe {

/// A number of results.json. Nothing: it could not be measured, and a note says why.
struct BenchmarkFigure {
  std::string name;
  std::optional<double> value;
  std::optional<Interval> interval;  ///< 95%
};

struct BenchmarkResult {
  std::vector<BenchmarkFigure> figures;
  std::vector<BenchmarkFigure> open_unlearning;  ///< under OpenUnlearning's names, without intervals
  std::vector<OrderedJson> rows;                 ///< one a question, for rows.jsonl
  std::vector<Table> tables;
  std::vector<std::string> notes;

  /// @param others  OpenUnlearning's names of the same number
  void add(const std::string& name, std::optional<double> value, const std::vector<std::string>& others = {});
  /// The mean of values of 0 … 1; its interval is kept within them.
  void add(const std::string& name, const Mean& mean, const std::vector<std::string>& others = {});
  void add(const std::string& name, const Proportion& share, const std::vector<std::string>& others = {});

  /// {name: value, …, "intervals": {name: [low, high]}, "open_unlearning": {name: value}}
  OrderedJson to_json() const;
  /// All figures by name, for the end of the terminal's output and the report.
  Table figure_table(const std::string& title) const;
};

/// "0.123", "1.06e-239", or "-" for nothing.
std::string figure_text(const std::optional<double>& value);

}  // namespace lethe
