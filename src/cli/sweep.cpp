// lethe sweep: measures the trade-off of a finished run, over α or over settings.
#include "experiments/sweep.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/common.h"
#include "cli/number_checks.h"
#include "cli/program.h"
#include "core/interrupt.h"

namespace lethe {

void add_sweep(CLI::App& program, Action& action) {
  auto request = std::make_shared<SweepRequest>();
  auto shared = std::make_shared<SharedOptions>();
  auto on = std::make_shared<std::string>("validation");
  auto* command = program.add_subcommand(
      "sweep", "Measure the trade-off of a finished run: at other alphas, or with other settings (--over)");
  command->add_option("run", request->run, "Run folder of `lethe unlearn`")->required();
  command
      ->add_option("--alpha", request->alphas, "Alphas to measure: 0.25,0.5,… (default: 0.2 to 1.0, and the run's own)")
      ->delimiter(',');
  command
      ->add_option(
          "--ratio", request->ratios,
          "Of a LoRA run of contrast: shares of the harm (safe.ratio) to measure at each alpha, without training")
      ->delimiter(',');
  command->add_flag("--allow-any-alpha", request->allow_any_alpha, "Allow alphas above 1, which damage most models");
  command
      ->add_option(
          "--over", request->over,
          "KEY=V1,V2,… of the recipe (sku.eps_pd, training.lr, training.steps, …); may be given several times. Every "
          "combination is trained on the run's data, split and seed")
      ->allow_extra_args(false);
  command
      ->add_option("--budgets", request->budgets,
                   "With --over: KL budgets that choose alpha, in nats a token (default: the run's)")
      ->delimiter(',')
      ->check(above_zero());
  command->add_option(
      "--keep", request->keep,
      "Limits for the best point, e.g. normal_perplexity<=1.05x,degenerate_unseen<=0.1 (x: times the original's)");
  command->add_option("--on", *on, "Prompts to evaluate: validation (to choose with) or test (to report)")
      ->capture_default_str()
      ->check(CLI::IsMember({"validation", "test"}));
  command->add_option("--prompts", request->prompts, "At most this many prompts of each kind; 0: as the run");
  command->add_option("--template", request->response_template,
                      "Template of prompts and responses: auto, sku, chat or a text (default: the run's)");
  command->add_option("--out", request->out,
                      "Folder for sweep.json, sweep.html, page.html and points/ (default: the run's)");
  command->add_option("--apply", request->apply, "Write the best point's model or adapter to this folder");
  command->add_flag_callback(
      "--no-cache", [request = request.get()] { request->cache = false; },
      "Compute the original's answers again, even if they are in the cache");
  command->add_flag("--json", request->json, "Print the sweep as one JSON object");
  add_shared_options(*command, *shared);
  command->footer(
      "Example: lethe sweep runs/opt --alpha 0.25,0.5,0.75,1 --keep \"normal_perplexity<=1.05x\" --apply "
      "opt-unlearned\n"
      "         lethe sweep runs/opt --over sku.eps_pd=0,0.5,1 --over training.lr=1e-4,2e-4 --out runs/opt-grid\n"
      "The same command continues an interrupted sweep.");
  command->callback([request, shared, on, &action] {
    request->on_test = *on == "test";
    request->device = shared->device;
    request->dtype = compute_type_named(shared->dtype);
    request->threads = shared->threads;
    action = [request] {
      const auto& out = request->out.empty() ? request->run : request->out;
      going_on_later([&] { return kept_parts(out / "points", "point"); }, [&] { sweep(*request); });
    };
  });
}

}  // namespace lethe
