// The results of the retain model, which was never trained on the forget set: what an unlearned model is compared with.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/unlearning_rows.h"

namespace lethe {

struct RetainResults {
  struct Row {
    std::string question;
    double truth_ratio = 0;
  };
  std::string path;                            ///< of its results.json
  std::string split;                           ///< as given; "": the default
  std::string prompt_template;                 ///< of TOFU's questions; "": not recorded
  std::map<std::string, std::uint64_t> sizes;  ///< questions by set; empty: not recorded
  std::optional<double> min_k_auc;             ///< mia_min_k
  std::map<std::uint64_t, Row> questions;      ///< TOFU's forget set by index
};

/// Reads results.json of an earlier `lethe benchmark`, and for TOFU rows.jsonl beside it.
/// @param path  of results.json or of its folder
/// @param name  the benchmark, tofu or muse
/// @throws Error (bad input) if a file is missing or damaged, or is of another benchmark
RetainResults read_retain_results(const std::string& path, const std::string& name);

/// The retain model's truth ratios in the order of the questions.
/// @throws Error (bad input) if it did not answer exactly these questions
std::vector<double> retained_ratios(const RetainResults& retained, const std::vector<TofuQuestion>& questions);

/// Checks that the retain model's AUC is of as many texts of a set.
/// @throws Error (bad input) if it has a number of texts for this set, and it is another
void check_retained_size(const RetainResults& retained, const std::string& set, std::size_t texts);

}  // namespace lethe
