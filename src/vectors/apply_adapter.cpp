#include "vectors/apply_adapter.h"

#include <optional>

#include "core/error.h"
#include "core/numbers.h"
#include "core/terminal.h"
#include "formats/tensor_names.h"
#include "tensors/file_tensors.h"
#include "vectors/rewrite.h"

namespace lethe {
namespace {

at::Tensor float_values(const Adapter& adapter, const StoredTensor& tensor) {
  return tensor_over(tensor, adapter.file().values(tensor)).to(at::kFloat);
}

}  // namespace

AppliedAdapters::AppliedAdapters(const Checkpoint& base, std::vector<WeightedAdapter> adapters)
    : base_(base), pair_(tied_pair(base)) {
  for (const WeightedAdapter& weighted : adapters) add(weighted);
}

std::string AppliedAdapters::name_in_base(const std::string& name) const {
  if (pair_.tied && canonical_name(name) == canonical_name(pair_.embedding_name)) return pair_.embedding_name;
  if (pair_.tied && canonical_name(name) == canonical_name(pair_.head_name)) return pair_.head_name;
  if (const StoredTensor* tensor = base_.find_same(name)) return tensor->name;
  throw bad_input("cannot apply an adapter to " + base_.folder().string())
      .with("tensor", excerpt(name, 200))
      .wanted("a tensor of this name in the base")
      .found("none");
}

const StoredTensor& AppliedAdapters::base_tensor(const std::string& name) const {
  const std::string stored = name_in_base(name);
  if (pair_.tied && is_embedding(stored)) return *pair_.embedding;
  return pair_.tied && is_head(stored) ? *pair_.head : *base_.find(stored);
}

bool AppliedAdapters::unties_head() const {
  const auto changes_of = [&](const std::string& name) {
    const auto found = by_tensor_.find(name);
    return found == by_tensor_.end() ? std::vector<Change>() : found->second;
  };
  return pair_.tied && changes_of(pair_.embedding_name) != changes_of(pair_.head_name);
}

// Refuses an embedding that was trained or enlarged beside its adapter: it is not the base's any more.
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

AppliedAdapters::Change AppliedAdapters::lora_change(const WeightedAdapter& weighted, const LoraModule& module) const {
  const StoredTensor& weight = base_tensor(module.module + ".weight");
  // PEFT decides by the kind of module; its fan_in_fan_out only repeats that.
  const bool transposed = module.embedding || stored_transposed(base_, weight.name);
  const std::vector<std::int64_t> wanted = transposed ? std::vector{module.a->shape[1], module.b->shape[0]}
                                                      : std::vector{module.b->shape[0], module.a->shape[1]};
  if (weight.shape != wanted || !is_floating(weight.type)) {
    throw bad_input("cannot apply the adapter " + weighted.adapter->folder().string())
        .with("module", excerpt(module.module, 200))
        .wanted("A and B for a weight " + weight.text())
        .found(module.a->text() + " and " + module.b->text());
  }
  return {weighted.adapter, weighted.factor, &module, nullptr, nullptr, transposed};
}

AppliedAdapters::Change AppliedAdapters::saved_change(const WeightedAdapter& weighted, const SavedTensor& saved) const {
  const StoredTensor& original = base_tensor(saved.name);
  if (original.shape != saved.tensor->shape) {
    throw bad_input("cannot apply the adapter " + weighted.adapter->folder().string())
        .with("tensor", excerpt(saved.name, 200))
        .wanted(original.text() + ", as in the base")
        .found(saved.tensor->text());
  }
  return {weighted.adapter, weighted.factor, nullptr, saved.tensor};
}

void AppliedAdapters::add_to_both(const Change& change) {
  by_tensor_[pair_.embedding_name].push_back(change);
  by_tensor_[pair_.head_name].push_back(change);
}

// An adapter's tensors for a pair that must stay, or become, one weight. PEFT lets both modules share the tensor, and
// loads the head's last.
struct AppliedAdapters::Halves {
  std::optional<Change> of_embedding, of_head;
  const std::optional<Change>& shared() const { return of_head ? of_head : of_embedding; }
};

void AppliedAdapters::add(const WeightedAdapter& weighted) {
  const Adapter& adapter = *weighted.adapter;
  check_unchanged(adapter);
  // PEFT takes only from the configuration whether there is a pair to tie.
  const EnsuredTying ensured =
      says_tied(base_.config()).value_or(pair_.tied) ? adapter.ensured_tying() : EnsuredTying::none;
  Halves pairs, replaced, overwritten;
  for (const LoraModule& module : adapter.modules()) {
    const Change change = lora_change(weighted, module);
    const std::string name = name_in_base(module.module + ".weight");
    const bool shared = ensured == EnsuredTying::targets && (is_embedding(name) || is_head(name));
    if (shared)
      (is_head(name) ? pairs.of_head : pairs.of_embedding) = change;
    else
      by_tensor_[name].push_back(change);
    if (module.bias != nullptr)
      by_tensor_[name_in_base(module.module + ".bias")].push_back(
          {&adapter, weighted.factor, nullptr, nullptr, &module});
  }
  if (pairs.of_embedding && pairs.of_head && adapter.is_dora()) {
    // A and B are shared; each half has its own magnitudes, over its own axis.
    by_tensor_[pair_.embedding_name].push_back(*pairs.of_embedding);
    by_tensor_[pair_.head_name].push_back(*pairs.of_head);
  } else if (pairs.shared()) {
    add_to_both(*pairs.shared());
  }
  std::set<std::string> own;  // replaced by a tensor of the adapter's own
  for (const SavedTensor& saved : adapter.saved()) {
    const Change change = saved_change(weighted, saved);
    const std::string name = name_in_base(saved.name);
    const bool half = is_embedding(name) || is_head(name), wrapped = adapter.saves_module_of(saved.name);
    if (half && ensured == EnsuredTying::saved) {
      (is_head(name) ? replaced.of_head : replaced.of_embedding) = change;
    } else if (half && pair_.tied && !wrapped) {
      // Not one of modules_to_save: PEFT overwrites the base's weight, which both modules use.
      (is_head(name) ? overwritten.of_head : overwritten.of_embedding) = change;
    } else {
      by_tensor_[name].push_back(change);
      own.insert(name);
    }
  }
  if (replaced.shared()) add_to_both(*replaced.shared());
  if (!overwritten.shared()) return;
  for (const std::string& name : {pair_.embedding_name, pair_.head_name}) {
    if (!own.contains(name)) by_tensor_[name].push_back(*overwritten.shared());
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

at::Tensor AppliedAdapters::change(const std::string& tensor, const at::Tensor& value) const {
  const at::Tensor original = value.to(at::kFloat);
  at::Tensor sum = at::zeros_like(original);
  for (const Change& change : by_tensor_.at(tensor)) sum = sum + delta(change, original);
  return sum;
}

at::Tensor AppliedAdapters::apply(const std::string& tensor, const at::Tensor& value) const {
  const auto found = by_tensor_.find(tensor);
  if (found == by_tensor_.end()) return value;
  const at::Tensor original = value.to(at::kFloat);
  at::Tensor sum = original;
  for (const Change& change : found->second) sum = sum + delta(change, original);
  return sum.to(value.scalar_type());
}

std::pair<std::string, double> split_weight(const std::string& name, const std::string& option) {
  const std::size_t colon = name.rfind(':');
  if (std::filesystem::exists(name) || colon == std::string::npos) return {name, 1.0};
  const std::optional<double> weight = parse_number(name.substr(colon + 1));
  if (!weight) throw bad_usage("cannot read " + option + " " + excerpt(name, 200)).wanted("DIR or DIR:weight");
  return {name.substr(0, colon), *weight};
}

OpenAdapters open_adapters(const std::vector<std::string>& names) {
  OpenAdapters result;
  for (const std::string& name : names) {
    const auto [folder, factor] = split_weight(name, "--adapter");
    result.adapters.push_back(std::make_unique<Adapter>(folder));
    result.weighted.push_back({result.adapters.back().get(), factor});
  }
  return result;
}

void merge_adapters(const Checkpoint& base, const std::vector<WeightedAdapter>& adapters,
                    const std::filesystem::path& folder, Access access) {
  const AppliedAdapters applied(base, adapters);
  if (applied.unties_head()) {
    say("the base ties its output head to the input embedding, and the adapter changes one of them alone: the result "
        "stores both, with tie_word_embeddings: false");
  }
  rewrite_checkpoint(base, folder,
                     [&](const TensorSpec& tensor, const at::Tensor& value) {
                       return applied.changes(tensor.name) ? applied.apply(tensor.name, value) : at::Tensor();
                     },
                     {.shards = {.access = access}, .unties_head = applied.unties_head()});
}

}  // namespace lethe
