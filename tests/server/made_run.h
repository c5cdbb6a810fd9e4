// Shared by tests of the page: finished runs on the demo's model that no training made.
#pragma once

#include <string>
#include <vector>

#include "core/files.h"
#include "models/lora.h"
#include "runs/compare_data.h"
#include "runs/small_world.h"

namespace lethe {

class MadeRun : public SmallWorld {
 protected:
  // An adapter of random values, as a run writes it.
  ComparedRun lora_run(double alpha, const std::vector<std::string>& settings = {}) {
    Recipe recipe = with_settings({}, {"tuning=lora", "lora={rank: 4, alpha: 8, targets: [q_proj, v_proj]}"});
    recipe = with_settings(recipe, settings);
    CausalLM model = load_model(base_);
    at::manual_seed(3);
    const std::vector<NamedLora> pairs = add_lora(model, recipe.lora, 3);
    for (const NamedLora& lora : pairs) lora.pair->b = 0.1 * at::randn(lora.pair->b.sizes(), at::kFloat);
    fs::remove_all(folder_ / "run");
    fs::create_directories(folder_ / "run" / "adapter");
    write_adapter(pairs, recipe.lora, base_.folder().string(), folder_ / "run" / "adapter", -alpha);
    return finished(recipe, alpha);
  }
  // Every weight of the original moved a little, and one of each tensor to almost zero: before + (after − before) is
  // not after there.
  ComparedRun full_run(double alpha) {
    CausalLM model = load_model(base_);
    at::manual_seed(5);
    for (const Parameter& parameter : model.parameters()) {
      *parameter.tensor = *parameter.tensor + 0.02 * at::randn(parameter.shape, at::kFloat);
      parameter.tensor->view({-1}).narrow(0, 0, 1).fill_(1e-10);
    }
    fs::remove_all(folder_ / "run");
    fs::create_directories(folder_ / "run" / "model");
    write_like(base_, model, folder_ / "run" / "model");
    return finished(with_settings({}, {"tuning=full"}), alpha);
  }
  ComparedRun finished(Recipe recipe, double alpha) {
    recipe.model = base_.folder().string();
    recipe.data.harmful = {{.path = "none.jsonl"}};
    recipe.data.normal = {{.path = "none.jsonl"}};
    const fs::path run = folder_ / "run";
    write_file(run / "recipe.yaml", to_yaml(recipe));
    write_file(run / "run.json", "{}");
    write_file(run / "results.json",
               dump_json(Json{{"alpha", alpha}, {"judge_withheld", "the judge calls refusals harmful"}}));
    return open_compared_run(run);
  }
};

}  // namespace lethe
