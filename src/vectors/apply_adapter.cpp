#include "vectors/apply_adapter.h"

#include "core/error.h"
#include "core/numbers.h"
#include "core/terminal.h"
#include "vectors/rewrite.h"
#include "vectors/tensors.h"

namespace lethe {
namespace {

at::Tensor float_values(const Adapter& adapter, const StoredTensor& tensor) {
  return tensor_over(tensor, adapter.file().values(tensor)).to(at::kFloat);
}

}  // namespace

AppliedAdapters::AppliedAdapters(const Checkpoint& base, std::vector<WeightedAdapter> adapters) : base_(base) {
  for (const WeightedAdapter& weighted : adapters) add(weighted);
}

const StoredTensor& AppliedAdapters::base_tensor(const std::string& name) const {
  if (const StoredTensor* tensor = base_.find(name)) return *tensor;
  for (const std::string prefix : {"model.", "transformer.", "gpt_neox."}) {
    const StoredTensor* tensor =
        name.starts_with(prefix) ? base_.find(name.substr(prefix.size())) : base_.find(prefix + name);
    if (tensor != nullptr) return *tensor;
  }
  const bool tied_head = name == "lm_head.weight" || name == "embed_out.weight";
  throw bad_input("cannot apply an adapter to " + base_.folder().string())
      .with("tensor", excerpt(name, 200))
      .wanted("a tensor of this name in the base")
      .found(tied_head ? "none: the head is tied to the embedding, and changing it alone would untie it" : "none");
}

// An embedding that was trained or given more rows beside its adapter is not the base's any more.
void AppliedAdapters::check_unchanged(const Adapter& adapter) const {
  for (const SavedTensor& saved : adapter.unchanged()) {
    const StoredTensor& original = base_tensor(saved.name);
    const bool same = original.shape == saved.tensor->shape &&
                      at::equal(tensor_over(original, base_.values(original)).to(at::kFloat),
                                tensor_over(*saved.tensor, adapter.file().values(*saved.tensor))
                                    .to(scalar_type(original.type))
                                    .to(at::kFloat));
    if (same) continue;
    throw bad_input("cannot apply the adapter " + adapter.folder().string())
        .with("tensor", excerpt(saved.tensor->name, 200))
        .wanted("the base's own values, " + original.text())
        .found(original.shape == saved.tensor->shape ? "others: the adapter belongs to another base"
                                                     : saved.tensor->text())
        .hint("where the vocabulary was enlarged, enlarge the base's in the same way first");
  }
}

void AppliedAdapters::add(const WeightedAdapter& weighted) {
  const Adapter& adapter = *weighted.adapter;
  const TiedNames tied = embedding_and_head(base_);
  const bool is_tied = tied.head.empty() || base_.config().value("tie_word_embeddings", Json()) == true;
  check_unchanged(adapter);
  for (const LoraModule& module : adapter.modules()) {
    const StoredTensor& weight = base_tensor(module.module + ".weight");
    // PEFT goes by the kind of module; its fan_in_fan_out only repeats that.
    const bool transposed = module.embedding || stored_transposed(base_, weight.name);
    const std::vector<std::int64_t> wanted = transposed ? std::vector{module.a->shape[1], module.b->shape[0]}
                                                        : std::vector{module.b->shape[0], module.a->shape[1]};
    if (weight.shape != wanted || !is_floating(weight.type)) {
      throw bad_input("cannot apply the adapter " + adapter.folder().string())
          .with("module", excerpt(module.module, 200))
          .wanted("A and B for a weight " + weight.text())
          .found(module.a->text() + " and " + module.b->text());
    }
    const Change change{&adapter, weighted.factor, &module, nullptr, nullptr, transposed};
    by_tensor_[weight.name].push_back(change);
    if (module.bias != nullptr)
      by_tensor_[base_tensor(module.module + ".bias").name].push_back(
          {&adapter, weighted.factor, nullptr, nullptr, &module});
    if (weight.name == tied.embedding && is_tied) {
      moves_tied_head_ = true;
      if (!tied.head.empty()) by_tensor_[tied.head].push_back(change);
    }
  }
  for (const SavedTensor& saved : adapter.saved()) {
    const StoredTensor& original = base_tensor(saved.name);
    if (original.shape != saved.tensor->shape) {
      throw bad_input("cannot apply the adapter " + adapter.folder().string())
          .with("tensor", excerpt(saved.name, 200))
          .wanted(original.text() + ", as in the base")
          .found(saved.tensor->text());
    }
    by_tensor_[original.name].push_back({&adapter, weighted.factor, nullptr, saved.tensor});
  }
}

at::Tensor AppliedAdapters::delta(const Change& change, const at::Tensor& original) const {
  if (change.replaced != nullptr) return change.factor * (float_values(*change.adapter, *change.replaced) - original);
  if (change.bias_of != nullptr)
    return (change.factor * change.bias_of->scale) * float_values(*change.adapter, *change.bias_of->bias);
  const LoraModule& module = *change.module;
  const at::Tensor a = float_values(*change.adapter, *module.a), b = float_values(*change.adapter, *module.b);
  const at::Tensor product = change.transposed ? a.t().matmul(b.t()) : b.matmul(a);
  if (module.magnitude == nullptr) return (change.factor * module.scale) * product;
  const at::Tensor direction = original + module.scale * product;
  const at::Tensor norm = at::norm(direction, 2, {change.transposed ? 0 : 1}, /*keepdim=*/true, at::kDouble);
  const at::Tensor magnitude = float_values(*change.adapter, *module.magnitude).to(at::kDouble).view(norm.sizes());
  return change.factor * (direction * (magnitude / norm).to(at::kFloat) - original);
}

at::Tensor AppliedAdapters::apply(const std::string& tensor, const at::Tensor& value) const {
  const auto found = by_tensor_.find(tensor);
  if (found == by_tensor_.end()) return value;
  const at::Tensor original = value.to(at::kFloat);
  at::Tensor sum = original;
  for (const Change& change : found->second) sum = sum + delta(change, original);
  return sum.to(value.scalar_type());
}

OpenAdapters open_adapters(const std::vector<std::string>& names) {
  OpenAdapters result;
  for (const std::string& name : names) {
    std::string folder = name;
    double factor = 1.0;
    const std::size_t colon = name.rfind(':');
    if (!std::filesystem::exists(name) && colon != std::string::npos) {
      const std::optional<double> weight = parse_number(name.substr(colon + 1));
      if (!weight) throw bad_usage("cannot read --adapter " + excerpt(name, 200)).wanted("DIR or DIR:weight");
      factor = *weight;
      folder = name.substr(0, colon);
    }
    result.adapters.push_back(std::make_unique<Adapter>(folder));
    result.weighted.push_back({result.adapters.back().get(), factor});
  }
  return result;
}

void merge_adapters(const Checkpoint& base, const std::vector<WeightedAdapter>& adapters,
                    const std::filesystem::path& folder) {
  const AppliedAdapters applied(base, adapters);
  if (applied.moves_tied_head())
    say("the adapter changes the input embedding, and the head is tied to it: the head moves too");
  rewrite_checkpoint(base, folder, [&](const StoredTensor& tensor, const at::Tensor& value) {
    return applied.changes(tensor.name) ? applied.apply(tensor.name, value) : at::Tensor();
  });
}

}  // namespace lethe
