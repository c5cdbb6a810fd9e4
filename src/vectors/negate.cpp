#include "vectors/negate.h"

#include "core/error.h"
#include "vectors/apply_adapter.h"
#include "vectors/rewrite.h"
#include "vectors/tensors.h"

namespace lethe {
namespace {

at::Tensor negated(const at::Tensor& original, const at::Tensor& tuned, double alpha) {
  return combine_rounded(original, tuned, [alpha](const at::Tensor& o, const at::Tensor& t) {
    return alpha == 0 ? o : o - alpha * (t - o);
  });
}

bool says_untied(const Checkpoint& checkpoint) {
  return checkpoint.config().value("tie_word_embeddings", Json()) == false;
}

Error missing(const Checkpoint& base, const std::string& tensor, const std::string& side) {
  return bad_input("cannot negate on " + base.folder().string())
      .with("tensor", excerpt(tensor, 200))
      .found("only " + side);
}

}  // namespace

void negate_checkpoint(const Checkpoint& base, const TensorLookup& tuned, double alpha,
                       const std::filesystem::path& folder, const ShardOptions& options) {
  const TiedNames tied = embedding_and_head(base);
  rewrite_checkpoint(
      base, folder,
      [&](const StoredTensor& tensor, const at::Tensor& value) -> at::Tensor {
        if (!is_floating(tensor.type)) return {};
        at::Tensor other = tuned(tensor.name);
        if (!other.defined() && tensor.name == tied.head && !says_untied(base)) other = tuned(tied.embedding);
        if (!other.defined()) throw missing(base, tensor.name, "in the base");
        if (other.sizes() != value.sizes()) {
          throw bad_input("cannot negate on " + base.folder().string())
              .with("tensor", excerpt(tensor.name, 200))
              .wanted("shape " + tensor.text() + " of the base")
              .found(spec_of(tensor.name, other).text());
        }
        return negated(value, other, alpha);
      },
      options);
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
  negate_checkpoint(
      base,
      [&](const std::string& name) -> at::Tensor {
        const StoredTensor* tensor = tuned.find(name);
        return tensor == nullptr ? at::Tensor() : tensor_over(*tensor, tuned.values(*tensor));
      },
      alpha, folder);
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
    writer.write(bytes_of(value));
  }
  writer.close();
  copy_side_files(adapter.folder(), folder);
}

}  // namespace lethe
