#include "recipe/method_table.h"

#include "core/error.h"

namespace lethe {
namespace {

// A method that forgets and retains in one training.
Method forget_retain(MethodId id, std::string name, std::string description, std::string source,
                     HarmfulReference reference = HarmfulReference::none, Draws draws = Draws::none) {
  return {.id = id,
          .name = std::move(name),
          .description = std::move(description),
          .source = std::move(source),
          .title = "forgetting",
          .stage2 = Stage2::keep,
          .draws = draws,
          .reference = false,
          .safe_answers = draws == Draws::safe || draws == Draws::unknown,
          .forget_retain = true,
          .harmful_reference = reference};
}

}  // namespace

const std::vector<Method>& methods() {
  static const std::vector<Method> all = {
      {.id = MethodId::sku,
       .name = "sku",
       .description =
           "Teaches a copy of the model the harm, but not the normal knowledge, and subtracts what it learned.",
       .source = "Liu et al. 2024",
       .title = "stage 1: learning the harm",
       .draws = Draws::harmful},
      {.id = MethodId::task_vector,
       .name = "task_vector",
       .description = "Teaches a copy of the model the harmful answers, and subtracts what it learned.",
       .source = "Ilharco et al. 2023",
       .title = "learning the harm",
       .normal_rows = false,
       .reference = false},
      {.id = MethodId::contrast,
       .name = "contrast",
       .description =
           "Adds what teaching safe answers changes, and subtracts a share of what SKU or a task vector learns.",
       .source = "Fierro and Roger 2025",
       .title = "learning safe answers",
       .stage2 = Stage2::contrast,
       .safe_answers = true},
      {.id = MethodId::ga,
       .name = "ga",
       .description = "Makes harmful answers less likely, and holds the model near the original on normal answers.",
       .source = "Yao et al. 2023",
       .title = "gradient ascent",
       .stage2 = Stage2::keep},
      {.id = MethodId::ga_mismatch,
       .name = "ga_mismatch",
       .description = "Gradient ascent that also teaches normal answers to harmful prompts.",
       .source = "Yao et al. 2023",
       .title = "gradient ascent with mismatch",
       .stage2 = Stage2::keep,
       .draws = Draws::normal},
      {.id = MethodId::finetune,
       .name = "finetune",
       .description = "Trains on normal answers alone: the baseline without harmful data.",
       .source = "Liu et al. 2024",
       .title = "learning normal answers",
       .stage2 = Stage2::keep,
       .harmful_rows = false,
       .reference = false},
      forget_retain(MethodId::grad_diff, "grad_diff",
                    "Raises the loss of harmful answers, and lowers the loss of normal answers.", "Liu et al. 2022"),
      forget_retain(MethodId::kl_min, "kl_min",
                    "Raises the loss of harmful answers, and keeps the predictions on normal answers.",
                    "Maini et al. 2024"),
      forget_retain(MethodId::npo, "npo",
                    "Treats harmful answers as rejected ones, until they are much less likely than under the original.",
                    "Zhang et al. 2024", HarmfulReference::losses),
      forget_retain(MethodId::simnpo, "simnpo",
                    "Treats harmful answers as rejected ones, by their mean token loss and without the original.",
                    "Fan et al. 2024"),
      forget_retain(MethodId::dpo, "dpo", "Prefers safe answers to the harmful ones, measured against the original.",
                    "Rafailov et al. 2023", HarmfulReference::losses, Draws::safe),
      forget_retain(MethodId::idk_dpo, "idk_dpo",
                    "Prefers \"I don't know\" to the harmful answers, measured against the original.",
                    "Maini et al. 2024", HarmfulReference::losses, Draws::unknown),
      forget_retain(MethodId::wga, "wga",
                    "Raises the loss of harmful answers, most of all where the model is sure of them.",
                    "Wang et al. 2025"),
      forget_retain(MethodId::satimp, "satimp",
                    "Raises the loss of harmful answers with weights for saturated and for important tokens.",
                    "Yang et al. 2025"),
      forget_retain(MethodId::safe_unlearning, "safe_unlearning",
                    "Teaches safe answers to harmful prompts, and makes the harmful answers less likely than before.",
                    "Zhang et al. 2024", HarmfulReference::losses, Draws::safe),
      forget_retain(MethodId::undial, "undial",
                    "Distils the original's predictions with the harmful token's logit lowered.", "Dong et al. 2025",
                    HarmfulReference::states),
      forget_retain(MethodId::ce_u, "ce_u", "Distils the model's own predictions without the harmful token.",
                    "Yang 2025"),
      forget_retain(MethodId::pdu, "pdu",
                    "Flattens the logits on harmful answers, with a bound on the loss of normal answers.",
                    "Entesari et al. 2025"),
      forget_retain(MethodId::jensun, "jensun",
                    "Pulls the predictions on harmful prompts to a refusal by the bounded Jensen-Shannon divergence.",
                    "Singh et al. 2025", HarmfulReference::none, Draws::unknown),
      forget_retain(MethodId::ihl, "ihl",
                    "Lowers the probability of each harmful token below that of the runner-up (inverted hinge loss).",
                    "Cha et al. 2025"),
      forget_retain(MethodId::flat, "flat",
                    "Prefers a refusal to the harmful answer by an f-divergence, without normal data.",
                    "Wang et al. 2025", HarmfulReference::none, Draws::unknown),
      forget_retain(
          MethodId::rmu, "rmu",
          "Steers one layer's states on harmful answers to a random vector, and holds those on normal answers.",
          "Li et al. 2024"),
      forget_retain(
          MethodId::circuit_breakers, "circuit_breakers",
          "Turns some layers' states on harmful answers away from the original's, and holds those on normal answers.",
          "Zou et al. 2024", HarmfulReference::states),
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

}  // namespace lethe
