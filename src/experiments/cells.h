// The cells of `lethe reproduce`: what one method with one seed came to, kept in a file each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/figures.h"

namespace lethe {

/// The model at one α, asked the test prompts.
struct CellPoint {
  double alpha = 0;
  double budget = 0;  ///< the KL budget by which α was chosen; 0: α was given
  Figures figures;
};

struct Cell {
  std::string method;  ///< the row's name
  std::uint64_t seed = 0;
  double lr = 0, seconds = 0;
  std::int64_t steps = 0;
  Figures original;  ///< of the same seed's split
  std::vector<CellPoint> points;
  std::vector<std::string> settings;  ///< of the row: "key=value"
  std::string failed;                 ///< why there are no points (training diverged); empty: it did not fail

  const CellPoint* at_budget(double budget) const;
  const CellPoint* at_alpha(double alpha) const;
};

/// @throws Error (bad input) if the file is no cell
Cell read_cell(const std::filesystem::path& file);
OrderedJson to_json(const Cell& cell);
void write_cell(const Cell& cell, const std::filesystem::path& file);

/// `wanted` where `given` first reaches `target` as the points go from the original (α = 0) to larger α: linear between
/// the points around it. Nothing if the curve does not reach it.
std::optional<double> figure_where(const Cell& cell, const std::string& wanted, const std::string& given,
                                   double target);

}  // namespace lethe
