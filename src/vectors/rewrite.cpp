#include "vectors/rewrite.h"

#include "core/terminal.h"
#include "vectors/tensors.h"

namespace lethe {

void rewrite_checkpoint(const Checkpoint& base, const std::filesystem::path& folder, const ChangeTensor& change,
                        const ShardOptions& options) {
  const WriteTensor write = [&](const StoredTensor& tensor, const at::Tensor& value, CheckpointWriter& writer) {
    const at::Tensor changed = change(tensor, value);
    if (changed.defined())
      require_finite(changed, tensor.name, "cannot change the weights of " + base.folder().string());
    writer.write(changed.defined() ? bytes_of(changed) : base.values(tensor));
  };
  rewrite_checkpoint(base, folder, write, options);
}

void rewrite_checkpoint(const Checkpoint& base, const std::filesystem::path& folder, const WriteTensor& write,
                        const ShardOptions& options) {
  refuse_packed_weights(base);
  std::vector<TensorSpec> specs;
  for (const StoredTensor* tensor : base.tensors()) specs.push_back(*tensor);
  CheckpointWriter writer(folder, std::move(specs), options);
  Progress progress("writing " + folder.filename().string(), base.bytes(), "bytes");
  std::uint64_t done = 0;
  for (const StoredTensor* tensor : base.tensors()) {
    write(*tensor, tensor_over(*tensor, base.values(*tensor)), writer);
    base.release(*tensor);
    progress.update(done += tensor->bytes());
  }
  writer.finish();
  copy_side_files(base.folder(), folder);
}

at::Tensor combine_rounded(const at::Tensor& a, const at::Tensor& b,
                           const std::function<at::Tensor(const at::Tensor&, const at::Tensor&)>& f) {
  constexpr std::int64_t kPiece = 1 << 22;
  const at::ScalarType compute = a.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor result = at::empty_like(a);
  const at::Tensor flat_a = a.reshape(-1), flat_b = b.reshape(-1), flat_result = result.view(-1);
  for (std::int64_t at = 0; at < a.numel(); at += kPiece) {
    const std::int64_t end = std::min(a.numel(), at + kPiece);
    flat_result.slice(0, at, end).copy_(f(flat_a.slice(0, at, end).to(compute), flat_b.slice(0, at, end).to(compute)));
  }
  return result;
}

}  // namespace lethe
