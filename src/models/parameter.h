// A weight of a model under its checkpoint's name: what loading fills and training changes.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

namespace lethe {

struct Linear;

/// A weight under the very name it has in the Hugging Face checkpoint.
struct Parameter {
  std::string name;
  std::vector<std::int64_t> shape;
  at::Tensor* tensor;        ///< owned by the model
  Linear* linear = nullptr;  ///< of a layer's matrix: the map it is the weight of, which can hold it packed

  std::int64_t size() const {
    std::int64_t product = 1;
    for (const std::int64_t extent : shape) product *= extent;
    return product;
  }
};

}  // namespace lethe
