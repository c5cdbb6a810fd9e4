// The command line as a whole: subcommands, exit codes, and how an error reaches the person who reads it.
#pragma once

#include <CLI/App.hpp>
#include <functional>

namespace lethe {

/// What the chosen subcommand does. It is called after parsing, outside CLI11, so that its errors are ours.
using Action = std::function<void()>;

/// Parses the arguments, runs the chosen subcommand, prints an error if there is one.
/// @return the exit status: 0 done, 1 failed, 2 wrong usage, 3 bad input, 130 interrupted
int run_program(int argc, char** argv);

/// Every subcommand with its options. @param action  set by parsing to what the chosen one does
void add_commands(CLI::App& program, Action& action);

// One function a subcommand, each in cli/<name>.cpp: adds its options to the program, and sets `action` when it is
// chosen.
void add_chat(CLI::App& program, Action& action);
void add_compare(CLI::App& program, Action& action);
void add_demo(CLI::App& program, Action& action);
void add_evaluate(CLI::App& program, Action& action);
void add_finetune(CLI::App& program, Action& action);
void add_generate(CLI::App& program, Action& action);
void add_inspect(CLI::App& program, Action& action);
void add_judge(CLI::App& program, Action& action);
void add_merge(CLI::App& program, Action& action);
void add_negate(CLI::App& program, Action& action);
void add_recipe(CLI::App& program, Action& action);
void add_reproduce(CLI::App& program, Action& action);
void add_rerun(CLI::App& program, Action& action);
void add_score(CLI::App& program, Action& action);
void add_sweep(CLI::App& program, Action& action);
void add_split(CLI::App& program, Action& action);
void add_tokenize(CLI::App& program, Action& action);
void add_unlearn(CLI::App& program, Action& action);

}  // namespace lethe
