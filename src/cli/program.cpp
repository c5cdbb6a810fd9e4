#include "cli/program.h"

#include <c10/util/Exception.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <new>

#include "cli/common.h"
#include "cli/device_memory.h"
#include "cli/download_flag.h"
#include "cli/engine.h"
#include "cli/help.h"
#include "cli/run_options.h"
#include "cli/usage.h"
#include "core/error.h"
#include "core/interrupt.h"
#include "core/json_log.h"
#include "core/plain_text.h"
#include "core/private_memory.h"
#include "core/seconds_since.h"
#include "core/standard_output.h"
#include "core/terminal.h"
#include "ranks/joined_group.h"
#include "ranks/with_group.h"

namespace lethe {
namespace {

int say_error(const CLI::App& program, const Error& error) {
  print_failure(with_options_named(program, error.what()));
  return static_cast<int>(error.code());
}

// Rank 0 finds the same wrong usage and the same help.
int say_usage_error(const CLI::App& program, const Error& error) {
  return is_other_rank() ? static_cast<int>(error.code()) : say_error(program, error);
}

std::string exit_statuses() {
  std::string text;
  for (const auto& [status, meaning] : kExitStatuses)
    text += (text.empty() ? "" : ", ") + std::to_string(static_cast<int>(status)) + " " + meaning;
  return text;
}

// Adds --quiet, --json-log and --redact to commands that did not add them.
void add_quiet_flags(CLI::App& app) {
  const std::vector<CLI::App*> commands = app.get_subcommands([](CLI::App*) { return true; });
  for (CLI::App* command : commands) add_quiet_flags(*command);
  if (commands.empty() && app.get_option_no_throw("--quiet") == nullptr) add_quiet_flag(app);
}

}  // namespace

void add_commands(CLI::App& program, Action& action) {
  program.name("lethe");
  program.formatter(std::make_shared<HelpFormatter>());
  program.set_version_flag("--version", std::string(LETHE_VERSION));
  program.require_subcommand(1);
  // One line for each subcommand, in the order of --help.
  add_demo(program, action);
  add_unlearn(program, action);
  add_finetune(program, action);
  add_launch(program, action);
  add_rerun(program, action);
  add_recipe(program, action);
  add_methods(program, action);
  add_models(program, action);
  add_pull(program, action);
  add_push(program, action);
  add_evaluate(program, action);
  add_attack(program, action);
  add_benchmark(program, action);
  add_sweep(program, action);
  add_tune(program, action);
  add_reproduce(program, action);
  add_compare(program, action);
  add_chat(program, action);
  add_serve(program, action);
  add_generate(program, action);
  add_score(program, action);
  add_judge(program, action);
  add_split(program, action);
  add_negate(program, action);
  add_merge(program, action);
  add_vector(program, action);
  add_tokenize(program, action);
  add_inspect(program, action);
  add_completion(program, action);
  add_man(program, action);
  add_quiet_flags(program);
  add_download_flags(program);
  program.footer(
      "`lethe COMMAND --help` prints the options of a command, with an example.\n"
      "Exit status: " +
      exit_statuses() + ".");
}

namespace {

int status_of_program(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  // Wrong usage is reported in the same form, so the option counts before the others are read.
  const auto end = std::find(words.begin(), words.end(), "--");
  configure_terminal({.json_log = std::find(words.begin(), end, "--json-log") != end});
  StandardOutput output;
  remember_command_line(argc, argv);
  CLI::App program{"Lethe makes a language model forget how to do harm, and measures whether it did."};
  Action action;
  add_commands(program, action);
  try {
    check_words(program, words);
    program.parse(argc, argv);
    check_numbers(program);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return say_usage_error(program, usage_error(program, error));
    if (is_other_rank()) return static_cast<int>(ExitCode::done);
    program.exit(error);
    action = nullptr;  // --help, --version: printed
  } catch (const Error& error) {
    return say_usage_error(program, error);
  }
  try {
    // inspect loads the engine only for data files; the others never need it.
    bool light = false;
    for (const char* name : {"completion", "inspect", "launch", "man", "methods", "models", "recipe", "tokenize"})
      light |= program.got_subcommand(name);
    // Other commands compute in one process: the other ranks have nothing to do.
    const bool trains = program.got_subcommand("unlearn") || program.got_subcommand("finetune");
    if (action && !light && !trains && is_other_rank()) {
      say("nothing to do: rank 0 alone computes this command (RANK, WORLD_SIZE)");
      return static_cast<int>(ExitCode::done);
    }
    if (action && !light) need_engine();
    if (action) action();
    output.finish();
    return static_cast<int>(ExitCode::done);
  } catch (const Error& error) {
    return say_error(program, error);
  } catch (const AlreadySaid& ended) {
    return ended.status;
  } catch (const std::bad_alloc&) {
    print_out_of_memory();
  } catch (const c10::OutOfMemoryError& error) {
    return say_error(program, out_of_device_memory(error.what_without_backtrace()));
  } catch (const std::filesystem::filesystem_error& error) {
    // A folder that cannot be made, a file that cannot be removed.
    print_failure("cannot work with " + excerpt(error.path1().string(), 1000) + "\n  reason  " +
                  error.code().message());
  } catch (const c10::Error& error) {  // what() would print the stack
    print_failure("internal error: " + excerpt(error.what_without_backtrace(), 2000));
  } catch (const std::exception& error) {
    print_failure("internal error: " + excerpt(error.what(), 2000));
  }
  return static_cast<int>(ExitCode::failed);
}

}  // namespace

int run_program(int argc, char** argv) {
  const auto start = std::chrono::steady_clock::now();
  keep_memory_private();
  handle_interrupts();
  const int status = status_of_program(argc, argv);
  if (terminal_options().json_log && !is_other_rank() && !is_launched()) JsonLog::end(status, seconds_since(start));
  if (ranks_abandoned()) {  // their threads would keep the process
    std::fflush(nullptr);
    _exit(status);
  }
  return status;
}

}  // namespace lethe
