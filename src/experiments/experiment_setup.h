// Trains and evaluates the cells of one split and seed, for `reproduce`, `sweep` and `tune`. They share the data, the
// judge and the original's answers.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "evaluation/divergence_sample.h"
#include "experiments/cells.h"
#include "models/lora.h"
#include "runs/evaluator.h"
#include "runs/stored_model.h"
#include "tensors/device.h"

namespace lethe {

/// Experiments train every model to its last step. @throws Error (usage) if the recipe stops early (training.patience)
void check_trains_to_the_end(const Recipe& recipe);

/// A run folder, and the factor by which the harmful half of its adapter is scaled (contrast; else 1).
struct StoredRun {
  std::filesystem::path folder;
  double harm_factor = 1;
};

class ExperimentSetup {
 public:
  /// Reads and splits the data, and trains the judge. `original` must outlive this object.
  /// @param opened  judges shared with other set-ups; may be null
  /// @param recipe  gives data, seed and evaluation; measure() takes the recipe of a training
  ExperimentSetup(const Recipe& recipe, const StoredModel& original, const Compute& compute,
                  OpenJudges* opened = nullptr);

  const RunData& data() const { return data_; }
  /// Evaluates the original on these prompts, unless that was done. @return Cell::judge_withheld of all cells
  std::string judge_withheld(HeldOut part);

  /// Checks that the data have what a comparison needs, before any training.
  /// @param chooses_alpha  by a budget, on normal validation answers
  /// @throws Error (bad input) if the validation part is empty where it is needed
  void check_held_out(HeldOut part, bool chooses_alpha) const;

  /// Trains the original by the recipe and evaluates the result at the α chosen by each budget (on validation answers),
  /// then at each α. If training fails (diverges), the cell has no points, and its `failed` holds the message.
  /// @param name     name of the cell
  /// @param metrics  file to which each training step appends a line
  /// @throws Error if interrupted, or on bad input
  Cell measure(const Recipe& recipe, const std::string& name, HeldOut part, const std::vector<double>& budgets,
               const std::vector<double>& alphas, const std::filesystem::path& metrics);
  /// Evaluates a finished run's result at each α, without training: θ_o + (α/alpha_of_run)·(θ_run − θ_o).
  Cell measure_run(const StoredRun& run, const Recipe& recipe, double alpha_of_run, HeldOut part,
                   const std::vector<double>& alphas);

  /// Trains as measure() does, and writes the model or adapter at α into `folder`, which exists.
  void write(const Recipe& recipe, double alpha, const std::filesystem::path& folder,
             const std::filesystem::path& metrics);
  /// Writes a finished run's model or adapter, with its difference from the original scaled by `scale`.
  void write_run(const StoredRun& run, const Recipe& recipe, double scale, const std::filesystem::path& folder);

 private:
  // Loads a finished run's weights or adapters into a model that holds the original's. @return the adapters, or none
  std::vector<NamedLora> take_run(const StoredRun& run, const Recipe& recipe, CausalLM& model) const;
  // Both are created when first used; comparison_on() then also evaluates the original.
  DivergenceSample& sample(CausalLM& original);
  ModelComparison& comparison_on(HeldOut part, CausalLM& original);
  CausalLM load() const;
  LoadOptions load_options() const;

  const StoredModel& original_;
  Compute compute_;
  bool nf4_;
  EvaluationSettings evaluation_;
  std::uint64_t seed_;
  RunData data_;
  Evaluator evaluator_;
  std::map<HeldOut, std::unique_ptr<ModelComparison>> comparisons_;
  std::unique_ptr<DivergenceSample> sample_;
};

}  // namespace lethe
