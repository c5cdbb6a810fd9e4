#include "cli/program.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <new>
#include <sstream>

#include "cli/engine.h"
#include "cli/run_options.h"
#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/plain_text.h"
#include "core/private_memory.h"
#include "core/terminal.h"

namespace lethe {
namespace {

void say_out_of_memory() {
  std::fprintf(stderr, "lethe: %s\n  try  %s\n", kOutOfMemory, kOutOfMemoryHint);
}

}  // namespace

int run_program(int argc, char** argv) {
  keep_memory_private();
  handle_interrupts();
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
    std::ostringstream told;  // it repeats what was typed, a path perhaps
    const int status = program.exit(error, std::cout, told);
    std::fputs(terminal_text(told.str()).c_str(), stderr);
    return status == 0 ? 0 : static_cast<int>(ExitCode::usage);
  }
  try {
    // inspect loads it for data files alone, tokenize not at all.
    if (!program.got_subcommand("inspect") && !program.got_subcommand("tokenize")) need_engine();
    action();
    return static_cast<int>(ExitCode::done);
  } catch (const Error& error) {
    print_failure(error.what());
    return static_cast<int>(error.code());
  } catch (const std::bad_alloc&) {
    say_out_of_memory();
  } catch (const std::filesystem::filesystem_error& error) {
    // Whatever asks the file system in passing: a folder that cannot be made, a file that cannot be removed.
    print_failure("cannot work with " + excerpt(error.path1().string(), 1000) + "\n  reason  " +
                  error.code().message());
  } catch (const std::exception& error) {
    print_failure("internal error: " + excerpt(error.what(), 2000));
  }
  return static_cast<int>(ExitCode::failed);
}

}  // namespace lethe
