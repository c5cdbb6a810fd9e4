// lethe negate: subtract what a tuned checkpoint or an adapter has learned.
#include "vectors/negate.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "cli/program.h"
#include "core/error.h"
#include "core/staged_folder.h"
#include "core/terminal.h"
#include "report/table.h"
#include "runs/model_card.h"
#include "vectors/apply_adapter.h"

namespace lethe {
namespace {

struct NegateOptions {
  std::string base, tuned, adapter, out;
  double alpha = 1.0;
  bool merge = false;
};

ModelCard card_of(const NegateOptions& options, const Checkpoint& base, bool to_adapter) {
  const bool from_adapter = options.tuned.empty();
  const std::string& learned = from_adapter ? options.adapter : options.tuned;
  const std::string name =
      public_name(learned, from_adapter ? std::filesystem::path(learned) : resolve_model_folder(learned));
  return arithmetic_card(
      options.base, base.folder(), to_adapter, Origin::negation,
      "Made with lethe negate: what a tuned model learned was subtracted from its base, base − alpha "
      "· (tuned − base).",
      {{from_adapter ? "adapter" : "tuned", name}, {"alpha", short_number(options.alpha)}});
}

void negate(const NegateOptions& options) {
  if (options.tuned.empty() == options.adapter.empty())
    throw bad_usage("cannot negate").wanted("either --tuned or --adapter");
  if (options.merge && options.adapter.empty()) throw bad_usage("cannot negate").wanted("--merge only with --adapter");
  if (!std::isfinite(options.alpha)) throw bad_usage("cannot negate").wanted("a finite --alpha");
  if (options.alpha > 1)
    warn("alpha " + short_number(options.alpha) +
         " subtracts more than the tuned model learned: most models are damaged by it");
  if (options.alpha < 0) warn("alpha " + short_number(options.alpha) + " adds what the tuned model learned");
  StagedFolder out(options.out);
  const Checkpoint base(resolve_model_folder(options.base));
  const bool to_adapter = options.tuned.empty() && !options.merge;
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
  write_card(card_of(options, base, to_adapter), out.path());
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
