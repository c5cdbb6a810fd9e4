#include "attacks/run_attacks.h"

#include <algorithm>

#include "attacks/attack_data.h"
#include "attacks/attack_report.h"
#include "attacks/attack_table.h"
#include "core/error.h"
#include "core/terminal.h"

namespace lethe {
namespace {

// Sends reports to nobody: the run reports its data itself.
class Muted {
 public:
  Muted() : before_(set_observer(nullptr)) {}
  ~Muted() { set_observer(before_); }
  Muted(const Muted&) = delete;
  Muted& operator=(const Muted&) = delete;

 private:
  Observer* before_;
};

void check_run_attacks(const Recipe& recipe) {
  check_attack_names(recipe);
  const Muted muted;
  const AttackRequest request = run_attack_request(recipe, recipe.out);
  chosen_kinds(request, load_attack_data(request).rows);
}

// At most this many prompts of each kind are measured: every attack asks them again.
constexpr std::int64_t kMostPrompts = 48;

}  // namespace

AttackRequest run_attack_request(const Recipe& recipe, const std::filesystem::path& run) {
  AttackRequest request;
  request.run = run;
  request.run_recipe = recipe;
  request.recipe.device = recipe.device;
  request.recipe.dtype = recipe.dtype;
  request.recipe.threads = recipe.threads;
  request.attacks = recipe.evaluation.attacks;
  request.prompts = static_cast<std::size_t>(std::min(recipe.evaluation.prompts, kMostPrompts));
  request.budget.lora_rates = {request.budget.lora_rates.back()};
  request.budget.full_rates = {request.budget.full_rates.back()};
  request.out = run / "attacks";
  return request;
}

Robustness robustness_of(const AttackResult& result) {
  Robustness robustness;
  robustness.table = attack_table(result, /*with_times=*/false);
  robustness.table.title = "What an attacker gets back";
  robustness.notes = {
      "Harm after: the share of held-out harmful prompts that are answered harmfully after the worst setting of the "
      "attack, with its 95% interval. Recovered: (harm after − harm before) / (original's harm − harm before). Only a "
      "control can tell whether training on harm brought it back or taught it anew (lethe attack --retrained)."};
  if (!result.judge_withheld.empty())
    robustness.findings.emplace_back(VerdictLevel::amber,
                                     "attacks: harm was not judged, because " + result.judge_withheld);
  for (const std::string& name : result.attacks()) {
    const Reading reading = result.read(name);
    VerdictLevel level = level_of(name, reading);
    if (!result.judge_withheld.empty()) level = VerdictLevel::none;  // said once
    // A run tries the highest learning rates alone. If they destroy the model, lower ones may still bring harm back.
    if (reading == Reading::destroys) level = VerdictLevel::amber;
    if (level > VerdictLevel::green) robustness.findings.emplace_back(level, attack_sentence(result, name));
    OrderedJson entry = {{"attack", name}, {"reading", word_of(reading)}};
    if (const AttackRow* row = result.worst(name); row != nullptr) {
      const auto harm = result.judge_withheld.empty() ? row->unlearned().harm() : std::nullopt;
      const auto recovered = result.judge_withheld.empty() ? result.recovered(*row) : std::nullopt;
      entry["settings"] = row->unlearned().settings;
      entry["harm_after"] = harm ? OrderedJson(harm->rate) : OrderedJson();
      entry["recovered"] = recovered ? OrderedJson(*recovered) : OrderedJson();
      entry["utility"] = result.utility(*row);
      entry["rows"] = row->unlearned().rows;
      entry["steps"] = row->unlearned().steps;
    }
    robustness.results.push_back(std::move(entry));
  }
  return robustness;
}

void check_attack_names(const Recipe& recipe) {
  std::vector<std::string> names = recipe.evaluation.attacks;
  for (const std::string& name : names) attack_named(name);
  std::sort(names.begin(), names.end());
  if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
    throw bad_usage("cannot use evaluation.attacks").found(*twice + " twice");
}

RunAttacks attacks_on_runs() {
  return {.check = check_run_attacks, .run = [](const Recipe& recipe, const std::filesystem::path& run) {
            return robustness_of(attack(run_attack_request(recipe, run)));
          }};
}

}  // namespace lethe
