// Whether a checkpoint's head is its embedding: the file's values decide, as in transformers.
#include "formats/tied_pair.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "folder_test.h"

namespace lethe {
namespace {

using Values = std::vector<float>;

class TiedPairs : public FolderTest {
 protected:
  Checkpoint checkpoint(const Json& config, const std::vector<std::pair<std::string, Values>>& tensors) {
    const fs::path folder = folder_ / std::to_string(++made_);
    fs::create_directories(folder);
    write_file(folder / "config.json", dump_json(config));
    std::vector<TensorSpec> specs;
    for (const auto& [name, values] : tensors)
      specs.push_back({name, DType::f32, {static_cast<std::int64_t>(values.size()), 1}});
    CheckpointWriter writer(folder, specs);
    for (const auto& [name, values] : tensors) writer.write(std::as_bytes(std::span(values)));
    writer.finish();
    return Checkpoint(folder);
  }
  int made_ = 0;
};

const Json kTied = {{"model_type", "llama"}, {"tie_word_embeddings", true}};

TEST_F(TiedPairs, AreOneWeightIfTheConfigurationSaysSoAndTheValuesAreEqual) {
  const Checkpoint twice =
      checkpoint(kTied, {{"lm_head.weight", {1, 0, 3}}, {"model.embed_tokens.weight", {1, -0.0F, 3}}});
  EXPECT_TRUE(tied_pair(twice).tied);  // -0 is 0
  EXPECT_FALSE(tied_pair(twice).contradicts_config);
  const Checkpoint other = checkpoint(kTied, {{"lm_head.weight", {1, 2, 3}}, {"model.embed_tokens.weight", {1, 2, 4}}});
  EXPECT_FALSE(tied_pair(other).tied);
  EXPECT_TRUE(tied_pair(other).contradicts_config);
  const Checkpoint untied = checkpoint({{"model_type", "llama"}, {"tie_word_embeddings", false}},
                                       {{"lm_head.weight", {1, 2}}, {"model.embed_tokens.weight", {1, 2}}});
  EXPECT_FALSE(tied_pair(untied).tied);
  EXPECT_FALSE(tied_pair(untied).contradicts_config);
}

TEST_F(TiedPairs, StoredOnceHaveANameForEachHalf) {
  const Checkpoint llama = checkpoint(kTied, {{"model.embed_tokens.weight", {1}}});
  EXPECT_TRUE(tied_pair(llama).tied);
  EXPECT_EQ(tied_pair(llama).head, llama.find("model.embed_tokens.weight"));
  EXPECT_EQ(tied_pair(llama).head_name, "lm_head.weight");
  const Checkpoint head_alone = checkpoint(kTied, {{"lm_head.weight", {1}}});
  EXPECT_EQ(tied_pair(head_alone).embedding, head_alone.find("lm_head.weight"));
  EXPECT_EQ(tied_pair(head_alone).embedding_name, "model.embed_tokens.weight");
  const Checkpoint compiled = checkpoint({{"model_type", "gpt2"}}, {{"_orig_mod.transformer.wte.weight", {1}}});
  EXPECT_TRUE(tied_pair(compiled).tied);  // GPT-2's default
  EXPECT_EQ(tied_pair(compiled).head_name, "_orig_mod.lm_head.weight");
  const Checkpoint neox =
      checkpoint({{"model_type", "gpt_neox"}, {"tie_word_embeddings", true}}, {{"embed_in.weight", {1}}});
  EXPECT_EQ(tied_pair(neox).head_name, "embed_out.weight");
  const Checkpoint broken = checkpoint({{"model_type", "llama"}}, {{"model.embed_tokens.weight", {1}}});
  EXPECT_FALSE(tied_pair(broken).tied);  // LLaMA's default: its head is missing
  EXPECT_EQ(tied_pair(broken).head, nullptr);
}

TEST_F(TiedPairs, StoredUnderTwoNamesEachAreRefused) {
  const Checkpoint twice =
      checkpoint(kTied, {{"layers.0.x", {1}}, {"model.layers.0.x", {1}}, {"model.embed_tokens.weight", {1}}});
  EXPECT_NE(twice.find_same("layers.0.x"), twice.find_same("model.layers.0.x"));
  EXPECT_NE(refusal_of([&] { twice.find_same("_orig_mod.layers.0.x"); }).find("model.layers.0.x"), std::string::npos);
}

}  // namespace
}  // namespace lethe
