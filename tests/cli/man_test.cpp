// The manual page holds every command, option and recipe key, and real man reads it without a complaint.
#include <CLI/CLI.hpp>

#include "cli/program.h"
#include "cli/program_fixture.h"
#include "recipe/keys.h"

namespace lethe {
namespace {

// The page as troff's source, with plain dashes.
std::string page_source() {
  std::string page = run("man").text;
  for (std::size_t at = 0; (at = page.find("\\-", at)) != std::string::npos;) page.erase(at, 1);
  return page;
}

TEST(ManualPage, HoldsEveryCommandOptionAndKey) {
  CLI::App program;
  Action action;
  add_commands(program, action);
  const std::string page = page_source();
  EXPECT_TRUE(page.starts_with(".TH LETHE 1"));
  const std::function<void(const CLI::App&, const std::string&)> check = [&](const CLI::App& command,
                                                                             const std::string& name) {
    EXPECT_NE(page.find(".SS " + name + "\n"), std::string::npos) << name;
    for (const CLI::Option* option : command.get_options()) {
      for (const std::string& word : option->get_lnames())
        EXPECT_NE(page.find("\\fB--" + word + "\\fR"), std::string::npos) << name << " --" << word;
    }
    for (const CLI::App* below : command.get_subcommands(nullptr)) check(*below, name + " " + below->get_name());
  };
  for (const CLI::App* command : std::as_const(program).get_subcommands(nullptr))
    check(*command, "lethe " + command->get_name());
  for (const std::string& key : recipe_keys())
    EXPECT_NE(page.find("\n\\fB" + key + "\\fR\n"), std::string::npos) << key;
  for (const char* part : {"\\fB130\\fR\ninterrupted", "NO_COLOR", "HF_HOME"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
}

TEST(ManualPage, IsReadByMan) {
  if (shell("command -v man && command -v groff").status != 0) GTEST_SKIP() << "no man here (apt-get install man-db)";
  const Outcome outcome =
      shell("set -o pipefail; " LETHE_PROGRAM " man | LC_ALL=C.UTF-8 MANWIDTH=100 man --warnings=all -l - | col -b");
  expect_all(outcome, 0,
             {"SYNOPSIS", "lethe unlearn", "--harmful FILE", "training.lr", "EXIT STATUS",
              "Example: lethe unlearn --model facebook/opt-2.7b"});
  EXPECT_EQ(outcome.text.find("warning:"), std::string::npos) << outcome.text.substr(0, 2000);
}

}  // namespace
}  // namespace lethe
