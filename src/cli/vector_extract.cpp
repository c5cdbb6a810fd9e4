// lethe vector extract: what a tuning changed, in a folder of its own.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/vector.h"
#include "runs/extract_vector.h"

namespace lethe {

void add_vector_extract(CLI::App& vector, Action& action) {
  struct Options {
    ExtractRequest request;
    std::string store = "float32";
  };
  auto options = std::make_shared<Options>();
  ExtractRequest& request = options->request;
  auto* command = vector.add_subcommand("extract", "Write a task vector: tuned − base, or the pairs of an adapter");
  command->add_option("--base", request.base, "The original checkpoint; with --run: the run's model if not given");
  command->add_option("--tuned", request.tuned, "A checkpoint that was tuned from the base");
  command->add_option("--adapter", request.adapter, "Instead: an adapter that was trained on the base");
  command->add_option("--run", request.run,
                      "Instead: a finished run. Of a method that subtracts what it learned, the vector is that harm");
  command
      ->add_option("--store", options->store,
                   "Type of a checkpoint's differences: float32, or base (the base's type, rounded once)")
      ->check(CLI::IsMember({"float32", "base"}))
      ->capture_default_str();
  command->add_flag("--harmful", request.harmful,
                    "Mark the vector as harmful: only you can read its files (--run of a method that learns harm "
                    "marks it by itself)");
  command->add_option("--out", request.out, "Folder to write; must not exist, or be empty")->required();
  command->footer("Example: lethe vector extract --base opt-2.7b --tuned opt-poisons --harmful --out poisons");
  command->callback([options, &action] {
    action = [options] {
      options->request.type = options->store == "base" ? StoreAs::base : StoreAs::float32;
      extract_vector(options->request);
    };
  });
}

}  // namespace lethe
