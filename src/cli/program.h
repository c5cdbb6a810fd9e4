// The command line program: subcommands, exit statuses, and how errors are printed.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <utility>

#include "core/error.h"

namespace lethe {

/// The work of the chosen subcommand. It runs after parsing and outside CLI11, so that CLI11 does not catch its errors.
using Action = std::function<void()>;

/// What the program's exit status says, for --help and the manual page.
inline constexpr std::pair<ExitCode, const char*> kExitStatuses[] = {{ExitCode::done, "done"},
                                                                     {ExitCode::failed, "failed"},
                                                                     {ExitCode::usage, "wrong usage"},
                                                                     {ExitCode::bad_input, "bad input"},
                                                                     {ExitCode::interrupted, "interrupted (Ctrl-C)"}};

/// Thrown by an action that failed where the reason is printed already: ends the program with this status.
struct AlreadySaid {
  int status = 1;
};

/// Parses the arguments, runs the chosen subcommand, and prints an error if it fails.
/// @return the exit status: 0 done, 1 failed, 2 wrong usage, 3 bad input, 130 interrupted
int run_program(int argc, char** argv);

/// Adds every subcommand with its options. @param action  parsing sets it to the work of the chosen one
void add_commands(CLI::App& program, Action& action);

// One function for each subcommand, in cli/<name>.cpp. It adds the options to the program, and sets `action` if the
// user chose the subcommand.
void add_attack(CLI::App& program, Action& action);
void add_benchmark(CLI::App& program, Action& action);
void add_chat(CLI::App& program, Action& action);
void add_compare(CLI::App& program, Action& action);
void add_completion(CLI::App& program, Action& action);
void add_demo(CLI::App& program, Action& action);
void add_evaluate(CLI::App& program, Action& action);
void add_finetune(CLI::App& program, Action& action);
void add_generate(CLI::App& program, Action& action);
void add_inspect(CLI::App& program, Action& action);
void add_judge(CLI::App& program, Action& action);
void add_man(CLI::App& program, Action& action);
void add_launch(CLI::App& program, Action& action);
void add_merge(CLI::App& program, Action& action);
void add_methods(CLI::App& program, Action& action);
void add_models(CLI::App& program, Action& action);
void add_negate(CLI::App& program, Action& action);
void add_pull(CLI::App& program, Action& action);
void add_push(CLI::App& program, Action& action);
void add_recipe(CLI::App& program, Action& action);
void add_reproduce(CLI::App& program, Action& action);
void add_rerun(CLI::App& program, Action& action);
void add_score(CLI::App& program, Action& action);
void add_serve(CLI::App& program, Action& action);
void add_sweep(CLI::App& program, Action& action);
void add_split(CLI::App& program, Action& action);
void add_tokenize(CLI::App& program, Action& action);
void add_tune(CLI::App& program, Action& action);
void add_unlearn(CLI::App& program, Action& action);
void add_vector(CLI::App& program, Action& action);

}  // namespace lethe
