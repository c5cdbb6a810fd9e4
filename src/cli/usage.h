// What is wrong with a command line, said with what was meant: "did you mean unlearn?".
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "core/error.h"

namespace lethe {

/// Looks for commands and options that do not exist, all at once, before CLI11 parses the words: it would first miss
/// what is required, and guesses nothing.
/// @param words  without the program's name
/// @throws Error (usage)
void check_words(const CLI::App& program, const std::vector<std::string>& words);

/// A message as its reader typed things: keys of a recipe that the chosen command was given by an option, or can only
/// be given by one, become that option ("data.template" -> "--template").
std::string with_options_named(const CLI::App& program, std::string message);

/// What CLI11 found, as an error of ours. Several required options that are missing are named together.
Error usage_error(const CLI::App& program, const CLI::ParseError& error);

}  // namespace lethe
