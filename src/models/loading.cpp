#include "models/loading.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "architectures/config_reader.h"
#include "core/error.h"
#include "core/files.h"
#include "core/random.h"
#include "core/terminal.h"
#include "nn/tensor_memory.h"
#include "vectors/rewrite.h"
#include "vectors/tensors.h"

namespace lethe {
namespace {

Error broken(const Checkpoint& checkpoint) {
  return bad_input("cannot load the model " + checkpoint.folder().string());
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + text + "]";
}

// A parameter's other names in files of its family: without the optional prefix, or an alias.
std::set<std::string> other_names(const DecoderSpec& spec, const std::string& name) {
  std::set<std::string> others;
  const std::string& prefix = spec.names.optional_prefix;
  if (!prefix.empty() && name.starts_with(prefix)) others.insert(name.substr(prefix.size()));
  for (const auto& [ours, theirs] : spec.names.aliases) {
    if (name.starts_with(ours + ".")) others.insert(theirs + name.substr(ours.size()));
  }
  return others;
}

// Tensors that no parameter takes: allowed are tables that old files carry, a tied head, and what holds no weights.
void check_left_over(const Checkpoint& checkpoint, const DecoderSpec& spec, const std::set<std::string>& used) {
  std::set<std::string> tied{spec.names.head + ".weight"};
  tied.merge(other_names(spec, spec.names.head + ".weight"));
  for (const StoredTensor* tensor : checkpoint.tensors()) {
    if (used.contains(tensor->name) || !is_floating(tensor->type)) continue;
    if (spec.tied_head && tied.contains(tensor->name)) continue;
    const auto& ignored = spec.names.ignored;
    const bool known = std::any_of(ignored.begin(), ignored.end(), [&](const std::string& part) {
      return tensor->name.starts_with(part) || tensor->name.ends_with(part);
    });
    if (known) continue;
    throw broken(checkpoint)
        .with("tensor", excerpt(tensor->name, 200))
        .wanted("only weights that " + spec.model_type + " has")
        .found(tensor->text())
        .with("likely", "config.json belongs to another model, or to a variant that is not supported");
  }
}

bool is_adapted(const StoredTensor& stored, const LoadOptions& options) {
  return options.adapters != nullptr && options.adapters->changes(stored.name);
}

bool is_stored_in(at::ScalarType type, const StoredTensor& stored) {
  return is_floating(stored.type) && scalar_type(stored.type) == type;
}

// A weight in the type of arithmetic, on its device: the file's own memory if that is asked for and will do.
at::Tensor loaded_weight(const Checkpoint& checkpoint, const StoredTensor& stored, const LoadOptions& options) {
  const bool adapted = is_adapted(stored, options);
  at::Tensor value = tensor_over(stored, checkpoint.values(stored), checkpoint.owner(stored));
  if (!adapted && is_stored_in(options.dtype, stored) && (options.mapped || !options.device.is_cpu())) {
    require_finite(value, stored.name, broken(checkpoint).doing());
    if (options.device.is_cpu()) return value;
    value = value.to(options.device);
  } else {
    if (adapted) value = options.adapters->apply(stored.name, value.to(at::kFloat));
    const at::Tensor converted = at::empty(value.sizes(), value.options().dtype(options.dtype));
    if (!copy_finite(value, converted)) throw not_finite(stored.name, broken(checkpoint).doing());
    value = converted.to(options.device);
  }
  checkpoint.release(stored);
  return value;
}

// Bytes of memory that a weight will take beside the file's own.
std::uint64_t bytes_to_hold(const StoredTensor& stored, const Parameter& parameter, const LoadOptions& options) {
  const std::uint64_t weights = stored.bytes() / size_of(stored.type);
  if (options.nf4 && parameter.linear != nullptr) return weights * 9 / 16;
  if (options.mapped && !is_adapted(stored, options) && is_stored_in(options.dtype, stored)) return 0;
  return weights * c10::elementSize(options.dtype);
}

std::string gigabytes_text(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GB", static_cast<double>(bytes) / 1e9);
  return text;
}

// Before the system ends the process without a word.
void warn_if_too_large(const Checkpoint& checkpoint, std::uint64_t bytes, const LoadOptions& options) {
  const std::uint64_t available = available_bytes() + tensor_memory().cached;  // of models that are gone
  if (!options.device.is_cpu() || bytes <= available) return;
  warn("the weights of " + excerpt(checkpoint.folder().filename().string(), 200) + " take " + gigabytes_text(bytes) +
       " of memory, and " + gigabytes_text(available) +
       " are available: the system may end this process without a word" +
       (checkpoint.bytes() < bytes ? "; --dtype float16 or bfloat16, as they are stored, takes less" : ""));
}

}  // namespace

void warn_of_ignored_keys(const std::vector<std::string>& keys, const std::string& model_type,
                          const std::filesystem::path& file) {
  if (!keys.empty()) warn(ignored_keys_warning(keys, model_type, file.string()));
}

const StoredTensor& stored_parameter(const Checkpoint& checkpoint, const DecoderSpec& spec, const std::string& name) {
  const auto find = [&](const std::string& ours) {
    const StoredTensor* tensor = checkpoint.find(ours);
    for (const std::string& other : other_names(spec, ours)) {
      if (tensor == nullptr) tensor = checkpoint.find(other);
    }
    return tensor;
  };
  const StoredTensor* tensor = find(name);
  // A tied pair may be stored under the head's name alone.
  if (tensor == nullptr && spec.tied_head && name == spec.names.embedding + ".weight")
    tensor = find(spec.names.head + ".weight");
  if (tensor == nullptr) throw broken(checkpoint).with("tensor", name).found("no such tensor");
  return *tensor;
}

CausalLM load_model(const Checkpoint& checkpoint, const LoadOptions& options) {
  return load_model(checkpoint, decoder_spec(checkpoint.config(), (checkpoint.folder() / "config.json").string()),
                    options);
}

CausalLM load_model(const Checkpoint& checkpoint, DecoderSpec description, const LoadOptions& options) {
  refuse_packed_weights(checkpoint);
  CausalLM model(std::move(description));
  const DecoderSpec& spec = model.spec();
  warn_of_ignored_keys(spec.ignored_keys, spec.model_type, checkpoint.folder() / "config.json");
  std::vector<std::pair<Parameter, const StoredTensor*>> places;
  std::set<std::string> used;
  std::uint64_t bytes = 0;
  for (const Parameter& parameter : model.parameters()) {
    const StoredTensor& stored = stored_parameter(checkpoint, spec, parameter.name);
    if (stored.shape != parameter.shape || !is_floating(stored.type)) {
      throw broken(checkpoint)
          .with("tensor", excerpt(stored.name, 200))
          .wanted("shape " + shape_text(parameter.shape) + ", as config.json says")
          .found(stored.text());
    }
    used.insert(stored.name);
    bytes += bytes_to_hold(stored, parameter, options);
    places.emplace_back(parameter, &stored);
  }
  warn_if_too_large(checkpoint, bytes, options);
  Progress progress("loading " + checkpoint.folder().filename().string(), checkpoint.bytes(), "bytes");
  std::uint64_t done = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& [parameter, stored] = places[i];
    if (i + 1 < places.size()) checkpoint.prefetch(*places[i + 1].second);
    if (options.nf4 && parameter.linear != nullptr) {
      LoadOptions here = options;  // packed in the host's memory; a quarter goes to the device
      here.device = at::kCPU;
      parameter.linear->packed = to_nf4(loaded_weight(checkpoint, *stored, here)).to(options.device);
      *parameter.tensor = at::Tensor();
      checkpoint.release(*stored);
    } else {
      *parameter.tensor = loaded_weight(checkpoint, *stored, options);
    }
    progress.update(done += stored->bytes());
  }
  check_left_over(checkpoint, spec, used);
  return model;
}

