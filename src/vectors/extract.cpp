#include "vectors/extract.h"

#include <algorithm>

#include "core/error.h"
#include "core/files.h"
#include "core/terminal.h"
#include "formats/vector_info.h"
#include "tensors/file_tensors.h"
#include "vectors/rewrite.h"
#include "vectors/tuned_tensors.h"
#include "vectors/write_in_pieces.h"

namespace lethe {
namespace {

// θ − θ_o of one piece, in float32 or float64, rounded once to the result's type.
void difference(const at::Tensor& original, const at::Tensor& tuned, const at::Tensor& result) {
  constexpr std::int64_t kBlock = 1 << 15;
  const at::ScalarType compute = original.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  for (std::int64_t at = 0; at < result.numel(); at += kBlock) {
    const std::int64_t size = std::min(result.numel() - at, kBlock);
    const at::Tensor o = original.narrow(0, at, size).to(compute);
    result.narrow(0, at, size)
        .copy_(tuned.narrow(0, at, size).to(compute, /*non_blocking=*/false, /*copy=*/true).sub_(o));
  }
}

}  // namespace

bool extract_weights(const Checkpoint& base, const Checkpoint& tuned, StoreAs type, const std::filesystem::path& folder,
                     Access access) {
  const std::string doing = "cannot extract a vector";
  refuse_packed_weights(base);
  refuse_packed_weights(tuned);
  const TunedTensors theirs(base, tuned, doing);
  std::vector<WrittenTensor> tensors = tensors_to_write(base, theirs.unties_head());
  std::erase_if(tensors, [](const WrittenTensor& tensor) { return !is_weight(tensor.spec); });
  std::vector<TensorSpec> specs;
  std::uint64_t bytes = 0, done = 0;
  for (const WrittenTensor& tensor : tensors) {
    const StoredTensor& other = *theirs.find(tensor.spec.name);
    if (other.shape != tensor.spec.shape) throw shapes_differ(doing, base, tensor.spec, other.text());
    specs.push_back(tensor.spec);
    if (type == StoreAs::float32 && tensor.spec.type != DType::f64) specs.back().type = DType::f32;
    bytes += specs.back().bytes();
  }
  SafetensorsWriter writer(folder / kVectorTensors, specs, {{"format", "pt"}}, access);
  Progress progress("extracting", bytes, "bytes");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const StoredTensor &ours = *tensors[i].source, &other = *theirs.find(tensors[i].spec.name);
    const at::Tensor original = tensor_over(ours, base.values(ours)).reshape(-1),
                     trained = tensor_over(other, tuned.values(other)).reshape(-1);
    const auto compute = [&](std::int64_t begin, const at::Tensor& result) {
      difference(original.narrow(0, begin, result.numel()), trained.narrow(0, begin, result.numel()), result);
      require_finite(result, specs[i].name, doing);
    };
    const auto release = [&](std::int64_t begin, std::int64_t end) {
      const auto first = static_cast<std::uint64_t>(begin), last = static_cast<std::uint64_t>(end);
      base.release(ours, first * size_of(ours.type), last * size_of(ours.type));
      tuned.release(other, first * size_of(other.type), last * size_of(other.type));
      progress.update(done + last * size_of(specs[i].type));
    };
    write_in_pieces({original.numel(), scalar_type(specs[i].type), compute, release},
                    [&](std::uint64_t part) { return writer.room(part); });
    done += specs[i].bytes();
  }
  writer.close();
  return theirs.unties_head();
}

void extract_adapter(const Adapter& adapter, double factor, const std::filesystem::path& folder, Access access) {
  const std::string doing = "cannot extract a vector from " + adapter.folder().string();
  if (factor != 1 && (adapter.is_dora() || !adapter.saved().empty())) {
    throw bad_input(doing)
        .with("factor", std::to_string(factor))
        .wanted("low-rank pairs only")
        .found(adapter.is_dora() ? "use_dora" : "replaced tensors");
  }
  const auto scaled = [&](const StoredTensor& tensor, const at::Tensor& value) {
    const bool scales =
        factor != 1 && std::any_of(adapter.modules().begin(), adapter.modules().end(),
                                   [&](const LoraModule& m) { return m.b == &tensor || m.bias == &tensor; });
    if (!scales) return value;
    return combine_rounded(value, value, [&](const at::Tensor& b, const at::Tensor&) { return factor * b; });
  };
  rewrite_adapter(adapter, folder, doing, scaled, access);
  write_file(folder / "adapter_config.json", read_file(adapter.folder() / "adapter_config.json"), access);
}

}  // namespace lethe
