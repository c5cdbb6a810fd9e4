#include "vectors/negate.h"

#include "core/error.h"
#include "vectors/apply_adapter.h"
#include "vectors/negate_kernel.h"
#include "vectors/parallel.h"
#include "vectors/rewrite.h"
#include "vectors/tensors.h"

namespace lethe {
namespace {

/// Told which elements of a tensor are not needed again.
using Release = std::function<void(const StoredTensor& tensor, std::int64_t begin, std::int64_t end)>;

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

// In groups of pieces; each thread works out and writes its own, so that there is writing while there is computing.
void write_negated(const StoredTensor& tensor, const at::Tensor& original, const at::Tensor& tuned, double alpha,
                   CheckpointWriter& writer, const Release& release) {
  constexpr std::int64_t kPiece = 1 << 18, kGroup = kPiece * 32;
  const std::int64_t count = original.numel();
  const auto width = static_cast<std::int64_t>(original.element_size());
  const at::Tensor flat_original = original.reshape(-1), flat_tuned = tuned.reshape(-1);
  if (count == 0) writer.write({});
  for (std::int64_t begin = 0; begin < count; begin += kGroup) {
    const std::int64_t end = std::min(count, begin + kGroup), pieces = (end - begin + kPiece - 1) / kPiece;
    Room room = writer.room(static_cast<std::uint64_t>((end - begin) * width));
    in_parallel(pieces, [&](std::int64_t piece) {
      const std::int64_t at = begin + piece * kPiece, size = std::min(kPiece, end - at);
      const at::Tensor result = at::empty({size}, original.scalar_type());
      if (!negate_piece(flat_original.narrow(0, at, size), flat_tuned.narrow(0, at, size), alpha, result))
        throw not_finite(tensor.name, "cannot negate: a weight becomes no finite number");
      room.write(static_cast<std::uint64_t>((at - begin) * width), bytes_of(result));
    });
    if (release) release(tensor, begin, end);
  }
}

bool says_untied(const Checkpoint& checkpoint) {
  return checkpoint.config().value("tie_word_embeddings", Json()) == false;
}

Error missing(const Checkpoint& base, const std::string& tensor, const std::string& side) {
  return bad_input("cannot negate on " + base.folder().string())
      .with("tensor", excerpt(tensor, 200))
      .found("only " + side);
}

void negate_in_pieces(const Checkpoint& base, const TensorLookup& tuned, double alpha,
                      const std::filesystem::path& folder, const ShardOptions& options, const Release& release) {
  const TiedNames tied = embedding_and_head(base);
  const Release release_all = [&](const StoredTensor& tensor, std::int64_t begin, std::int64_t end) {
    const auto width = static_cast<std::int64_t>(tensor.bytes() / std::max<std::uint64_t>(tensor.count(), 1));
    base.release(tensor, static_cast<std::uint64_t>(begin * width), static_cast<std::uint64_t>(end * width));
    if (release) release(tensor, begin, end);
  };
  rewrite_checkpoint(
      base, folder,
      [&](const StoredTensor& tensor, const at::Tensor& value, CheckpointWriter& writer) {
        if (!is_floating(tensor.type)) return writer.write(base.values(tensor));
        at::Tensor other = tuned(tensor.name);
        if (!other.defined() && tensor.name == tied.head && !says_untied(base)) other = tuned(tied.embedding);
        if (!other.defined()) throw missing(base, tensor.name, "in the base");
        if (other.sizes() != value.sizes()) {
          throw bad_input("cannot negate on " + base.folder().string())
              .with("tensor", excerpt(tensor.name, 200))
              .wanted("shape " + tensor.text() + " of the base")
              .found(spec_of(tensor.name, other).text());
        }
        write_negated(tensor, value, other, alpha, writer, release_all);
      },
      options);
}

}  // namespace

void negate_checkpoint(const Checkpoint& base, const TensorLookup& tuned, double alpha,
                       const std::filesystem::path& folder, const ShardOptions& options) {
  negate_in_pieces(base, tuned, alpha, folder, options, nullptr);
}

void negate_checkpoint(const Checkpoint& base, const Checkpoint& tuned, double alpha,
                       const std::filesystem::path& folder) {
  refuse_packed_weights(tuned);
  // What is wrong with the names is said before anything is written.
  const TiedNames ours = embedding_and_head(base), theirs = embedding_and_head(tuned);
  for (const StoredTensor* tensor : tuned.tensors()) {
    const bool tied_head = tensor->name == theirs.head && ours.head.empty() && !says_untied(tuned);
    if (base.find(tensor->name) == nullptr && is_floating(tensor->type) && !tied_head) {
      throw missing(base, tensor->name, "in the tuned checkpoint " + tuned.folder().string());
    }
  }
  for (const StoredTensor* tensor : base.tensors()) {
    const bool tied_head = tensor->name == ours.head && theirs.head.empty() && !says_untied(base);
    if (tuned.find(tensor->name) == nullptr && is_floating(tensor->type) && !tied_head) {
      throw missing(base, tensor->name, "in the base " + base.folder().string());
    }
  }
  const StoredTensor* read = nullptr;  // what was looked up last
  negate_in_pieces(
      base,
      [&](const std::string& name) -> at::Tensor {
        read = tuned.find(name);
        return read == nullptr ? at::Tensor() : tensor_over(*read, tuned.values(*read));
      },
      alpha, folder, {},
      [&](const StoredTensor&, std::int64_t begin, std::int64_t end) {
        const std::uint64_t width = read->bytes() / std::max<std::uint64_t>(read->count(), 1);
        tuned.release(*read, static_cast<std::uint64_t>(begin) * width, static_cast<std::uint64_t>(end) * width);
      });
}

void negate_adapter(const Checkpoint& base, const Adapter& adapter, double alpha, const std::filesystem::path& folder) {
  if (adapter.is_dora()) {
    throw bad_input("cannot negate the adapter " + adapter.folder().string() + " as an adapter")
        .with("key", "use_dora = true")
        .with("reason", "what DoRA adds to a weight is not linear in B: no adapter of this kind subtracts it")
        .hint("--merge writes the negated checkpoint, exactly");
  }
  refuse_packed_weights(base);
  const AppliedAdapters check(base, {{&adapter, -alpha}});  // names and shapes fit this base
  std::vector<TensorSpec> specs;
  for (const StoredTensor& tensor : adapter.file().tensors()) specs.push_back(tensor);
  SafetensorsWriter writer(folder / "adapter_model.safetensors", specs);
  for (const StoredTensor& tensor : adapter.file().tensors()) {
    at::Tensor value = tensor_over(tensor, adapter.file().values(tensor));
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
    require_finite(value, tensor.name, "cannot negate the adapter " + adapter.folder().string());
    writer.write(bytes_of(value));
  }
  writer.close();
  copy_side_files(adapter.folder(), folder);
}

}  // namespace lethe
