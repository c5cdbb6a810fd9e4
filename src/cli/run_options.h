// The options that set a recipe: a file, key=value, and flags of the same name as a key.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "recipe/recipe.h"

namespace lethe {

/// What was typed, in its order: a list flag swallows settings behind it, and of a key given twice the last counts.
void remember_command_line(int argc, char** argv);

/// How data files are given, a line for the end of --help.
std::string data_file_line();

class RecipeOptions {
 public:
  /// Adds [RECIPE.yaml] [key=value …] and a flag for each (flag, key).
  void add_to(CLI::App& command, const std::vector<std::pair<std::string, std::string>>& flags);
  /// --resume RUN: the recipe is that of the unfinished run.
  void add_resume(CLI::App& command);
  bool resumes() const { return !resume_.empty(); }
  /// The recipe file, then key=value and flags. @param given  settings of the command itself, weaker than the user's
  Recipe resolve(const std::vector<std::string>& given = {}) const;

 private:
  std::vector<std::string> words_;
  std::string resume_;
  struct Flag {
    std::string key;
    std::vector<std::string> values;
  };
  std::vector<std::unique_ptr<Flag>> flags_;
};

}  // namespace lethe
