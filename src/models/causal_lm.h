// The decoder: a stack of attention and MLP blocks over a packed batch. A DecoderSpec describes the model family.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "architectures/decoder_spec.h"
#include "models/layer_weights.h"
#include "models/parameter.h"
#include "nn/activation.h"
#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/mixture.h"
#include "nn/norm.h"
#include "nn/packed_batch.h"
#include "nn/rotary.h"
#include "nn/token_losses.h"

namespace lethe {

/// A linear map under its module path ("model.layers.0.self_attn.q_proj"), which an adapter can target.
struct NamedLinear {
  std::string name;
  Linear* linear;
};

/// One copy of the weights, and nothing else: gradients, optimizer state and adapters' training belong to training/.
class CausalLM {
 public:
  /// Without weights: every parameter is undefined until a function of models/loading.h fills it.
  explicit CausalLM(DecoderSpec spec);
  CausalLM(CausalLM&&) = default;
  CausalLM& operator=(CausalLM&&) = default;

  /// Final hidden states: what the head turns into logits.
  /// @return  [T, E], E = D, or the embedding's width where a projection leads back to it
  at::Tensor hidden(const PackedBatch& batch) const;
  /// The same with another attention (a cache).
  at::Tensor hidden(const at::Tensor& ids, const at::Tensor& positions, const std::vector<RotaryAngles>& angles,
                    AttentionContext& attention) const;
  /// The residual stream after some layers: what layer i (from 0) passes to layer i + 1, with gradient. transformers
  /// calls it hidden_states[i + 1]; after the last layer it shows the normed states instead, as hidden() does. Layers
  /// above the last one named are not computed.
  /// @param layers  ascending, each in [0, spec().layers)
  /// @return  for each: [T, D]
  std::vector<at::Tensor> residuals(const PackedBatch& batch, const std::vector<std::int64_t>& layers) const;
  /// What hidden() does after the last layer: the final norm and the projection. Of an earlier layer's residual stream
  /// it makes what the head can read too (the logit lens: nostalgebraist 2020). @param x [T, D] @return [T, E]
  at::Tensor finish(const at::Tensor& x) const;
  /// Angles for hidden() above, one set per rotary embedding. @param row_length  as Segment::row_length
  std::vector<RotaryAngles> angles(const PackedBatch& batch) const;
  std::vector<RotaryAngles> angles(const at::Tensor& positions, std::int64_t row_length) const;

  /// The tied or separate head with its scale and soft cap. An adapter on it (rare) is merged.
  Head head() const;

  /// Every weight once, in the order of the layers. A tied head is not listed.
  std::vector<Parameter> parameters();
  /// Every linear map except those of mixtures, which PEFT treats as whole stacks. The head comes last, even if tied.
  std::vector<NamedLinear> linears();

  const DecoderSpec& spec() const { return spec_; }
  at::Device device() const { return embedding_.device(); }
  at::ScalarType dtype() const { return embedding_.scalar_type(); }
  /// The type of what hidden() returns and of cached keys and values (nn/bfloat16_product.h).
  at::ScalarType activation_dtype() const;
  /// How adapters act; `on = false` gives the original model.
  AdapterMode adapters;
  /// In training, keep only each layer's input and recompute the rest in the backward pass.
  bool recompute = false;
  /// Brings the layers' matrices when they are used; null: they are always here.
  std::shared_ptr<LayerWeights> layer_weights;
  /// Input vectors of n more ids, V … V + n − 1, which no tokenizer makes: [n, E], or undefined. They may require
  /// gradient (Lester et al. 2021).
  at::Tensor soft_prompt;
  /// The ids that hidden() takes are below this: V + n.
  std::int64_t input_ids() const { return spec_.vocabulary + (soft_prompt.defined() ? soft_prompt.size(0) : 0); }

 private:
  struct Block {
    Norm attention_norm, mlp_norm, post_attention_norm, post_mlp_norm, query_norm, key_norm;
    Linear query, key, value, fused_qkv, attention_out, gate, up, fused_gate_up, down;
    Mixture mixture;
  };
  struct QueriesKeysValues {
    at::Tensor q, k, v;  // [T, H, d], [T, G, d], [T, G, d]
  };
  at::Tensor block(std::size_t index, const at::Tensor& x, const std::vector<RotaryAngles>& angles,
                   AttentionContext& attention, const AdapterMode& mode) const;
  at::Tensor attend(std::size_t index, const at::Tensor& x, const std::vector<RotaryAngles>& angles,
                    AttentionContext& attention, const AdapterMode& mode) const;
  QueriesKeysValues project(const Block& block, const at::Tensor& x, const AdapterMode& mode) const;
  at::Tensor mlp(const Block& block, const at::Tensor& x, const AdapterMode& mode) const;
  at::Tensor embed(const at::Tensor& ids, const at::Tensor& positions) const;
  at::Tensor layers(const PackedBatch& batch, std::size_t count,
                    const std::function<void(const at::Tensor&)>& after) const;

  DecoderSpec spec_;
  at::Tensor embedding_;  // [V, E]
  at::Tensor positions_;  // [max_positions + offset, D], learned positions only
  Linear project_in_, project_out_;
  std::vector<Block> blocks_;
  Norm final_norm_;
  Linear head_;  // its weight is undefined while tied
};

}  // namespace lethe
