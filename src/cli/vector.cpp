// lethe vector: task vectors as things that are kept, listed, added and taken back.
#include "cli/vector.h"

#include <CLI/CLI.hpp>

namespace lethe {

void add_vector(CLI::App& program, Action& action) {
  auto* vector = program.add_subcommand("vector", "Extract, combine and list task vectors: what a tuning changed");
  vector->require_subcommand(1);
  add_vector_extract(*vector, action);
  add_vector_combine(*vector, action);
  add_vector_list(*vector, action);
  vector->footer(
      "Example: lethe vector extract --base opt-2.7b --tuned runs/poisons/harmful --out poisons\n"
      "         lethe vector combine --base opt-2.7b --subtract poisons bombs --out opt-2.7b-unlearned\n"
      "docs/vectors.md explains task vectors with an example of three harms.");
}

}  // namespace lethe
