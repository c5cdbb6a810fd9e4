// lethe negate: subtract what a tuned checkpoint or an adapter has learned.
#include "vectors/negate.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "cli/program.h"
#include "core/error.h"
#include "core/staged_folder.h"
#include "core/terminal.h"
#include "vectors/apply_adapter.h"

namespace lethe {
namespace {

struct NegateOptions {
  std::string base, tuned, adapter, out;
  double alpha = 1.0;
  bool merge = false;
};

void negate(const NegateOptions& options) {
  if (options.tuned.empty() == options.adapter.empty())
    throw bad_usage("cannot negate").wanted("either --tuned or --adapter");
  if (options.merge && options.adapter.empty()) throw bad_usage("cannot negate").wanted("--merge only with --adapter");
  if (!std::isfinite(options.alpha)) throw bad_usage("cannot negate").wanted("a finite --alpha");
  StagedFolder out(options.out);
  const Checkpoint base(resolve_model_folder(options.base));
  if (!options.tuned.empty()) {
    const Checkpoint tuned(resolve_model_folder(options.tuned));
    negate_checkpoint(base, tuned, options.alpha, out.path());
  } else {
    const Adapter adapter(options.adapter);
    if (options.merge) {
      merge_adapters(base, {{&adapter, -options.alpha}}, out.path());
    } else {
      negate_adapter(base, adapter, options.alpha, out.path());
    }
  }
  out.commit();
  say("wrote " + options.out);
}

}  // namespace

void add_negate(CLI::App& program, Action& action) {
  auto options = std::make_shared<NegateOptions>();
  auto* command =
      program.add_subcommand("negate", "Subtract what a tuned model learned: base − alpha · (tuned − base)");
  command->add_option("--base", options->base, "The original checkpoint")->required();
  command->add_option("--tuned", options->tuned, "A checkpoint that was tuned from the base");
  command->add_option("--adapter", options->adapter, "Instead of --tuned: an adapter that was trained on the base");
  command->add_option("--alpha", options->alpha, "How much of the difference to subtract")->capture_default_str();
  command->add_flag("--merge", options->merge, "With --adapter: write a whole checkpoint instead of a negated adapter");
  command->add_option("--out", options->out, "Folder to write; must not exist, or be empty")->required();
  command->footer(
      "Example: lethe negate --base opt-2.7b --tuned runs/harmful/model --alpha 0.5 --out opt-2.7b-unlearned");
  command->callback([options, &action] { action = [options] { negate(*options); }; });
}

}  // namespace lethe
