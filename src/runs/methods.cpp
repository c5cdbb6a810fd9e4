#include "runs/methods.h"

#include "core/error.h"
#include "objectives/cross_entropy_training.h"
#include "objectives/gradient_ascent.h"
#include "objectives/sku.h"

namespace lethe {
namespace {

SkuOptions sku_options(const Recipe& recipe) {
  SkuOptions options;
  options.harmful.eps_gd = recipe.sku.eps_gd;
  options.harmful.eps_rd = recipe.sku.eps_rd;
  options.harmful.reduction = recipe.sku.reduction == "sum" ? Reduction::sum : Reduction::mean;
  options.eps_pd = recipe.sku.eps_pd;
  options.pd_margin = recipe.sku.pd_margin;
  return options;
}

// What the original answers on no normal pair at all: for methods that never ask.
class NoReference : public Reference {
 public:
  at::Tensor states(std::span<const Pair>) override { throw Error("internal: this method has no reference"); }
  Head head() override { throw Error("internal: this method has no reference"); }
};

}  // namespace

const std::vector<Method>& methods() {
  static const std::vector<Method> all = {
      {.name = "sku", .title = "stage 1: learning the harm"},
      {.name = "task_vector", .title = "learning the harm", .normal_rows = false, .reference = false},
      {.name = "ga", .title = "gradient ascent", .stage2 = Stage2::keep},
      {.name = "ga_mismatch", .title = "gradient ascent with mismatch", .stage2 = Stage2::keep},
      {.name = "finetune",
       .title = "learning normal answers",
       .stage2 = Stage2::keep,
       .harmful_rows = false,
       .reference = false},
  };
  return all;
}

const Method& method_named(const std::string& name) {
  std::string known;
  for (const Method& method : methods()) {
    if (method.name == name) return method;
    known += (known.empty() ? "" : ", ") + method.name;
  }
  throw bad_usage("cannot use this recipe").with("key", "method").wanted(known).found(excerpt(name));
}

SamplerOptions sampler_options(const Recipe& recipe) {
  SamplerOptions options;
  options.batch = static_cast<std::size_t>(recipe.training.batch);
  options.seed = recipe.seed;
  options.k = 0;
  if (recipe.method == "sku" && recipe.sku.eps_rd != 0) options.k = static_cast<std::size_t>(recipe.sku.k);
  if (recipe.method == "ga_mismatch") {
    options.k = static_cast<std::size_t>(recipe.sku.k);
    options.draw = SamplerOptions::Draw::normal;
  }
  return options;
}

std::unique_ptr<Objective> make_objective(const Recipe& recipe, CausalLM& model, ExampleMaker& examples,
                                          Reference* reference, std::function<StepRows(std::uint64_t)> rows) {
  static NoReference none;
  Reference& original = reference != nullptr ? *reference : none;
  if (recipe.method == "finetune") {
    return std::make_unique<CrossEntropyObjective>(
        model, examples, [rows = std::move(rows)](std::uint64_t micro) { return rows(micro).normal; });
  }
  if (recipe.method == "ga" || recipe.method == "ga_mismatch") {
    const double mismatch = recipe.method == "ga" ? 0 : recipe.ga.eps_mismatch;
    return std::make_unique<GradientAscentObjective>(
        model, examples, original, std::move(rows),
        GradientAscentOptions{.eps_kl = recipe.ga.eps_kl, .eps_mismatch = mismatch});
  }
  SkuOptions options = sku_options(recipe);
  if (recipe.method == "task_vector") {
    options.harmful.eps_rd = 0;
    options.eps_pd = 0;
  }
  return std::make_unique<SkuObjective>(model, examples, original, std::move(rows), options);
}

}  // namespace lethe
