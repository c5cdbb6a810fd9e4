#include "models/loading.h"

#include <c10/core/GradMode.h>

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
#include "formats/tensor_names.h"
#include "formats/tied_pair.h"
#include "models/sharded_layers.h"
#include "nn/bfloat16_product.h"
#include "tensors/file_tensors.h"
#include "tensors/tensor_memory.h"
#include "vectors/rewrite.h"

namespace lethe {
namespace {

Error broken(const Checkpoint& checkpoint) {
  return bad_input("cannot load the model " + checkpoint.folder().string());
}

// Checks the tensors that no parameter uses. Allowed are tables of old files, a tied head, and tensors without weights.
void check_left_over(const Checkpoint& checkpoint, const DecoderSpec& spec, const std::set<std::string>& used) {
  const TiedPair& pair = tied_pair(checkpoint);
  for (const StoredTensor* tensor : checkpoint.tensors()) {
    if (used.contains(tensor->name) || !is_floating(tensor->type) || is_buffer(*tensor)) continue;
    if (pair.tied && (tensor == pair.head || tensor == pair.embedding)) continue;
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

// A parameter's place in a checkpoint, and its name for adapters (each half of a tied pair has its own).
struct Place {
  Parameter parameter;
  const StoredTensor* stored;
  std::string name;
};

Place place_of(const Checkpoint& checkpoint, const DecoderSpec& spec, const Parameter& parameter) {
  const TiedPair& pair = tied_pair(checkpoint);
  const std::string name = canonical_name(parameter.name);
  if (pair.tied && name == "lm_head.weight") return {parameter, pair.head, pair.head_name};
  if (pair.tied && name == canonical_name(pair.embedding_name)) return {parameter, pair.embedding, pair.embedding_name};
  const StoredTensor& stored = stored_parameter(checkpoint, spec, parameter.name);
  return {parameter, &stored, stored.name};
}

bool is_adapted(const Place& place, const LoadOptions& options) {
  return options.adapters != nullptr && options.adapters->changes(place.name);
}

bool is_stored_in(at::ScalarType type, const StoredTensor& stored) {
  return is_floating(stored.type) && scalar_type(stored.type) == type;
}

// A weight in the compute dtype, on its device; memory-mapped if requested and possible.
at::Tensor loaded_weight(const Checkpoint& checkpoint, const Place& place, const LoadOptions& options) {
  const StoredTensor& stored = *place.stored;
  const bool adapted = is_adapted(place, options);
  at::Tensor value = tensor_over(stored, checkpoint.values(stored), checkpoint.owner(stored));
  if (!adapted && is_stored_in(options.dtype, stored) && (options.mapped || !options.device.is_cpu())) {
    require_finite(value, stored.name, broken(checkpoint).doing());
    if (options.device.is_cpu()) return value;
    value = value.to(options.device);
  } else {
    if (adapted) value = options.adapters->apply(place.name, value.to(at::kFloat));
    const at::Tensor converted = at::empty(value.sizes(), value.options().dtype(options.dtype));
    if (!copy_finite(value, converted)) throw not_finite(place.name, broken(checkpoint).doing());
    value = converted.to(options.device);
  }
  checkpoint.release(stored);
  return value;
}

// A rank's share of a matrix, in the compute dtype. The rest of the file is not read.
at::Tensor loaded_share(const Checkpoint& checkpoint, const Place& place, const ShardedLayers::Range& range,
                        at::ScalarType dtype) {
  const StoredTensor& stored = *place.stored;
  const auto begin = static_cast<std::uint64_t>(range.begin) * size_of(stored.type),
             end = static_cast<std::uint64_t>(range.end) * size_of(stored.type);
  const at::Tensor converted = at::empty({range.end - range.begin}, at::TensorOptions().dtype(dtype));
  if (begin == end) return converted;
  const at::Tensor value = tensor_over({stored.name, stored.type, {range.end - range.begin}},
                                       checkpoint.values(stored).subspan(begin, end - begin), checkpoint.owner(stored));
  if (!copy_finite(value, converted)) throw not_finite(place.name, broken(checkpoint).doing());
  checkpoint.release(stored, begin, end);
  return converted;
}

// Memory that a weight needs beyond the mapped file, bytes.
std::uint64_t bytes_to_hold(const Place& place, const LoadOptions& options) {
  const StoredTensor& stored = *place.stored;
  std::uint64_t weights = stored.bytes() / size_of(stored.type);
  const bool sharded = options.shards != nullptr && ShardedLayers::holds(place.parameter);
  if (sharded) weights /= static_cast<std::uint64_t>(options.shards->size());
  if (options.nf4 && place.parameter.linear != nullptr) return weights * 9 / 16;
  if (options.mapped && !sharded && !is_adapted(place, options) && is_stored_in(options.dtype, stored)) return 0;
  return weights * c10::elementSize(options.dtype);
}

/// The last layer that was brought to read its weights (models/layer_weights.h). It stays until another one is needed.
class BroughtLayer {
 public:
  explicit BroughtLayer(std::shared_ptr<LayerWeights> weights) : weights_(std::move(weights)) {}
  ~BroughtLayer() { drop(); }
  BroughtLayer(const BroughtLayer&) = delete;
  BroughtLayer& operator=(const BroughtLayer&) = delete;

  void bring(std::int64_t layer) {
    drop();
    const c10::NoGradGuard no_gradient;
    weights_->bring(static_cast<std::size_t>(layer));
    layer_ = layer;
  }

 private:
  void drop() {
    if (layer_ >= 0) weights_->drop(static_cast<std::size_t>(layer_));
    layer_ = -1;
  }
  std::shared_ptr<LayerWeights> weights_;
  std::int64_t layer_ = -1;
};

std::string gigabytes_text(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GB", static_cast<double>(bytes) / 1e9);
  return text;
}

// Warns before the system kills the process without a message.
void warn_if_too_large(const Checkpoint& checkpoint, std::uint64_t bytes, const LoadOptions& options) {
  const std::uint64_t available = available_bytes() + tensor_memory().cached;  // freed by earlier models
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
  if (const StoredTensor* tensor = checkpoint.find_same(name)) return *tensor;
  // A tied pair may be stored under the head's name alone.
  const TiedPair& pair = tied_pair(checkpoint);
  if (spec.tied_head && pair.tied && canonical_name(name) == canonical_name(pair.embedding_name))
    return *pair.embedding;
  throw broken(checkpoint).with("tensor", name).found("no such tensor");
}

CausalLM load_model(const Checkpoint& checkpoint, const LoadOptions& options) {
  return load_model(checkpoint, decoder_spec(checkpoint.config(), (checkpoint.folder() / "config.json").string()),
                    options);
}

CausalLM load_model(const Checkpoint& checkpoint, DecoderSpec description, const LoadOptions& options) {
  refuse_packed_weights(checkpoint);
  // The configuration is not enough: the file, or an adapter, may give the head separate values.
  description.tied_head = description.tied_head && tied_pair(checkpoint).tied &&
                          (options.adapters == nullptr || !options.adapters->unties_head());
  CausalLM model(std::move(description));
  const DecoderSpec& spec = model.spec();
  warn_of_ignored_keys(spec.ignored_keys, spec.model_type, checkpoint.folder() / "config.json");
  std::vector<Place> places;
  std::set<std::string> used;
  std::uint64_t bytes = 0;
  for (const Parameter& parameter : model.parameters()) {
    const Place place = place_of(checkpoint, spec, parameter);
    const StoredTensor& stored = *place.stored;
    if (stored.shape != parameter.shape || !is_floating(stored.type)) {
      throw broken(checkpoint)
          .with("tensor", excerpt(stored.name, 200))
          .wanted("shape " + shape_text(parameter.shape) + ", as config.json says")
          .found(stored.text());
    }
    used.insert(stored.name);
    bytes += bytes_to_hold(place, options);
    places.push_back(place);
  }
  warn_if_too_large(checkpoint, bytes, options);
  std::shared_ptr<ShardedLayers> shards;
  if (options.shards != nullptr)
    shards =
        std::make_shared<ShardedLayers>(model, *options.shards, ShardOf{options.device, options.dtype, options.nf4});
  Progress progress("loading " + checkpoint.folder().filename().string(), checkpoint.bytes(), "bytes");
  std::uint64_t done = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& [parameter, stored, name] = places[i];
    if (shards && ShardedLayers::holds(parameter)) {
      shards->set(parameter, loaded_share(checkpoint, places[i], shards->own(parameter), options.dtype));
      progress.update(done += stored->bytes());
      continue;
    }
    if (!shards && i + 1 < places.size()) checkpoint.prefetch(*places[i + 1].stored);
    if (options.nf4 && parameter.linear != nullptr) {
      LoadOptions here = options;  // packed in the host's memory; a quarter goes to the device
      here.device = at::kCPU;
      parameter.linear->packed = to_nf4(loaded_weight(checkpoint, places[i], here)).to(options.device);
      parameter.linear->packed.by_bfloat16 = activation_type(options.device, options.dtype) != options.dtype;
      *parameter.tensor = at::Tensor();
      checkpoint.release(*stored);
    } else {
      *parameter.tensor = loaded_weight(checkpoint, places[i], options);
    }
    progress.update(done += stored->bytes());
  }
  check_left_over(checkpoint, spec, used);
  model.layer_weights = shards;
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
  std::map<std::string, Parameter> weights;  // by canonical name
  const DecoderSpec& spec = model.spec();
  for (const Parameter& parameter : model.parameters()) weights[canonical_name(parameter.name)] = parameter;
  if (spec.tied_head) weights["lm_head.weight"] = weights.at(canonical_name(spec.names.embedding + ".weight"));
  const auto layer = std::make_shared<BroughtLayer>(model.layer_weights);
  return [weights, layer](const std::string& name) -> at::Tensor {
    const auto found = weights.find(canonical_name(name));
    if (found == weights.end()) return at::Tensor();
    if (!found->second.tensor->defined()) layer->bring(found->second.layer);
    return found->second.tensor->detach();
  };
}

void write_like(const Checkpoint& base, CausalLM& model, const std::filesystem::path& folder,
                const ShardOptions& options) {
  const TensorLookup weights = weights_by_name(model);
  rewrite_checkpoint(base, folder,
                     [&](const TensorSpec& tensor, const at::Tensor& value) -> at::Tensor {
                       const at::Tensor weight = weights(tensor.name);
                       return weight.defined() ? weight.to(at::kCPU, value.scalar_type()).contiguous() : at::Tensor();
                     },
                     {.shards = options});
}

void write_new(CausalLM& model, const Json& config, const std::filesystem::path& folder) {
  std::vector<TensorSpec> specs;
  for (const Parameter& parameter : model.parameters()) specs.push_back({parameter.name, DType::f32, parameter.shape});
  CheckpointWriter writer(folder, specs);
  for (const Parameter& parameter : model.parameters()) {
    const at::Tensor value = parameter.tensor->detach().to(at::kCPU, at::kFloat).contiguous();
    require_finite(value, parameter.name, "cannot write the model " + folder.string());
    writer.write(bytes_of(value));
  }
  writer.finish();
  write_file(folder / "config.json", dump_json(config, 2) + "\n");
}

}  // namespace lethe
