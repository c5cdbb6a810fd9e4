// lethe vector combine: a base plus and minus task vectors.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/vector.h"
#include "runs/combine_vectors.h"
#include "vectors/apply_adapter.h"

namespace lethe {

void add_vector_combine(CLI::App& vector, Action& action) {
  struct Options {
    CombineRequest request;
    std::vector<std::string> add, subtract;
  };
  auto options = std::make_shared<Options>();
  CombineRequest& request = options->request;
  auto* command = vector.add_subcommand("combine", "Write base + weighted vectors, as a checkpoint or as one adapter");
  command
      ->add_option("--base", request.base, "The checkpoint that the vectors were extracted from, or a sum made of it")
      ->required();
  command->add_option("--add", options->add, "Vectors to add; VECTOR:0.5 adds half of one")->expected(1, -1);
  command->add_option("--subtract", options->subtract, "Vectors to subtract; VECTOR:0.5 subtracts half of one")
      ->expected(1, -1);
  command->add_option("--scale", request.scale, "Multiplies all weights")->capture_default_str();
  command->add_flag("--merge", request.merge, "Of adapters: write a whole checkpoint instead of one adapter");
  command->add_option("--rank", request.rank, "Of the one adapter: keep this many directions of each module; 0: all")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  command->add_option("--out", request.out, "Folder to write; must not exist, or be empty")->required();
  command->footer(
      "Example: lethe vector combine --base opt-2.7b --subtract poisons bombs:0.5 --out unlearned\n"
      "Take bombs back later: lethe vector combine --base unlearned --add bombs:0.5 --out again");
  command->callback([options, &action] {
    action = [options] {
      const auto take = [&](const std::vector<std::string>& names, const char* option, double sign) {
        for (const std::string& name : names) {
          const auto [folder, weight] = split_weight(name, option);
          options->request.terms.emplace_back(folder, sign * weight);
        }
      };
      take(options->add, "--add", 1);
      take(options->subtract, "--subtract", -1);
      combine_vectors(options->request);
    };
  });
}

}  // namespace lethe
