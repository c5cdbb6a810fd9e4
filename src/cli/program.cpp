#include "cli/program.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <new>

#include "cli/engine.h"
#include "cli/run_options.h"
#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/standard_output.h"
#include "core/terminal.h"

namespace lethe {
namespace {

void say_out_of_memory() {
  std::fprintf(stderr, "lethe: %s\n  try  %s\n", kOutOfMemory, kOutOfMemoryHint);
}

}  // namespace

int run_program(int argc, char** argv) {
  handle_interrupts();
  StandardOutput output;
  remember_command_line(argc, argv);
  CLI::App program{"Lethe makes a language model forget how to do harm, and proves it."};
  program.name("lethe");
  program.set_version_flag("--version", std::string(LETHE_VERSION));
  program.require_subcommand(1);
  Action action;
  // One line a subcommand, in the order of --help.
  add_demo(program, action);
  add_unlearn(program, action);
  add_finetune(program, action);
  add_rerun(program, action);
  add_evaluate(program, action);
  add_sweep(program, action);
  add_reproduce(program, action);
  add_compare(program, action);
  add_chat(program, action);
  add_generate(program, action);
  add_score(program, action);
  add_judge(program, action);
  add_split(program, action);
  add_negate(program, action);
  add_merge(program, action);
  add_tokenize(program, action);
  add_inspect(program, action);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = program.exit(error);
    if (status != 0) return static_cast<int>(ExitCode::usage);
    action = nullptr;  // --help, --version: printed
  }
  try {
    // inspect loads it for data files alone, tokenize not at all.
    if (action && !program.got_subcommand("inspect") && !program.got_subcommand("tokenize")) need_engine();
    if (action) action();
    output.finish();
    return static_cast<int>(ExitCode::done);
  } catch (const Error& error) {
    std::fprintf(stderr, "lethe: %s\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::bad_alloc&) {
    say_out_of_memory();
  } catch (const std::filesystem::filesystem_error& error) {
    // Whatever asks the file system in passing: a folder that cannot be made, a file that cannot be removed.
    std::fprintf(stderr, "lethe: cannot work with %s\n  reason  %s\n", excerpt(error.path1().string(), 1000).c_str(),
                 error.code().message().c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lethe: internal error: %s\n", excerpt(error.what(), 2000).c_str());
  }
  return static_cast<int>(ExitCode::failed);
}

}  // namespace lethe
