#include "vectors/tuned_tensors.h"

#include "formats/tensor_names.h"

namespace lethe {

bool is_weight(const TensorSpec& tensor) {
  return is_floating(tensor.type) && !is_buffer(tensor);
}

Error only_on_one_side(const std::string& doing, const Checkpoint& base, const std::string& tensor,
                       const std::string& side) {
  return bad_input(doing + " on " + base.folder().string()).with("tensor", excerpt(tensor, 200)).found("only " + side);
}

Error shapes_differ(const std::string& doing, const Checkpoint& base, const TensorSpec& tensor,
                    const std::string& found) {
  return bad_input(doing + " on " + base.folder().string())
      .with("tensor", excerpt(tensor.name, 200))
      .wanted("shape " + tensor.text() + " of the base")
      .found(found);
}

TunedTensors::TunedTensors(const Checkpoint& base, const Checkpoint& tuned, const std::string& doing)
    : ours_(tied_pair(base)), theirs_(tied_pair(tuned)) {
  std::map<std::string, std::string> taken;  // canonical name -> the tuned tensor of it
  for (const StoredTensor* tensor : tuned.tensors()) {
    if (!is_weight(*tensor)) continue;
    const bool paired = ours_.tied && (tensor == theirs_.head || tensor == theirs_.embedding);
    if (base.find_same(tensor->name) == nullptr && !paired)
      throw only_on_one_side(doing, base, tensor->name, "in the tuned checkpoint " + tuned.folder().string());
    const auto [other, is_new] = taken.emplace(canonical_name(tensor->name), tensor->name);
    if (!is_new && (base.find(tensor->name) == nullptr || base.find(other->second) == nullptr)) {
      throw only_on_one_side(doing, base, tensor->name,
                             "in the tuned checkpoint, beside " + excerpt(other->second, 200));
    }
  }
  for (const StoredTensor* tensor : base.tensors()) {
    if (!is_weight(*tensor)) continue;
    by_name_[tensor->name] = of(*tensor, tuned);
    if (by_name_[tensor->name] == nullptr)
      throw only_on_one_side(doing, base, tensor->name, "in the base " + base.folder().string());
  }
  // The base ties the pair, the tuned checkpoint does not: the result has a separate head.
  if (unties_head()) {
    by_name_[ours_.embedding_name] = theirs_.embedding;
    by_name_[ours_.head_name] = theirs_.head;
  }
}

bool TunedTensors::unties_head() const {
  return ours_.tied && theirs_.embedding != nullptr && theirs_.head != nullptr && theirs_.embedding != theirs_.head &&
         !theirs_.tied;
}

const StoredTensor* TunedTensors::find(const std::string& base_name) const {
  const auto found = by_name_.find(base_name);
  return found == by_name_.end() ? nullptr : found->second;
}

const StoredTensor* TunedTensors::of(const StoredTensor& tensor, const Checkpoint& tuned) const {
  if (const StoredTensor* same = tuned.find_same(tensor.name)) return same;
  const bool is_embedding = tensor.name == ours_.embedding_name;
  if (!is_embedding && tensor.name != ours_.head_name) return nullptr;
  // A tied pair may be stored once, under either name, and without the tuned configuration saying that it is tied.
  const StoredTensor* theirs = is_embedding ? theirs_.embedding : theirs_.head;
  if (theirs != nullptr || !ours_.tied) return theirs;
  return theirs_.embedding != nullptr ? theirs_.embedding : theirs_.head;
}

}  // namespace lethe
