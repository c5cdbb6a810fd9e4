#include "objectives/gradient_ascent.h"

namespace lethe {

GradientAscentObjective::GradientAscentObjective(CausalLM& model, ExampleMaker& examples, Reference& reference,
                                                 std::function<StepRows(std::uint64_t)> rows,
                                                 const GradientAscentOptions& options)
    : turned_(model, examples, reference, std::move(rows),
              {.harmful = {.eps_gd = -1, .eps_rd = options.eps_mismatch}, .eps_pd = -options.eps_kl, .pd_margin = 0}),
      has_mismatch_(options.eps_mismatch != 0) {}

StepLoss GradientAscentObjective::loss(std::uint64_t micro) {
  StepLoss result = turned_.loss(micro);
  std::map<std::string, at::Tensor> terms;
  for (const auto& [name, value] : result.terms) {
    if (name == "gd") terms["ce"] = value;
    if (name == "rd" && has_mismatch_) terms["mismatch"] = value;
    if (name == "kl") terms["kl"] = value;
  }
  result.terms = std::move(terms);
  return result;
}

}  // namespace lethe
