#include "models/lora.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/files.h"
#include "core/random.h"
#include "formats/tensor_names.h"
#include "tensors/file_tensors.h"

namespace lethe {

namespace {

LoraPair fresh_pair(const std::string& module, std::int64_t in, std::int64_t out, std::int64_t rank, double scale,
                    std::uint64_t seed, at::Device device) {
  RandomStream stream(seed, "lora " + module);
  at::Tensor a = at::empty({rank, in}, at::kFloat);
  const float bound = 1.0F / std::sqrt(static_cast<float>(in));
  float* values = a.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < a.numel(); ++i) values[i] = bound * (2 * stream.uniform() - 1);
  LoraPair pair{a.to(device), at::zeros({out, rank}, a.options().device(device)), scale};
  pair.a.requires_grad_(true);
  pair.b.requires_grad_(true);
  return pair;
}

}  // namespace

std::vector<std::string> lora_modules(CausalLM& model, const LoraTargets& targets) {
  std::vector<std::string> names;
  for (const NamedLinear& linear : model.linears()) names.push_back(linear.name);
  const std::string head = names.back();
  std::vector<std::string> chosen = chosen_modules(targets, names, head);
  if (std::find(chosen.begin(), chosen.end(), head) != chosen.end()) {
    throw bad_input("cannot place LoRA adapters (lora.targets)")
        .wanted("linear maps other than the output head")
        .found(head)
        .hint("leave it out; tuning: full trains the head too");
  }
  return chosen;
}

std::vector<NamedLora> add_lora(CausalLM& model, const LoraSettings& settings, std::uint64_t seed) {
  const std::vector<NamedLinear> linears = model.linears();
  std::vector<NamedLora> pairs;
  for (const std::string& name : lora_modules(model, settings.targets)) {
    for (const NamedLinear& linear : linears) {
      if (linear.name != name) continue;
      linear.linear->adapters.push_back(fresh_pair(name, linear.linear->in(), linear.linear->out(), settings.rank,
                                                   settings.alpha / static_cast<double>(settings.rank), seed,
                                                   model.device()));
      pairs.push_back({name, &linear.linear->adapters.back(), linear.linear->transposed});
    }
  }
  model.adapters.dropout = settings.dropout;
  return pairs;
}

void renew_lora(const std::vector<NamedLora>& pairs, std::uint64_t seed) {
  for (const NamedLora& lora : pairs) {
    const LoraPair& old = *lora.pair;
    *lora.pair = fresh_pair(lora.module, old.a.size(1), old.b.size(0), old.a.size(0), old.scale, seed, old.a.device());
  }
}

void scale_joined_half(const std::vector<NamedLora>& pairs, double factor) {
  const c10::NoGradGuard no_gradient;
  for (const NamedLora& lora : pairs) {
    LoraPair& pair = *lora.pair;
    const std::int64_t half = pair.b.size(1) / 2;
    if (factor != 0) {
      pair.b.narrow(1, half, half).mul_(factor);
      continue;
    }
    pair.a = pair.a.narrow(0, 0, half).clone();
    pair.b = pair.b.narrow(1, 0, half).clone();
  }
}

at::Tensor folded_weight(const Linear& linear) {
  const c10::NoGradGuard no_gradient;
  at::Tensor weight = linear.weight.detach();
  for (const LoraPair& pair : linear.adapters) {
    const at::Tensor change = at::matmul(pair.b, pair.a).mul_(pair.scale);
    weight = weight + (linear.transposed ? change.t() : change);
  }
  return weight.to(linear.weight.scalar_type());
}

std::vector<NamedLora> attach_lora(CausalLM& model, const Adapter& adapter) {
  const auto refuse = [&](const std::string& found) {
    return bad_input("cannot put the adapter " + adapter.folder().string() + " on the model")
        .wanted("pairs on the model's linear maps, such as " + model.linears().front().name)
        .found(found);
  };
  if (!adapter.saved().empty()) throw refuse("a whole tensor, " + excerpt(adapter.saved()[0].name, 200));
  const std::vector<NamedLinear> linears = model.linears();
  std::vector<NamedLora> pairs;
  for (const LoraModule& module : adapter.modules()) {
    const auto found =
        std::find_if(linears.begin(), linears.end(), [name = canonical_name(module.module)](const NamedLinear& linear) {
          return canonical_name(linear.name) == name;
        });
    if (found == linears.end()) throw refuse("module " + excerpt(module.module, 200));
    if (module.magnitude != nullptr || module.bias != nullptr)
      throw refuse("DoRA or lora_bias on module " + excerpt(module.module, 200));
    const auto values = [&](const StoredTensor& tensor) {
      return tensor_over(tensor, adapter.file().values(tensor)).to(model.device(), at::kFloat, false, true);
    };
    const at::Tensor a = values(*module.a), b = values(*module.b);
    if (a.size(1) != found->linear->in() || b.size(0) != found->linear->out())
      throw refuse(module.a->text() + " on " + module.module);
    found->linear->adapters.push_back({a, b, module.scale});
    pairs.push_back({found->name, &found->linear->adapters.back(), found->linear->transposed});
  }
  return pairs;
}

void write_adapter(const std::vector<NamedLora>& pairs, const LoraSettings& settings, const std::string& base_model,
                   const std::filesystem::path& folder, double factor, Access access) {
  std::vector<TensorSpec> specs;
  std::vector<at::Tensor> values;
  for (const NamedLora& lora : pairs) {
    for (const char half : {'A', 'B'}) {
      at::Tensor value = (half == 'A' ? lora.pair->a : lora.pair->b).detach().to(at::kCPU, at::kFloat);
      if (half == 'B' || factor == 0) value = value * factor;
      values.push_back(value.contiguous());
      specs.push_back(spec_of(lora_tensor_name(lora.module, half), values.back()));
      if (!is_finite(values.back())) {
        throw not_finite(specs.back().name, "cannot write the adapter " + folder.string())
            .hint("a negation.alpha of at most 1");
      }
    }
  }
  SafetensorsWriter writer(folder / "adapter_model.safetensors", specs, {{"format", "pt"}}, access);
  for (const at::Tensor& value : values) writer.write(bytes_of(value));
  writer.close();
  OrderedJson config = adapter_config(settings, base_model);
  config["fan_in_fan_out"] =
      std::any_of(pairs.begin(), pairs.end(), [](const NamedLora& lora) { return lora.transposed; });
  write_file(folder / "adapter_config.json", dump_json(config, 2) + "\n", access);
}

}  // namespace lethe
