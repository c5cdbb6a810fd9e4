// Trains and evaluates the cells of one split and seed, for `reproduce`, `sweep` and `tune`. They share the data, the
// judge and the original's answers.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/divergence_sample.h"
#include "experiments/cells.h"
#include "models/lora.h"
#include "runs/evaluator.h"
#include "runs/stage2.h"
#include "runs/stored_model.h"
#include "tensors/device.h"

namespace lethe {

/// Experiments train every model to its last step. @throws Error (usage) if the recipe stops early (training.patience)
void check_trains_to_the_end(const Recipe& recipe);

/// Checks, before any training, that the part that models are compared on holds harmful and normal pairs.
/// @param doing  the beginning of the error
/// @param other  a further hint, "; or --on test"
/// @throws Error (bad input) naming what is missing
void check_held_out(const RunData& data, HeldOut part, const std::string& doing, const std::string& other = "");
/// Checks that there are normal validation answers, on which a KL budget chooses alpha. @throws Error (bad input)
void check_answers_for_budget(const RunData& data);

/// A run folder, and the factor by which the harmful half of its adapter is scaled (contrast; else 1).
struct StoredRun {
  std::filesystem::path folder;
  double harm_factor = 1;
};

/// Adds figures of a model that is not kept: what attacks on it brought back.
using PointVisitor = std::function<void(Stage2Vector& vector, CellPoint& point)>;

class ExperimentSetup {
 public:
  /// Reads and splits the data. (The first evaluation opens or trains the judges.) `original` must outlive this object.
  /// @param opened  judges shared with other set-ups; may be null
  /// @param recipe  gives data, seed and evaluation; measure() takes the recipe of a training
  ExperimentSetup(const Recipe& recipe, const StoredModel& original, const Compute& compute,
                  OpenJudges* opened = nullptr);

  const RunData& data() const { return data_; }
  /// Evaluates the original on these prompts, unless that was done. @return Cell::judge_withheld of all cells
  std::string judge_withheld(HeldOut part);

  /// Trains the original by the recipe and evaluates the result at the α chosen by each budget (on validation answers),
  /// then at each α. If training fails (diverges), the cell has no points, and its `failed` holds the message.
  /// @param name     name of the cell
  /// @param metrics  file to which each training step appends a line
  /// @param visit    called at the first budget; may be empty
  /// @throws Error if interrupted, or on bad input
  Cell measure(const Recipe& recipe, const std::string& name, HeldOut part, const std::vector<double>& budgets,
               const std::vector<double>& alphas, const std::filesystem::path& metrics, const PointVisitor& visit = {});
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
  // All are created when first used; comparison_on() then also evaluates the original.
  DivergenceSample& sample(CausalLM& original);
  ModelComparison& comparison_on(HeldOut part, CausalLM& original);
  CausalLM load() const;
  LoadOptions load_options() const;

  const StoredModel& original_;
  Compute compute_;
  Recipe recipe_;
  OpenJudges* opened_;
  RunData data_;
  std::optional<Evaluator> evaluator_;
  std::map<HeldOut, std::unique_ptr<ModelComparison>> comparisons_;
  std::unique_ptr<DivergenceSample> sample_;
};

}  // namespace lethe
