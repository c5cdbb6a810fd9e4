// What the cells of one split and seed share: the data, the judge, the original's answers. `reproduce` and `sweep`
// train and evaluate on it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "evaluation/divergence_meter.h"
#include "experiments/cells.h"
#include "models/lora.h"
#include "runs/evaluator.h"
#include "runs/stored_model.h"
#include "tensors/device.h"

namespace lethe {

class ExperimentSetup {
 public:
  /// Reads and splits the data, trains the judge. The original outlives this.
  /// @param opened  judges that other set-ups use too; may be null
  /// @param recipe  data, seed, evaluation; measure() takes what is trained
  ExperimentSetup(const Recipe& recipe, const StoredModel& original, const Compute& compute,
                  OpenJudges* opened = nullptr);

  /// Trains the original by the recipe and evaluates the result at the α chosen by each budget (on validation answers),
  /// then at each α. A training that fails (diverges) leaves no points and its message in `failed`.
  /// @param name     of the cell
  /// @param metrics  a line a step is appended here
  /// @throws Error if interrupted, or on bad input
  Cell measure(const Recipe& recipe, const std::string& name, HeldOut part, const std::vector<double>& budgets,
               const std::vector<double>& alphas, const std::filesystem::path& metrics);
  /// Evaluates what a finished run made at each α, without training: θ_o + (α/alpha_of_run)·(θ_run − θ_o).
  Cell measure_run(const std::filesystem::path& run, const Recipe& recipe, double alpha_of_run, HeldOut part,
                   const std::vector<double>& alphas);

  /// Trains as measure() and writes the model or adapter at α into `folder` (exists).
  void write(const Recipe& recipe, double alpha, const std::filesystem::path& folder,
             const std::filesystem::path& metrics);
  /// Writes what a finished run made, its difference from the original scaled.
  void write_run(const std::filesystem::path& run, const Recipe& recipe, double scale,
                 const std::filesystem::path& folder);

 private:
  // Puts a finished run's weights into a model that holds the original's. @return its adapters, or none
  std::vector<NamedLora> take_run(const std::filesystem::path& run, const Recipe& recipe, CausalLM& model) const;
  // Both are made, and the original is evaluated, when first needed.
  DivergenceMeter& meter(CausalLM& original);
  ModelComparison& comparison_on(HeldOut part, CausalLM& original);
  CausalLM load() const;

  const StoredModel& original_;
  Compute compute_;
  bool nf4_;
  RunData data_;
  Evaluator evaluator_;
  std::map<HeldOut, std::unique_ptr<ModelComparison>> comparisons_;
  std::unique_ptr<DivergenceMeter> meter_;
};

}  // namespace lethe
