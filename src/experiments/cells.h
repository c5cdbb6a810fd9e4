// The cells of an experiment: the results of one training with one seed, each stored in a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/figures.h"

namespace lethe {

/// Results on the test prompts of the model at one α.
struct CellPoint {
  double alpha = 0;
  double budget = 0;  ///< the KL budget by which α was chosen; 0: α was given
  Figures figures;
};

struct Cell {
  std::string method;  ///< the row's name
  std::uint64_t seed = 0;
  double lr = 0, seconds = 0;  ///< seconds: of training, choosing α and evaluating; not of evaluating the original
  std::int64_t steps = 0;
  Figures original;  ///< the original's results on the same seed's split
  std::vector<CellPoint> points;
  std::vector<std::string> settings;  ///< the row's settings: "key=value"
  std::string failed;                 ///< why there are no points (training diverged); empty: no failure
  std::string judge_withheld{};       ///< why the figures hold no harm (ModelResult::judge_withheld); else empty
  double train_seconds = 0;           ///< of `seconds`: stage 1
  std::uint64_t peak_bytes = 0;       ///< host memory that the process used at most meanwhile; 0: unknown

  const CellPoint* at_budget(double budget) const;
  const CellPoint* at_alpha(double alpha) const;
};

/// Names of figures in a point's figures: harm on the prompts of the attacks before any of them, and after the worst
/// setting of one.
inline constexpr const char* kHarmBeforeAttacks = "harm_before_attacks";
std::string harm_after(const std::string& attack);

/// Why a training failed, in a line for a table: "training diverged at step 3". @param failed  Cell::failed
std::string failure_line(const std::string& failed);

/// @throws Error (bad input) if the file does not hold a cell
Cell read_cell(const std::filesystem::path& file);
OrderedJson to_json(const Cell& cell);
void write_cell(const Cell& cell, const std::filesystem::path& file);
/// A readable file name for a cell, without ".json". It ends in a hash, so that different labels get different names.
std::string cell_file_name(const std::string& label);

/// The figure `wanted` at the smallest α where the figure `given` reaches `target`, interpolated linearly between
/// neighbouring points. The curve starts at the original (α = 0). No value if it does not reach the target.
std::optional<double> figure_where(const Cell& cell, const std::string& wanted, const std::string& given,
                                   double target);

}  // namespace lethe
