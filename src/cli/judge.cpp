// lethe judge: without a subcommand it lists the judges and the subcommands.
#include "cli/judge.h"

#include <CLI/CLI.hpp>

namespace lethe {

void add_judge(CLI::App& program, Action& action) {
  auto* judge = program.add_subcommand("judge", "List, try or train judges, which decide whether an answer is harmful");
  add_judge_list(*judge, action);
  add_judge_try(*judge, action);
  add_judge_train(*judge, action);
  judge->footer("Example: lethe judge list");
  judge->callback([judge, &action] {
    if (!judge->get_subcommands().empty()) return;
    action = [] {
      write_result("-", judges_as_lines() +
                            "\nlethe judge list prints these lines, lethe judge try tries a judge, lethe judge train "
                            "trains a classifier.\nlethe judge COMMAND --help explains each.\n");
    };
  });
}

}  // namespace lethe
