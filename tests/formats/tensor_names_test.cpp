// The names that different programs give to one tensor, and stored tables that are not weights.
#include "formats/tensor_names.h"

#include <gtest/gtest.h>

namespace lethe {
namespace {

TEST(TensorNames, OfOneTensorAreTheSameWhateverProgramWroteThem) {
  const std::vector<std::vector<std::string>> same = {
      {"transformer.h.0.attn.c_attn.weight", "h.0.attn.c_attn.weight", "_orig_mod.transformer.h.0.attn.c_attn.weight",
       "module.transformer.h.0.attn.c_attn.weight", "module._orig_mod.h.0.attn.c_attn.weight",
       "_orig_mod.module.h.0.attn.c_attn.weight", "transformer.h.0._orig_mod.attn.c_attn.weight",
       "transformer.h.0._checkpoint_wrapped_module.attn.c_attn.weight", "h._fsdp_wrapped_module.0.attn.c_attn.weight"},
      {"model.layers.1.mlp.up_proj.weight", "layers.1.mlp.up_proj.weight"},
      {"model.decoder.embed_tokens.weight", "decoder.embed_tokens.weight"},
      {"gpt_neox.embed_in.weight", "embed_in.weight"},
      {"embed_out.weight", "lm_head.weight", "_orig_mod.lm_head.weight", "module.embed_out.weight"}};
  for (const auto& names : same) {
    for (const std::string& name : names) EXPECT_EQ(canonical_name(name), canonical_name(names[0])) << name;
  }
  // A module of that name within, and a tensor of that name, are the model's own.
  EXPECT_EQ(canonical_name("model.layers.0.module.weight"), "layers.0.module.weight");
  EXPECT_EQ(canonical_name("model.layers.0._orig_mod"), "layers.0._orig_mod");
  EXPECT_NE(canonical_name("model.model.x"), canonical_name("model.x"));
  EXPECT_EQ(canonical_name(""), "");
}

TEST(TensorNames, DistinguishTablesFromWeightsByNameAndShape) {
  const auto buffer = [](const std::string& name, const std::vector<std::int64_t>& shape) {
    return is_buffer({name, DType::f32, shape});
  };
  EXPECT_TRUE(buffer("h.0.attn.bias", {1, 1, 64, 64}));
  EXPECT_TRUE(buffer("transformer.h.0.attn.masked_bias", {}));
  EXPECT_TRUE(buffer("gpt_neox.layers.0.attention.bias", {1, 1, 32, 32}));
  EXPECT_TRUE(buffer("gpt_neox.layers.0.attention.masked_bias", {}));
  EXPECT_TRUE(buffer("model.layers.0.self_attn.rotary_emb.inv_freq", {4}));
  EXPECT_TRUE(buffer("model.rotary_emb.inv_freq", {4}));
  EXPECT_TRUE(buffer("embeddings.position_ids", {1, 512}));
  EXPECT_FALSE(buffer("h.0.attn.bias", {64}));  // the name of a bias in some unknown family
  EXPECT_FALSE(buffer("h.0.attn.c_attn.bias", {96}));
  EXPECT_FALSE(buffer("gpt_neox.layers.0.attention.dense.bias", {16}));
  EXPECT_FALSE(buffer("model.layers.0.self_attn.q_proj.weight", {4, 4}));
}

}  // namespace
}  // namespace lethe
