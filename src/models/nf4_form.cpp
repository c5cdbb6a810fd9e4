#include "models/nf4_form.h"

#include <c10/core/GradMode.h>

#include "core/interrupt.h"
#include "models/lora.h"
#include "nn/nf4.h"

namespace lethe {

Nf4Form::Nf4Form(CausalLM& model) : model_(model), adapters_on_(model.adapters.on) {
  const c10::NoGradGuard no_gradient;
  const auto replace = [&](Linear& linear, const at::Tensor& weight) {
    before_.emplace_back(&linear, linear.weight);
    linear.weight = weight;
  };
  try {
    for (const NamedLinear& named : model.linears()) {  // also maps that are not rounded
      if (adapters_on_ && !named.linear->adapters.empty()) replace(*named.linear, folded_weight(*named.linear));
    }
    for (const Parameter& parameter : model.parameters()) {
      if (parameter.linear == nullptr) continue;
      stop_if_interrupted();
      const at::Tensor weight = parameter.linear->weight.detach();
      replace(*parameter.linear, to_nf4(weight).values(weight.scalar_type()));
    }
  } catch (...) {
    give_back();
    throw;
  }
  model_.adapters.on = false;
}

Nf4Form::~Nf4Form() {
  give_back();
}

// The last replacement first: a weight may have been replaced twice.
void Nf4Form::give_back() {
  for (auto each = before_.rbegin(); each != before_.rend(); ++each) each->first->weight = each->second;
  before_.clear();
  model_.adapters.on = adapters_on_;
}

}  // namespace lethe
