// lethe negate: subtract what a tuned checkpoint or an adapter has learned.
#include "vectors/negate.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "cli/program.h"
#include "core/error.h"
#include "core/staged_folder.h"
#include "core/terminal.h"
#include "models/nf4_change.h"
#include "report/table.h"
#include "runs/known_harm.h"
#include "runs/model_card.h"
#include "vectors/apply_adapter.h"

namespace lethe {
namespace {

struct NegateOptions {
  std::string base, tuned, adapter, out;
  double alpha = 1.0;
  bool merge = false, nf4 = false;
};

// What was tuned: a checkpoint, or an adapter.
struct Tuned {
  bool is_adapter = false;
  std::filesystem::path folder;
  std::string name;  // a public name
};

Tuned tuned_of(const NegateOptions& options) {
  const bool is_adapter = options.tuned.empty();
  const std::string& given = is_adapter ? options.adapter : options.tuned;
  const std::filesystem::path folder = is_adapter ? std::filesystem::path(given) : resolve_model_folder(given);
  return {is_adapter, folder, public_name(given, folder)};
}

// Why the result is harmful. Empty: nothing says that it is. What is negated is harm, unless its run says otherwise.
std::string harm_of_negation(const NegateOptions& options, const Checkpoint& base, const Tuned& tuned) {
  const KnownHarm learned =
      tuned.is_adapter ? harm_of_adapter(tuned.folder) : harm_of_checkpoint(tuned.folder, tuned.name);
  if (options.alpha < 0 && learned.sign >= 0) {
    return "alpha " + short_number(options.alpha) +
           " adds what the tuned model learned: the result is more harmful than its base";
  }
  return harm_of_result(harm_of_checkpoint(base.folder(), public_name(options.base, base.folder())),
                        {{tuned.name, learned, -options.alpha}});
}

ModelCard card_of(const NegateOptions& options, const Checkpoint& base, const Tuned& tuned, bool harmful) {
  ModelCard card =
      arithmetic_card(options.base, base.folder(), tuned.is_adapter && !options.merge, Origin::negation,
                      "Made with lethe negate: what a tuned model learned was subtracted from its base, base − alpha "
                      "· (tuned − base).",
                      {{tuned.is_adapter ? "adapter" : "tuned", tuned.name}, {"alpha", short_number(options.alpha)}});
  if (harmful) card.summary += kHarmfulCard;
  return card;
}

void negate(const NegateOptions& options) {
  if (options.tuned.empty() == options.adapter.empty())
    throw bad_usage("cannot negate").wanted("either --tuned or --adapter");
  if (options.merge && options.adapter.empty()) throw bad_usage("cannot negate").wanted("--merge only with --adapter");
  if (!std::isfinite(options.alpha)) throw bad_usage("cannot negate").wanted("a finite --alpha");
  if (options.alpha > 1)
    warn("alpha " + short_number(options.alpha) +
         " subtracts more than the tuned model learned: most models are damaged by it");
  StagedFolder out(options.out);
  const Checkpoint base(resolve_model_folder(options.base));
  const Tuned tuned = tuned_of(options);
  const std::string harm = harm_of_negation(options, base, tuned);
  if (!harm.empty()) warn_of_harm(harm);
  const Access access = access_of(!harm.empty());
  if (!tuned.is_adapter) {
    negate_checkpoint(base, Checkpoint(tuned.folder), options.alpha, out.path(), access);
  } else if (const Adapter adapter(tuned.folder); options.merge) {
    merge_adapters(base, {{&adapter, -options.alpha}}, out.path(), access);
  } else {
    negate_adapter(base, adapter, options.alpha, out.path(), access);
  }
  if (options.nf4)
    say("in four bits (NF4): " + nf4_change_of(base, out.path(), tuned.is_adapter && !options.merge).text());
  write_card(card_of(options, base, tuned, !harm.empty()), out.path(), access);
  out.commit(access);
  say_wrote(options.out);
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
  command->add_flag("--nf4", options->nf4, "Also print how much of the change is left if the result is stored in NF4");
  command->add_option("--out", options->out, "Folder to write; must not exist, or be empty")->required();
  command->footer(
      "Example: lethe negate --base opt-2.7b --tuned runs/harmful/model --alpha 0.5 --out opt-2.7b-unlearned");
  command->callback([options, &action] { action = [options] { negate(*options); }; });
}

}  // namespace lethe
