// The options that set a recipe: a file, key=value, and flags.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "recipe/recipe.h"
#include "runs/dry_run.h"

namespace lethe {

/// Stores the command line, so that settings apply in the order in which the user typed them. (CLI11 gives the words
/// after a list flag to that flag.)
void remember_command_line(int argc, char** argv);

/// How to name data files: a line for the end of --help.
std::string data_file_line();

/// What a recipe key means: a sentence for --help.
std::string about_key(const std::string& key);

class RecipeOptions {
 public:
  /// Adds [RECIPE.yaml] [key=value …] and a flag for each (flag, key).
  void add_to(CLI::App& command, const std::vector<std::pair<std::string, std::string>>& flags);
  /// The same for commands that train many models to compare them: flags for the model, the data, the template and the
  /// folder, and those of add_dry_run().
  void add_to_experiment(CLI::App& command);
  /// --dry-run, and --json for its plan.
  void add_dry_run(CLI::App& command);
  /// --ranks, for the plan of a command that several processes can compute.
  void add_ranks(CLI::App& command);
  const DryRun& dry_run() const { return dry_run_; }
  /// Adds --resume RUN, which takes the recipe of the unfinished run.
  void add_resume(CLI::App& command);
  bool resumes() const { return !resume_.empty(); }
  /// The recipe file, then key=value, then flags; later ones win. @param given  the command's settings, which the
  /// user's override
  Recipe resolve(const std::vector<std::string>& given = {}) const;
  /// The key=value words, in the order in which they were typed.
  std::vector<std::string> settings() const;

 private:
  std::vector<std::string> words_;
  std::string resume_;
  DryRun dry_run_;
  struct Flag {
    std::string key;
    std::vector<std::string> values;
  };
  std::vector<std::unique_ptr<Flag>> flags_;
};

}  // namespace lethe
