// The scalars of a step: loss, gradient norm and terms, each the mean over its micro-batches.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>

#include "objectives/objective.h"

namespace lethe {

/// They stay on the model's device until the whole step is queued. Reading one earlier would stall the device.
struct StepScalars {
  at::Tensor loss, norm;
  std::map<std::string, at::Tensor> terms;

  /// Adds one micro-batch. @param parts  micro-batches of the step
  void add(const StepLoss& part, std::int64_t parts) {
    const auto add_to = [&](at::Tensor& sum, const at::Tensor& value) {
      const at::Tensor share = value.detach().to(at::kDouble) / static_cast<double>(parts);
      sum = sum.defined() ? sum + share : share;
    };
    if (part.loss.defined()) add_to(loss, part.loss);
    for (const auto& [name, value] : part.terms) add_to(terms[name], value);
  }
};

}  // namespace lethe
