#include "objectives/objective.h"

namespace lethe {

std::map<std::string, double> values_of(const std::map<std::string, at::Tensor>& scalars) {
  std::map<std::string, double> values;
  if (scalars.empty()) return values;
  std::vector<at::Tensor> wide;
  for (const auto& [name, scalar] : scalars) wide.push_back(scalar.detach().to(at::kDouble));
  const at::Tensor read = at::stack(wide).to(at::kCPU);
  const double* next = read.const_data_ptr<double>();
  for (const auto& [name, scalar] : scalars) values[name] = *next++;
  return values;
}

}  // namespace lethe
