// lethe merge: adapters into weights.
#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/staged_folder.h"
#include "core/terminal.h"
#include "runs/known_harm.h"
#include "runs/model_card.h"
#include "vectors/apply_adapter.h"

namespace lethe {
namespace {

struct MergeOptions {
  std::string base, out;
  std::vector<std::string> adapters;
};

// Empty: nothing says that the result is harmful.
std::string harm_of_merge(const MergeOptions& options, const Checkpoint& base, const OpenAdapters& adapters) {
  std::vector<AddedChange> changes;
  for (const WeightedAdapter& weighted : adapters.weighted) {
    const std::filesystem::path& folder = weighted.adapter->folder();
    changes.push_back({public_name(folder.string(), folder), harm_of_adapter(folder), weighted.factor});
  }
  return harm_of_result(harm_of_checkpoint(base.folder(), public_name(options.base, base.folder())), changes);
}

void merge(const MergeOptions& options) {
  StagedFolder out(options.out);
  const Checkpoint base(resolve_model_folder(options.base));
  const OpenAdapters adapters = open_adapters(options.adapters);
  const std::string harm = harm_of_merge(options, base, adapters);
  if (!harm.empty()) warn_of_harm(harm);
  const Access access = access_of(!harm.empty());
  merge_adapters(base, adapters.weighted, out.path(), access);
  std::vector<std::vector<std::string>> merged;
  for (const std::string& adapter : options.adapters)
    merged.push_back({"adapter", std::filesystem::path(adapter).lexically_normal().filename().string()});
  ModelCard card = arithmetic_card(options.base, base.folder(), false, Origin::unknown,
                                   "Made with lethe merge: adapters were added to the weights of their base.", merged);
  if (!harm.empty()) card.summary += kHarmfulCard;
  write_card(card, out.path(), access);
  out.commit(access);
  say_wrote(options.out);
}

}  // namespace

void add_merge(CLI::App& program, Action& action) {
  auto options = std::make_shared<MergeOptions>();
  auto* command = program.add_subcommand("merge", "Merge adapters into the weights of their base");
  command->add_option("--base", options->base, "The checkpoint that the adapters were trained on")->required();
  command->add_option("--adapter", options->adapters, "Adapter folders; DIR:0.5 merges half of one")
      ->required()
      ->expected(1, -1);
  command->add_option("--out", options->out, "Folder to write; must not exist, or be empty")->required();
  command->footer("Example: lethe merge --base opt-2.7b --adapter runs/opt/adapter --out opt-2.7b-unlearned");
  command->callback([options, &action] { action = [options] { merge(*options); }; });
}

}  // namespace lethe
