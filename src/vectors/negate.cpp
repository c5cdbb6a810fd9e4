#include "vectors/negate.h"

#include <cmath>
#include <cstdio>
#include <limits>

#include "core/error.h"
#include "formats/tied_pair.h"
#include "kernels/negate_kernel.h"
#include "tensors/file_tensors.h"
#include "vectors/apply_adapter.h"
#include "vectors/rewrite.h"
#include "vectors/tuned_tensors.h"
#include "vectors/write_in_pieces.h"

namespace lethe {
namespace {

/// Called with the elements of the current tensor that are no longer needed.
using Release = std::function<void(std::int64_t begin, std::int64_t end)>;

// θ_o − α·(θ − θ_o) of one piece. @return whether it is finite
bool negate_piece(const at::Tensor& original, const at::Tensor& tuned, double alpha, const at::Tensor& result) {
  const DType type = dtype_of(original.scalar_type());
  if (alpha != 0 && tuned.scalar_type() == original.scalar_type() && has_negate_kernel(type)) {
    return negate_kernel(type, bytes_of(original).data(), bytes_of(tuned).data(), static_cast<float>(alpha),
                         static_cast<std::byte*>(result.mutable_data_ptr()), static_cast<std::size_t>(result.numel()));
  }
  // Operation by operation, in blocks that stay in the cache.
  constexpr std::int64_t kBlock = 1 << 15;
  const at::ScalarType compute = original.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const std::int64_t count = original.numel(), longest = std::min(count, kBlock);
  const at::Tensor all_o = at::empty({longest}, compute), all_t = at::empty({longest}, compute);
  for (std::int64_t at = 0; at < count; at += kBlock) {
    const std::int64_t size = std::min(count - at, kBlock);
    const at::Tensor o = all_o.narrow(0, 0, size), t = all_t.narrow(0, 0, size);
    o.copy_(original.narrow(0, at, size));
    if (alpha != 0) o.sub_(t.copy_(tuned.narrow(0, at, size)).sub_(o).mul_(alpha));
    result.narrow(0, at, size).copy_(o);
  }
  return is_finite(result);
}

void write_negated(const TensorSpec& tensor, const at::Tensor& original, const at::Tensor& tuned, double alpha,
                   CheckpointWriter& writer, const Release& release) {
  const at::Tensor flat_original = original.reshape(-1), flat_tuned = tuned.reshape(-1);
  const auto negate = [&](std::int64_t begin, const at::Tensor& result) {
    const std::int64_t size = result.numel();
    if (!negate_piece(flat_original.narrow(0, begin, size), flat_tuned.narrow(0, begin, size), alpha, result))
      throw not_finite(tensor.name, "cannot negate: a weight becomes no finite number");
  };
  write_in_pieces({original.numel(), original.scalar_type(), negate, release},
                  [&](std::uint64_t bytes) { return writer.room(bytes); });
}

void negate_in_pieces(const Checkpoint& base, const TensorLookup& tuned, double alpha,
                      const std::filesystem::path& folder, const RewriteOptions& options, const Release& release) {
  if (!(std::abs(alpha) <= std::numeric_limits<float>::max())) {
    char found[32];
    std::snprintf(found, sizeof found, "%g", alpha);
    throw bad_input("cannot negate on " + base.folder().string()).wanted("an alpha that float32 holds").found(found);
  }
  const TiedPair& pair = tied_pair(base);
  rewrite_checkpoint(
      base, folder,
      [&](const TensorSpec& tensor, const StoredTensor& source, const at::Tensor& value, CheckpointWriter& writer) {
        if (!is_weight(tensor)) return writer.write(base.values(source));
        at::Tensor other = tuned(tensor.name);
        if (!other.defined() && pair.tied && tensor.name == pair.head_name) other = tuned(pair.embedding_name);
        if (!other.defined() && pair.tied && tensor.name == pair.embedding_name) other = tuned(pair.head_name);
        if (!other.defined()) throw only_on_one_side("cannot negate", base, tensor.name, "in the base");
        if (other.sizes() != value.sizes())
          throw shapes_differ("cannot negate", base, tensor, spec_of(tensor.name, other).text());
        if (!other.is_cpu()) other = other.to(at::kCPU);  // trained on a GPU; the kernel reads host memory
        const Release release_both = [&](std::int64_t begin, std::int64_t end) {
          const std::uint64_t width = size_of(source.type);
          base.release(source, static_cast<std::uint64_t>(begin) * width, static_cast<std::uint64_t>(end) * width);
          if (release) release(begin, end);
        };
        write_negated(tensor, value, other, alpha, writer, release_both);
      },
      options);
}

}  // namespace

void negate_checkpoint(const Checkpoint& base, const TensorLookup& tuned, double alpha,
                       const std::filesystem::path& folder, const ShardOptions& options) {
  negate_in_pieces(base, tuned, alpha, folder, {.shards = options}, nullptr);
}

void negate_checkpoint(const Checkpoint& base, const Checkpoint& tuned, double alpha,
                       const std::filesystem::path& folder, Access access) {
  refuse_packed_weights(tuned);
  const TunedTensors tensors(base, tuned, "cannot negate");
  const StoredTensor* read = nullptr;  // the last tensor looked up
  negate_in_pieces(
      base,
      [&](const std::string& name) -> at::Tensor {
        read = tensors.find(name);
        return read == nullptr ? at::Tensor() : tensor_over(*read, tuned.values(*read));
      },
      alpha, folder, {.shards = {.access = access}, .unties_head = tensors.unties_head()},
      [&](std::int64_t begin, std::int64_t end) {
        const std::uint64_t width = size_of(read->type);
        tuned.release(*read, static_cast<std::uint64_t>(begin) * width, static_cast<std::uint64_t>(end) * width);
      });
}

void negate_adapter(const Checkpoint& base, const Adapter& adapter, double alpha, const std::filesystem::path& folder,
                    Access access) {
  if (adapter.is_dora()) {
    throw bad_input("cannot negate the adapter " + adapter.folder().string() + " as an adapter")
        .with("key", "use_dora = true")
        .with("reason", "what DoRA adds to a weight is not linear in B: no adapter of this kind subtracts it")
        .hint("--merge writes the negated checkpoint, exactly");
  }
  refuse_packed_weights(base);
  const AppliedAdapters check(base, {{&adapter, -alpha}});  // names and shapes fit this base
  const auto negated = [&](const StoredTensor& tensor, at::Tensor value) {
    for (const LoraModule& module : adapter.modules()) {
      if (module.b == &tensor || module.bias == &tensor)
        value = combine_rounded(value, value, [&](const at::Tensor& b, const at::Tensor&) { return -alpha * b; });
    }
    for (const SavedTensor& saved : adapter.saved()) {
      if (saved.tensor != &tensor || !is_floating(tensor.type)) continue;
      const StoredTensor& original = check.base_tensor(saved.name);
      const at::Tensor before = tensor_over(original, base.values(original));
      value =
          combine_rounded(value, before, [&](const at::Tensor& s, const at::Tensor& o) { return o - alpha * (s - o); });
    }
    return value;
  };
  rewrite_adapter(adapter, folder, "cannot negate the adapter " + adapter.folder().string(), negated, access);
  copy_side_files(adapter.folder(), folder, access);
}

}  // namespace lethe
