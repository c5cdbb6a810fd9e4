#include "vectors/combine.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "formats/tensor_names.h"
#include "tensors/file_tensors.h"
#include "vectors/rewrite.h"
#include "vectors/tuned_tensors.h"
#include "vectors/write_in_pieces.h"

namespace lethe {
namespace {

constexpr const char* kDoing = "cannot combine vectors";

// One summand of a tensor.
struct Addend {
  at::Tensor values;  // flat
  double weight = 1;
  const SafetensorsFile* file = nullptr;  // of a mapped tensor
  const StoredTensor* stored = nullptr;
};

// θ_o + Σ w·τ of one piece, in blocks that stay in the cache.
void add_up(const at::Tensor& original, const std::vector<Addend>& addends, std::int64_t begin,
            const at::Tensor& result) {
  constexpr std::int64_t kBlock = 1 << 14;
  const at::ScalarType compute = original.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  for (std::int64_t at = 0; at < result.numel(); at += kBlock) {
    const std::int64_t size = std::min(result.numel() - at, kBlock);
    at::Tensor sum = at::zeros({size}, at::kDouble);
    for (const Addend& addend : addends)
      sum.add_(addend.values.narrow(0, begin + at, size).to(at::kDouble), addend.weight);
    const at::Tensor before = original.narrow(0, begin + at, size).to(compute);
    result.narrow(0, at, size).copy_(before + sum.to(compute));
  }
}

// The weights' vectors of a sum, checked against the base.
class WeightVectors {
 public:
  WeightVectors(const Checkpoint& base, const std::vector<WeightedVector>& vectors)
      : base_(base), pair_(tied_pair(base)) {
    for (const WeightedVector& weighted : vectors) {
      if (weighted.vector->adapter() != nullptr) continue;
      unties_head_ |= weighted.vector->info().unties_head;
      vectors_.push_back(weighted);
    }
    for (const WeightedVector& weighted : vectors_) check(*weighted.vector);
  }
  bool unties_head() const { return unties_head_; }

  // @param exact  whether the base is float64: otherwise weights are rounded to float32, as negate does
  std::vector<Addend> of(const std::string& tensor, bool exact) const {
    std::vector<Addend> addends;
    for (const WeightedVector& weighted : vectors_) {
      const StoredTensor& stored = *find(*weighted.vector, tensor);
      const SafetensorsFile& file = weighted.vector->file();
      addends.push_back({tensor_over(stored, file.values(stored)).reshape(-1),
                         exact ? weighted.weight : static_cast<float>(weighted.weight), &file, &stored});
    }
    return addends;
  }

 private:
  // Half of a tied pair may be stored under the other's name. The base may be a sum that has no tied pair any more, or
  // that lost the wrappers of the vector's names (rewrite_checkpoint()).
  const StoredTensor* find(const StoredVector& vector, const std::string& tensor) const {
    const StoredTensor* found = find_same(vector.file(), tensor);
    if (found != nullptr) return found;
    if (tensor == pair_.head_name) return find_same(vector.file(), pair_.embedding_name);
    return tensor == pair_.embedding_name ? find_same(vector.file(), pair_.head_name) : nullptr;
  }
  static const StoredTensor* find_same(const SafetensorsFile& file, const std::string& name) {
    if (const StoredTensor* same = file.find(name)) return same;
    const auto found = std::find_if(file.tensors().begin(), file.tensors().end(), [&](const StoredTensor& tensor) {
      return without_wrappers(tensor.name) == without_wrappers(name);
    });
    return found == file.tensors().end() ? nullptr : &*found;
  }

  static bool same_values(const SafetensorsFile& file, const StoredTensor& a, const StoredTensor& b) {
    return a.shape == b.shape &&
           at::equal(tensor_over(a, file.values(a)), tensor_over(b, file.values(b)).to(scalar_type(a.type)));
  }

