// The subcommands of lethe vector: one function for each, in cli/vector_<name>.cpp.
#pragma once

#include <CLI/App.hpp>

#include "cli/program.h"

namespace lethe {

void add_vector_combine(CLI::App& vector, Action& action);
void add_vector_extract(CLI::App& vector, Action& action);
void add_vector_list(CLI::App& vector, Action& action);

}  // namespace lethe
