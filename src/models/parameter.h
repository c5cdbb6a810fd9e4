// A weight of a model under its checkpoint's name: what loading fills and training changes.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

namespace lethe {

struct Linear;

/// A weight under its name in the Hugging Face checkpoint.
struct Parameter {
  std::string name;
  std::vector<std::int64_t> shape;
  at::Tensor* tensor;        ///< owned by the model
  Linear* linear = nullptr;  ///< for a layer's matrix: its linear map, which can hold it packed
  std::int64_t layer = -1;   ///< the layer that it belongs to; −1: none

  std::int64_t size() const {
    std::int64_t product = 1;
    for (const std::int64_t extent : shape) product *= extent;
    return product;
  }
};

}  // namespace lethe
