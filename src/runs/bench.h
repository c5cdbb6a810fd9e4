// What the cells of one split and seed share: the data, the judge, the original's answers. `reproduce` and `sweep`
// train and ask on it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nn/device.h"
#include "runs/cells.h"
#include "runs/divergence_meter.h"
#include "runs/examiner.h"

namespace lethe {

class Bench {
 public:
  /// Reads and splits the data, trains the judge. Checkpoint and tokenizer outlive this.
  /// @param recipe  data, seed, evaluation; what is trained is told to measure()
  Bench(const Recipe& recipe, const Checkpoint& base, const Tokenizer& tokenizer, const Compute& compute);

  /// Trains the original by the recipe and asks the result at α chosen by each budget (on validation answers), then at
  /// each α. A training that fails (diverges) leaves no points and its message in `failed`.
  /// @param name     of the cell
  /// @param metrics  a line a step is appended here
  /// @throws Error if interrupted, or on bad input
  Cell measure(const Recipe& recipe, const std::string& name, HeldOut part, const std::vector<double>& budgets,
               const std::vector<double>& alphas, const std::filesystem::path& metrics);

 private:
  // Made, and the original asked, when a part is first needed.
  ModelComparison& comparison_on(HeldOut part, CausalLM& original);
  CausalLM load() const;

  const Checkpoint& base_;
  Compute compute_;
  ExampleMaker examples_;
  RunData data_;
  Examiner examiner_;
  std::map<HeldOut, std::unique_ptr<ModelComparison>> comparisons_;
  std::unique_ptr<DivergenceMeter> meter_;
};

}  // namespace lethe
