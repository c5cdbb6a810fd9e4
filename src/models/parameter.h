// A weight of a model under its checkpoint's name: what loading fills and training changes.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

namespace lethe {

/// A weight under the very name it has in the Hugging Face checkpoint.
struct Parameter {
  std::string name;
  std::vector<std::int64_t> shape;
  at::Tensor* tensor;  ///< owned by the model
};

}  // namespace lethe
