#include "models/encoder_loading.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/terminal.h"
#include "nn/bfloat16_product.h"
#include "tensors/file_tensors.h"

namespace lethe {
namespace {

Error broken_encoder(const Checkpoint& checkpoint) {
  return bad_input("cannot load the encoder " + checkpoint.folder().string());
}

// Finds a parameter in this file: with or without the prefix, LayerNorm's parts also as gamma and beta.
const StoredTensor* find_encoder_tensor(const Checkpoint& checkpoint, const EncoderSpec& spec,
                                        const std::string& name) {
  std::vector<std::string> names = {name};
  for (const auto& [now, once] : {std::pair<std::string, std::string>{"LayerNorm.weight", "LayerNorm.gamma"},
                                  {"LayerNorm.bias", "LayerNorm.beta"}}) {
    if (name.ends_with(now)) names.push_back(name.substr(0, name.size() - now.size()) + once);
  }
  for (const std::string& candidate : names) {
    if (const StoredTensor* tensor = checkpoint.find(candidate)) return tensor;
    if (const StoredTensor* tensor = checkpoint.find(candidate.substr(spec.prefix.size()))) return tensor;
  }
  return nullptr;
}

at::Tensor weight_from(const Checkpoint& checkpoint, const StoredTensor& stored, const std::vector<std::int64_t>& shape,
                       const LoadOptions& options) {
  if (stored.shape != shape || !is_floating(stored.type)) {
    throw broken_encoder(checkpoint)
        .with("tensor", excerpt(stored.name, 200))
        .wanted("shape " + shape_text(shape) + ", as config.json says")
        .found(stored.text());
  }
  const at::Tensor value = tensor_over(stored, checkpoint.values(stored));
  // Where bfloat16 weights have float32 activations, an encoder is float32 throughout: it is small.
  const at::ScalarType type = activation_type(options.device, options.dtype);
  at::Tensor loaded = value.to(options.device, type, /*non_blocking=*/false, /*copy=*/true);
  require_finite(loaded, stored.name, broken_encoder(checkpoint).doing());
  checkpoint.release(stored);
  return loaded;
}

}  // namespace

at::Tensor load_weight(const Checkpoint& checkpoint, const std::string& name, const std::vector<std::int64_t>& shape,
                       const LoadOptions& options) {
  const StoredTensor* stored = checkpoint.find(name);
  if (stored == nullptr) throw broken_encoder(checkpoint).with("tensor", name).found("no such tensor");
  return weight_from(checkpoint, *stored, shape, options);
}

Encoder load_encoder(const Checkpoint& checkpoint, const LoadOptions& options) {
  Encoder encoder(encoder_spec(checkpoint.config(), (checkpoint.folder() / "config.json").string()));
  const EncoderSpec& spec = encoder.spec();
  warn_of_ignored_keys(spec.ignored_keys, spec.model_type, checkpoint.folder() / "config.json");
  Progress progress("loading " + checkpoint.folder().filename().string(), checkpoint.bytes(), "bytes");
  std::uint64_t done = 0;
  std::set<std::string> used;
  const std::string pooler = spec.prefix + "pooler.dense.";
  const bool pools = find_encoder_tensor(checkpoint, spec, pooler + "weight") != nullptr ||
                     find_encoder_tensor(checkpoint, spec, pooler + "bias") != nullptr;
  for (const Parameter& parameter : encoder.parameters()) {
    const StoredTensor* stored = find_encoder_tensor(checkpoint, spec, parameter.name);
    if (stored == nullptr) {
      if (!pools && parameter.name.starts_with(pooler)) continue;  // a head may use the body directly
      throw broken_encoder(checkpoint).with("tensor", parameter.name).found("no such tensor");
    }
    *parameter.tensor = weight_from(checkpoint, *stored, parameter.shape, options);
    used.insert(stored->name);
    progress.update(done += stored->bytes());
  }
  static constexpr std::array heads = {"cls.", "classifier.", "lm_head.", "qa_outputs.", "score."};
  for (const StoredTensor* tensor : checkpoint.tensors()) {
    const bool head = std::any_of(heads.begin(), heads.end(),
                                  [&](const char* beginning) { return tensor->name.starts_with(beginning); });
    // Integer tensors are tables of positions and types in old files.
    if (head || used.contains(tensor->name) || !is_floating(tensor->type)) continue;
    throw broken_encoder(checkpoint)
        .with("tensor", excerpt(tensor->name, 200))
        .wanted("only weights that " + spec.model_type + " has")
        .found(tensor->text())
        .with("likely", "config.json belongs to another model, or to a variant that is not supported");
  }
  return encoder;
}

}  // namespace lethe
