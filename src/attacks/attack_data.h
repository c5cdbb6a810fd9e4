// The data of `lethe attack`: the rows that attackers may use, and the prompts on which they are measured.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attacks/attack.h"
#include "attacks/attack_request.h"
#include "attacks/attack_table.h"
#include "data/questions.h"
#include "runs/stored_model.h"
#include "runs/template_choice.h"
#include "runs/training_data.h"

namespace lethe {

/// Everything that is read before a model or a judge is loaded.
struct AttackData {
  Recipe recipe;  ///< of the run, or the request's, with a decided template
  TemplateChoice layout;
  std::string model;                  ///< folder of the attacked model; empty: the original with adapters
  std::vector<std::string> adapters;  ///< on the original (a LoRA run) or on the model
  std::unique_ptr<StoredModel> original;
  std::optional<ExampleMaker> examples;
  std::optional<RunData> run_data;            ///< with a run
  AttackRows rows;                            ///< at most budget.rows of each kind
  std::vector<Question> harmful, normal;      ///< what is measured, at most request.prompts of each
  std::vector<std::string> answers;           ///< known answers of the data, for the detector of broken output
  OrderedJson inputs = OrderedJson::array();  ///< files and folders with their hashes
};

/// Reads the run or the files. The rows share no prompt with those that are measured, and the benign rows none with the
/// forget rows.
/// With a run_recipe whose run has no result yet, everything else is checked.
/// @throws Error (bad input) if a file or folder is missing, or no prompt is left to measure
AttackData load_attack_data(const AttackRequest& request);

/// The attacks that are named, or all that the data allow, in the order of the table.
/// @throws Error (bad input) naming those that lack rows; Error (usage) for an unknown name
std::vector<const AttackKind*> chosen_kinds(const AttackRequest& request, const AttackRows& rows);

}  // namespace lethe