  void check(const StoredVector& vector) const {
    const auto refuse = [&](const std::string& tensor) {
      return bad_input(std::string(kDoing) + " on " + base_.folder().string())
          .with("vector", vector.folder().string())
          .with("tensor", excerpt(tensor, 200));
    };
    for (const WrittenTensor& tensor : tensors_to_write(base_, unties_head_)) {
      if (!is_weight(tensor.spec)) continue;
      const StoredTensor* found = find(vector, tensor.spec.name);
      if (found == nullptr) throw refuse(tensor.spec.name).wanted("one in the vector").found("only in the base");
      if (found->shape != tensor.spec.shape)
        throw refuse(tensor.spec.name).wanted("shape " + tensor.spec.text() + " of the base").found(found->text());
    }
    if (pair_.tied && !vector.info().unties_head) {
      // Otherwise the result would lose one of two different halves.
      const StoredTensor *head = find_same(vector.file(), pair_.head_name),
                         *embedding = find_same(vector.file(), pair_.embedding_name);
      if (head != nullptr && embedding != nullptr && !same_values(vector.file(), *head, *embedding))
        throw refuse(head->name).wanted("the embedding's values: unties_head is false").found("others");
    }
    for (const StoredTensor& tensor : vector.file().tensors()) {
      const std::string name = without_wrappers(tensor.name);
      const bool half =
          pair_.tied && (name == without_wrappers(pair_.head_name) || name == without_wrappers(pair_.embedding_name));
      const StoredTensor* ours = base_.find_same(tensor.name);
      if (half || (ours != nullptr && is_weight(*ours))) continue;
      throw refuse(tensor.name).wanted("a weight of the base").found("only in the vector");
    }
  }

  const Checkpoint& base_;
  const TiedPair& pair_;
  std::vector<WeightedVector> vectors_;
  bool unties_head_ = false;
};

std::vector<WeightedAdapter> adapters_of(const std::vector<WeightedVector>& vectors) {
  std::vector<WeightedAdapter> adapters;
  for (const WeightedVector& weighted : vectors) {
    if (weighted.vector->adapter() != nullptr) adapters.push_back({weighted.vector->adapter(), weighted.weight});
  }
  return adapters;
}

}  // namespace

void combine_to_checkpoint(const Checkpoint& base, const std::vector<WeightedVector>& vectors,
                           const std::filesystem::path& folder, Access access) {
  for (const WeightedVector& weighted : vectors) {
    if (std::abs(weighted.weight) <= std::numeric_limits<float>::max()) continue;
    throw bad_input(kDoing).with("vector", weighted.vector->folder().string()).wanted("a weight that float32 holds");
  }
  refuse_packed_weights(base);
  const WeightVectors weights(base, vectors);
  const AppliedAdapters adapters(base, adapters_of(vectors));
  const auto write = [&](const TensorSpec& tensor, const StoredTensor& source, const at::Tensor& value,
                         CheckpointWriter& writer) {
    if (!is_weight(tensor)) return writer.write(base.values(source));
    std::vector<Addend> addends = weights.of(tensor.name, tensor.type == DType::f64);
    if (adapters.changes(tensor.name)) addends.push_back({adapters.change(tensor.name, value).reshape(-1)});
    const at::Tensor original = value.reshape(-1);
    const auto compute = [&](std::int64_t begin, const at::Tensor& result) {
      if (addends.empty()) {
        result.copy_(original.narrow(0, begin, result.numel()));
      } else {
        add_up(original, addends, begin, result);
      }
      if (!is_finite(result))
        throw not_finite(tensor.name, std::string(kDoing) + ": a weight becomes no finite number");
    };
    const auto release = [&](std::int64_t begin, std::int64_t end) {
      const auto first = static_cast<std::uint64_t>(begin), last = static_cast<std::uint64_t>(end);
      base.release(source, first * size_of(source.type), last * size_of(source.type));
      for (const Addend& addend : addends) {
        if (addend.file == nullptr) continue;
        const std::uint64_t width = size_of(addend.stored->type);
        addend.file->release(*addend.stored, first * width, last * width);
      }
    };
    write_in_pieces({original.numel(), original.scalar_type(), compute, release},
                    [&](std::uint64_t bytes) { return writer.room(bytes); });
  };
  rewrite_checkpoint(base, folder, write,
                     {.shards = {.access = access}, .unties_head = weights.unties_head() || adapters.unties_head()});
}

}  // namespace lethe