CausalLM random_model(const Json& config, const std::string& where, std::uint64_t seed, at::ScalarType dtype) {
  CausalLM model(decoder_spec(config, where));
  warn_of_ignored_keys(model.spec().ignored_keys, model.spec().model_type, where);
  const double deviation = model.spec().initializer_range;
  for (const Parameter& parameter : model.parameters()) {
    at::Tensor value = at::zeros(parameter.shape, at::kFloat);
    const bool is_matrix = parameter.shape.size() > 1;
    if (is_matrix) {
      RandomStream stream(seed, "initialise " + parameter.name);
      float* values = value.mutable_data_ptr<float>();
      for (std::int64_t i = 0; i < value.numel(); ++i) values[i] = static_cast<float>(deviation) * stream.normal();
    } else if (parameter.name.ends_with(".weight")) {
      value.fill_(1 - model.spec().norm_offset);  // of a norm
    }
    *parameter.tensor = value.to(dtype);
  }
  return model;
}

TensorLookup weights_by_name(CausalLM& model) {
  std::map<std::string, at::Tensor> weights;
  const DecoderSpec& spec = model.spec();
  for (const Parameter& parameter : model.parameters()) {
    weights[parameter.name] = parameter.tensor->detach();
    for (const std::string& other : other_names(spec, parameter.name))
      weights.try_emplace(other, weights[parameter.name]);
  }
  if (spec.tied_head) {
    const std::string head = spec.names.head + ".weight";
    weights[head] = weights.at(spec.names.embedding + ".weight");
    for (const std::string& other : other_names(spec, head)) weights.try_emplace(other, weights[head]);
  }
  return [weights](const std::string& name) -> at::Tensor {
    const auto found = weights.find(name);
    return found == weights.end() ? at::Tensor() : found->second;
  };
}

void write_like(const Checkpoint& base, CausalLM& model, const std::filesystem::path& folder,
                const ShardOptions& options) {
  const TensorLookup weights = weights_by_name(model);
  rewrite_checkpoint(
      base, folder,
      [&](const StoredTensor& tensor, const at::Tensor& value) -> at::Tensor {
        const at::Tensor weight = weights(tensor.name);
        return weight.defined() ? weight.to(at::kCPU, value.scalar_type()).contiguous() : at::Tensor();
      },
      options);
}

void write_new(CausalLM& model, const Json& config, const std::filesystem::path& folder) {
  std::vector<TensorSpec> specs;
  for (const Parameter& parameter : model.parameters()) specs.push_back({parameter.name, DType::f32, parameter.shape});
  CheckpointWriter writer(folder, specs);
  for (const Parameter& parameter : model.parameters()) {
    const at::Tensor value = parameter.tensor->detach().to(at::kCPU, at::kFloat).contiguous();
    writer.write(bytes_of(value));
  }
  writer.finish();
  write_file(folder / "config.json", dump_json(config, 2) + "\n");
}

}  // namespace lethe
