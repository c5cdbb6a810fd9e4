#include "runs/dtype_choice.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>

#include "core/messages.h"
#include "core/seconds_since.h"
#include "nn/bfloat16_product.h"
#include "nn/matmul.h"

namespace lethe {
namespace {

// The largest of the matrices, if all matrices are bfloat16; otherwise nullptr.
const StoredTensor* largest_matrix_in_bfloat16(const Checkpoint& base) {
  const StoredTensor* largest = nullptr;
  for (const StoredTensor* tensor : base.tensors()) {
    if (!is_floating(tensor->type) || tensor->shape.size() != 2) continue;
    if (tensor->type != DType::bf16) return nullptr;
    if (largest == nullptr || tensor->bytes() > largest->bytes()) largest = tensor;
  }
  return largest;
}

double best_seconds(const at::Tensor& x, const at::Tensor& weight) {
  double best = 1e9;
  for (int i = 0; i < 10; ++i) {
    const auto start = std::chrono::steady_clock::now();
    matmul_nt(x, weight);
    best = std::min(best, seconds_since(start));
  }
  return best;
}

}  // namespace

double bfloat16_speed(std::int64_t in, std::int64_t out) {
  const c10::InferenceMode inference;
  const at::Tensor x = at::randn({256, in}), weight = at::randn({out, in});
  return best_seconds(x, weight) / best_seconds(x, weight.to(at::kBFloat16));
}

Recipe with_dtype(Recipe recipe, const Checkpoint& base, Compute& compute,
                  const std::function<double(std::int64_t in, std::int64_t out)>& speed) {
  constexpr double kWorthwhile = 1.5;
  constexpr std::int64_t kLongest = 2048;  // longer rows measure the same and take longer
  if (recipe.dtype != ComputeType::automatic || recipe.tuning != TuningKind::lora ||
      recipe.quantize != Quantize::none || activation_type(compute.device, at::kBFloat16) != at::kFloat)
    return recipe;
  const StoredTensor* matrix = largest_matrix_in_bfloat16(base);
  if (matrix == nullptr) return recipe;
  const bool faster = speed(std::min(matrix->shape[1], kLongest), std::min(matrix->shape[0], kLongest)) >= kWorthwhile;
  recipe.dtype = faster ? ComputeType::bfloat16 : ComputeType::float32;
  if (faster) {
    compute.dtype = at::kBFloat16;
    say("dtype: bfloat16 (as the model is stored; this CPU multiplies it faster than float32)");
  }
  return recipe;
}

}  // namespace lethe
