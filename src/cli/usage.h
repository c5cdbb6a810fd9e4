// Errors for wrong command lines, with suggestions: unknown commands and options, other programs' names for them.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "core/error.h"

namespace lethe {

/// Finds all commands and options that do not exist. Runs before CLI11 parses the words, because CLI11 reports missing
/// options first and suggests nothing.
/// @param words  without the program's name
/// @throws Error (usage)
void check_words(const CLI::App& program, const std::vector<std::string>& words);

/// Replaces recipe keys in a message by options ("data.template" -> "--template"): those that the user set by an
/// option, and all keys that the chosen command takes only as options.
std::string with_options_named(const CLI::App& program, std::string message);

/// Converts an error of CLI11. Lists all missing required options together.
Error usage_error(const CLI::App& program, const CLI::ParseError& error);

/// Checks, after the command line is parsed, the numbers that its options were given: CLI11 takes "" for 0, and "nan"
/// for a number in any range.
/// @throws Error (usage) naming the option
void check_numbers(const CLI::App& program);

}  // namespace lethe
