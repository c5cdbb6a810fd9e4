// lethe man: the manual page, made from what --help prints and from the table of recipe keys.
#include <CLI/CLI.hpp>
#include <sstream>

#include "cli/common.h"
#include "cli/help.h"
#include "cli/program.h"
#include "recipe/recipe_changes.h"

namespace lethe {
namespace {

// Text of a manual page: no character of it is taken for a command of troff, and a dash stays a dash.
std::string troff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += std::string("\\&") + c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string bold(const std::string& text) {
  return "\\fB" + troff(text) + "\\fR";
}

std::string italic(const std::string& text) {
  return "\\fI" + troff(text) + "\\fR";
}

// Lines as they are, such as examples.
std::string unfilled(const std::string& text) {
  return ".PP\n.nf\n" + troff(text) + "\n.fi\n";
}

std::string option_entry(const CLI::Option& option) {
  std::string names = option.get_positional() ? italic(option.get_name(true, false)) : "";
  if (names.empty()) {
    for (const std::string& name : option.get_snames()) names += bold("-" + name) + ", ";
    for (const std::string& name : option.get_lnames()) names += bold("--" + name) + ", ";
    names.resize(names.size() - 2);
    if (const std::string value = value_name(option); !value.empty()) names += " " + italic(value);
  }
  if (option.get_expected_max() >= CLI::detail::expected_max_vector_size) names += " ...";
  return ".TP\n" + names + "\n" + troff(described(option)) + "\n";
}

std::string command_entry(const CLI::App& command, const std::string& name) {
  std::string out = ".SS " + name + "\n" + troff(command.get_description()) + ".\n";
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_group().empty()) out += option_entry(*option);
  }
  if (const std::string footer = command.get_footer(); !footer.empty()) out += unfilled(footer);
  for (const CLI::App* below : command.get_subcommands(nullptr))
    out += command_entry(*below, name + " " + below->get_name());
  return out;
}

std::string man_page(const CLI::App& program) {
  std::ostringstream out;
  out << ".TH LETHE 1 \"\" \"lethe " LETHE_VERSION "\" \"User Commands\"\n"
      << ".SH NAME\nlethe \\- " << troff("makes a language model forget how to do harm") << "\n"
      << ".SH SYNOPSIS\n.B lethe\n.I COMMAND\n[\\fIargument\\fR ...] [\\fIoption\\fR ...]\n"
      << ".SH DESCRIPTION\n"
      << troff(program.get_description()) << "\n"
      << ".SH COMMANDS\n";
  for (const CLI::App* command : program.get_subcommands(nullptr))
    out << command_entry(*command, "lethe " + command->get_name());
  out << ".SH RECIPE KEYS\n"
      << troff("Commands that take a recipe read these keys from a YAML file, and as KEY=VALUE from the command line.")
      << "\n";
  for (const RecipeKey& key : recipe_key_table()) {
    out << ".TP\n" << bold(key.name) << "\n" << troff(key.about + " [default: " + value_text(key, {}) + "]") << "\n";
  }
  out << ".SH EXIT STATUS\n";
  for (const auto& [status, meaning] : kExitStatuses)
    out << ".TP\n" << bold(std::to_string(static_cast<int>(status))) << "\n" << meaning << "\n";
  out << ".SH ENVIRONMENT\n.TP\n"
      << bold("NO_COLOR") << "\n"
      << troff("No colors, if it holds any text.") << "\n"
      << ".TP\n"
      << bold("HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE") << "\n"
      << troff("As huggingface_hub reads them.") << "\n";
  return out.str();
}

}  // namespace

void add_man(CLI::App& program, Action& action) {
  auto* command = program.add_subcommand("man", "Print the manual page");
  command->footer("Example: lethe man | man -l -");
  command->callback([&program, &action] { action = [&program] { write_result("-", man_page(program)); }; });
}

}  // namespace lethe
