// Several adapters as one: Σ w·s·B·A is one product of stacked matrices.
#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "tensors/file_tensors.h"
#include "vectors/combine.h"
#include "vectors/low_rank.h"

namespace lethe {
namespace {

void refuse_more_than_pairs(const Adapter& adapter) {
  const bool biases = std::any_of(adapter.modules().begin(), adapter.modules().end(),
                                  [](const LoraModule& module) { return module.bias != nullptr; });
  const char* more = adapter.is_dora()                               ? "DoRA's magnitudes (use_dora)"
                     : biases                                        ? "biases (lora_bias)"
                     : !adapter.saved().empty()                      ? "replaced tensors (modules_to_save, bias)"
                     : adapter.ensured_tying() != EnsuredTying::none ? "tied pairs (ensure_weight_tying)"
                                                                     : nullptr;
  if (more == nullptr) return;
  throw bad_input("cannot combine vectors to one adapter")
      .with("vector", adapter.folder().string())
      .wanted("low-rank pairs only")
      .found(more)
      .hint("--merge writes the checkpoint, with everything that the adapters change");
}

// The stacked pair of one module.
struct Stack {
  std::string name_a, name_b;  // in PEFT
  std::vector<at::Tensor> a, b;
  void add(const WeightedAdapter& weighted, const LoraModule& module) {
    const auto values = [&](const StoredTensor& tensor) {
      return tensor_over(tensor, weighted.adapter->file().values(tensor)).to(at::kFloat);
    };
    name_a = *weighted.adapter->name_in_peft(*module.a);
    name_b = *weighted.adapter->name_in_peft(*module.b);
    a.push_back(values(*module.a));
    // The factor is one number of float64: a float32 factor times float32 values would round twice.
    b.push_back((values(*module.b).to(at::kDouble) * (weighted.factor * module.scale)).to(at::kFloat));
  }
};

// Suffixes if they select exactly these modules of the base ("q_proj"), otherwise whole paths.
LoraTargets targets_of(const Checkpoint& base, const std::map<std::string, Stack>& stacks) {
  const auto last = [](const std::string& module) { return module.substr(module.rfind('.') + 1); };
  std::set<std::string> suffixes, paths;
  for (const auto& [module, stack] : stacks) {
    suffixes.insert(last(module));
    paths.insert(module);
  }
  std::size_t selected = 0;
  for (const StoredTensor* tensor : base.tensors()) {
    constexpr std::string_view kWeight = ".weight";
    if (tensor->shape.size() != 2 || !tensor->name.ends_with(kWeight)) continue;
    selected += suffixes.contains(last(tensor->name.substr(0, tensor->name.size() - kWeight.size())));
  }
  const std::set<std::string>& chosen = selected == stacks.size() ? suffixes : paths;
  return {.suffixes = {chosen.begin(), chosen.end()}};
}

// A module's path as a regular expression, for rank_pattern.
std::string pattern_of(const std::string& module) {
  std::string pattern;
  for (const char c : module) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

bool any_fan_in_fan_out(const std::vector<WeightedAdapter>& adapters) {
  return std::any_of(adapters.begin(), adapters.end(), [](const WeightedAdapter& weighted) {
    return weighted.adapter->config().value("fan_in_fan_out", OrderedJson()) == true;
  });
}

}  // namespace

void stack_adapters(const Checkpoint& base, const std::vector<WeightedAdapter>& adapters,
                    const std::filesystem::path& folder, const StackOptions& options) {
  const std::string doing = "cannot combine vectors to one adapter";
  for (const WeightedAdapter& weighted : adapters) refuse_more_than_pairs(*weighted.adapter);
  const AppliedAdapters check(base, adapters);  // names and shapes fit this base
  std::map<std::string, Stack> stacks;          // by module
  for (const WeightedAdapter& weighted : adapters) {
    for (const LoraModule& module : weighted.adapter->modules()) {
      const std::string weight = check.name_in_base(module.module + ".weight");
      stacks[weight.substr(0, weight.rfind('.'))].add(weighted, module);
    }
  }
  std::vector<TensorSpec> specs;
  std::vector<at::Tensor> values;
  std::map<std::string, std::int64_t> ranks;
  std::int64_t highest = 0;
  for (const auto& [module, stack] : stacks) {
    stop_if_interrupted();
    at::Tensor a = at::cat(stack.a, 0), b = at::cat(stack.b, 1);
    require_finite(a, stack.name_a, doing);
    require_finite(b, stack.name_b, doing);
    if (options.rank > 0 && options.rank < a.size(0)) std::tie(b, a) = low_rank_factors(b, a, options.rank);
    values.push_back(a.contiguous());
    specs.push_back(spec_of(stack.name_a, values.back()));
    values.push_back(b.contiguous());
    specs.push_back(spec_of(stack.name_b, values.back()));
    ranks[module] = a.size(0);
    highest = std::max(highest, a.size(0));
  }
  SafetensorsWriter writer(folder / "adapter_model.safetensors", specs, {{"format", "pt"}}, options.access);
  for (const at::Tensor& value : values) writer.write(bytes_of(value));
  writer.close();

  // lora_alpha equals the rank, so that PEFT's scale is 1.
  OrderedJson config =
      adapter_config({.rank = highest, .alpha = static_cast<double>(highest), .targets = targets_of(base, stacks)},
                     options.base_model);
  config["fan_in_fan_out"] = any_fan_in_fan_out(adapters);
  OrderedJson other_ranks = OrderedJson::object();
  for (const auto& [module, rank] : ranks) {
    if (rank != highest) other_ranks[pattern_of(module)] = rank;
  }
  config["rank_pattern"] = other_ranks;
  config["alpha_pattern"] = other_ranks;
  write_file(folder / "adapter_config.json", dump_json(config, 2) + "\n", options.access);
}

}  // namespace lethe
