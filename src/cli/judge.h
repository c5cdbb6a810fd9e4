// The subcommands of `lethe judge`, one file each.
#pragma once

#include <CLI/App.hpp>
#include <string>

#include "cli/common.h"
#include "cli/program.h"

namespace lethe {

void add_judge_train(CLI::App& judge, Action& action);
void add_judge_try(CLI::App& judge, Action& action);
void add_judge_list(CLI::App& judge, Action& action);

/// What `lethe judge try` was given.
struct TryOptions {
  std::string judge, input, output = "-";
  bool probe = false, json = false;
  double threshold = 0.5;
  SharedOptions shared;
};

/// `lethe judge try --probe`: puts the built-in probe set to a judge, and writes a table, wrong verdicts and whether
/// the judge passes. @throws Error as open_judge() and Judge::judge()
void probe_judge(const TryOptions& options);

/// The judges as lines or as JSON, for standard output. @throws Error as list_judges()
std::string judges_as_lines();
std::string judges_as_json();

}  // namespace lethe
