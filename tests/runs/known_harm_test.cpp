// What Lethe's files say of harm, and that what is made of it is readable by its owner alone.
#include "runs/known_harm.h"

#include "formats/vector_info.h"
#include "made_weights.h"
#include "runs/combine_vectors.h"
#include "runs/extract_vector.h"
#include "vectors/apply_adapter.h"
#include "vectors/negate.h"

namespace lethe {
namespace {

const std::string kModule = "model.layers.0.self_attn.q_proj";

class HarmInFiles : public TaskArithmetic {
 protected:
  fs::path pair(const std::string& name) {
    return adapter(name,
                   {{"base_model.model." + kModule + ".lora_A.weight", at::randn({2, 4})},
                    {"base_model.model." + kModule + ".lora_B.weight", at::randn({6, 2})}},
                   {{"r", 2}, {"lora_alpha", 4}});
  }
  // A run's folder, as far as its parts say something of harm.
  fs::path run(const std::string& name, const std::string& method) {
    const fs::path folder = made(name);
    for (const char* part : {"harmful", "adapter", "model"}) made(name + "/" + part);
    write_file(folder / "recipe.yaml", "method: " + method + "\n");
    write_file(folder / "run.json", "{}");
    return folder;
  }
  static bool is_private(const fs::path& path) {
    constexpr fs::perms kOthers = fs::perms::group_all | fs::perms::others_all;
    return (fs::status(path).permissions() & kOthers) == fs::perms::none;
  }
};

TEST_F(HarmInFiles, OfARunFollowsFromItsMethod) {
  const fs::path sku = run("sku", "sku"), npo = run("npo", "npo"), contrast = run("contrast", "contrast");
  for (const auto& harm_of :
       {harm_of_adapter, +[](const fs::path& folder) { return harm_of_checkpoint(folder, ""); }}) {
    EXPECT_EQ(harm_of(sku / "harmful").sign, 1);
    EXPECT_EQ(harm_of(sku / "harmful" / "").because, "the run");
    for (const char* part : {"adapter", "model"}) {
      EXPECT_EQ(harm_of(sku / part).sign, -1) << part;
      EXPECT_EQ(harm_of(contrast / part).sign, -1) << part;
      EXPECT_EQ(harm_of(npo / part).sign, 0) << part;  // its adapter is the unlearning itself
    }
    EXPECT_EQ(harm_of(made("alone/harmful")).sign, 0);  // no run
  }
  write_file(sku / "recipe.yaml", "method: of_a_later_version\n");
  EXPECT_EQ(harm_of_adapter(sku / "adapter").sign, 0);
  EXPECT_EQ(harm_of_adapter(sku / "harmful").sign, 1);
}

TEST_F(HarmInFiles, OfAVectorIsInItsDescription) {
  const Tensors weights = {{kModule + ".weight", at::randn({6, 4})}};
  checkpoint("base", weights);
  const std::string base = (root_ / "base").string(), vector = (root_ / "vector").string(),
                    sum = (root_ / "sum").string();
  extract_vector({.base = base, .adapter = pair("low").string(), .harmful = true, .out = vector});
  EXPECT_EQ(harm_of_adapter(vector).sign, 1);
  combine_vectors({.base = base, .terms = {{vector, -0.5}}, .merge = true, .out = sum});
  EXPECT_EQ(harm_of_checkpoint(sum, "").sign, -1);
  combine_vectors({.base = base, .terms = {{vector, 0.5}}, .merge = true, .out = sum + "2"});
  EXPECT_EQ(harm_of_checkpoint(sum + "2", "").sign, 1);
  EXPECT_EQ(harm_of_checkpoint(base, "").sign, 0);
  // A description of other tensors is not taken along.
  const Adapter harm(vector);
  negate_adapter(Checkpoint(base), harm, 1, made("negated"));
  EXPECT_EQ(harm_of_adapter(root_ / "negated").sign, 0);
  merge_adapters(Checkpoint(sum), {{&harm, 1.0}}, made("merged"));
  EXPECT_FALSE(fs::exists(root_ / "merged" / "vectors.json"));
}

TEST_F(HarmInFiles, AResultIsHarmfulIfItAddsHarmOrTakesBackItsSubtraction) {
  const KnownHarm none, harm{1, "the run"}, unlearning{-1, "the run"};
  EXPECT_EQ(harm_of_result(none, {{"a", harm, 0.5}}), "the result is more harmful than its base: it adds 0.5·a");
  EXPECT_EQ(harm_of_result(none, {{"a", unlearning, -1}, {"b", harm, 2}}),
            "the result is more harmful than its base: it takes back 1·a, which subtracts harm, and adds 2·b");
  EXPECT_EQ(harm_of_result(none, {{"a", harm, -1}, {"b", unlearning, 1}, {"c", none, 1}, {"d", harm, 0}}), "");
  EXPECT_NE(harm_of_result(harm, {{"a", none, 1}}).find("the base holds harm"), std::string::npos);
  EXPECT_EQ(harm_of_result(unlearning, {}), "");
}

TEST_F(HarmInFiles, EveryFileOfAHarmfulResultIsItsOwnersAlone) {
  Tensors weights = {{kModule + ".weight", at::randn({6, 4})}, {"model.norm.weight", at::randn({4})}};
  const Checkpoint base = checkpoint("base", weights);
  write_file(root_ / "base" / "tokenizer.json", "{}");
  weights[kModule + ".weight"] = at::randn({6, 4});
  const Checkpoint tuned = checkpoint("tuned", weights);
  const Adapter low(pair("low"));
  merge_adapters(base, {{&low, 1.0}}, made("merged"), Access::owner_only);
  negate_adapter(base, low, -1, made("adapter"), Access::owner_only);
  negate_checkpoint(base, tuned, -1, made("negated"), Access::owner_only);
  for (const char* folder : {"merged", "adapter", "negated"}) {
    for (const auto& file : fs::directory_iterator(root_ / folder)) EXPECT_TRUE(is_private(file.path())) << file.path();
  }
  merge_adapters(base, {{&low, 1.0}}, made("open"));
  EXPECT_FALSE(is_private(root_ / "open" / "model.safetensors"));
}

}  // namespace
}  // namespace lethe
