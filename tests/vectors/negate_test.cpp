// Task arithmetic on files against its formula: θ_o − α·(θ_t − θ_o) in float32, rounded once.
#include "vectors/negate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "core/error.h"
#include "core/files.h"
#include "formats/tied_pair.h"
#include "made_weights.h"
#include "vectors/apply_adapter.h"

namespace lethe {
namespace {

TEST_F(TaskArithmetic, NegatesEveryTypeWithOneRoundingWhateverTheShardsOfEitherSide) {
  const Tensors base = {{"a.weight", at::randn({5, 7}, kWide).to(at::kHalf)},
                        {"b.weight", at::randn({6, 3}, kWide).to(at::kBFloat16)},
                        {"c.weight", at::randn({4}, kWide)},
                        {"table", at::arange(6, at::kLong)}};
  Tensors tuned;
  for (const auto& [name, value] : base)
    tuned[name] =
        value.is_floating_point() ? (value.to(at::kFloat) + 0.1 * at::randn(value.sizes())).to(at::kFloat) : value;
  const Checkpoint original = checkpoint("base", base, {{"model_type", "llama"}}, 50),
                   trained = checkpoint("tuned", tuned, Json::object(), 90);
  negate_checkpoint(original, trained, 0.7, made("out"));
  const Checkpoint result(root_ / "out");
  EXPECT_EQ(result.config().at("model_type"), "llama");
  for (const auto& [name, value] : base) {
    const at::Tensor found = values(result, name);
    ASSERT_EQ(found.scalar_type(), value.scalar_type()) << name;
    if (!value.is_floating_point()) {
      EXPECT_TRUE(at::equal(found, value));
      continue;
    }
    const at::Tensor o = value.to(at::kFloat), t = tuned.at(name);
    EXPECT_TRUE(at::equal(found, (o - 0.7 * (t - o)).to(value.scalar_type()))) << name;
  }
}

TEST_F(TaskArithmetic, AlphaZeroGivesTheSameBytes) {
  const Tensors base = {{"a.weight", at::randn({5, 7}, kWide).to(at::kHalf)}};
  const Checkpoint original = checkpoint("base", base),
                   trained = checkpoint("tuned", {{"a.weight", at::randn({5, 7}, kWide)}});
  negate_checkpoint(original, trained, 0, made("out"));
  EXPECT_TRUE(at::equal(values(Checkpoint(root_ / "out"), "a.weight"), base.at("a.weight")));
}

TEST_F(TaskArithmetic, ATiedEmbeddingIsNegatedOnceAlsoWhereOneSideStoresTheHead) {  // defect 15 of the published code
  const at::Tensor before = at::randn({6, 4}), after = before + 0.5;
  const Json tied = {{"tie_word_embeddings", true}};
  const Checkpoint base = checkpoint("base", {{"model.embed_tokens.weight", before}}, tied),
                   tuned = checkpoint("tuned", {{"lm_head.weight", after}, {"model.embed_tokens.weight", after}}, tied);
  negate_checkpoint(base, tuned, 1, made("out"));
  const Checkpoint result(root_ / "out");
  EXPECT_EQ(result.tensors().size(), 1U);
  EXPECT_TRUE(at::allclose(values(result, "model.embed_tokens.weight"), before - 0.5));

  const Checkpoint stored =
      checkpoint("stored", {{"lm_head.weight", before}, {"model.embed_tokens.weight", before}}, tied);
  const Checkpoint single = checkpoint("single", {{"model.embed_tokens.weight", after}}, tied);
  negate_checkpoint(stored, single, 1, made("out2"));
  const Checkpoint both(root_ / "out2");
  EXPECT_TRUE(at::allclose(values(both, "lm_head.weight"), before - 0.5));
  EXPECT_TRUE(at::allclose(values(both, "model.embed_tokens.weight"), before - 0.5));
}

TEST_F(TaskArithmetic, AHeadOfItsOwnOnOneSideIsNegatedAsOneAndTheResultSaysSo) {
  const Json tied = {{"model_type", "llama"}, {"tie_word_embeddings", true}};
  const std::string e = "model.embed_tokens.weight", h = "lm_head.weight";
  const at::Tensor before = at::randn({6, 4}), embedding = at::randn({6, 4}), head = at::randn({6, 4});
  const auto expect_untied = [&](const Checkpoint& base, const Checkpoint& tuned, const at::Tensor& wanted_embedding,
                                 const at::Tensor& wanted_head) {
    const fs::path out = made("out" + std::to_string(++made_));
    negate_checkpoint(base, tuned, 1, out);
    const Checkpoint result(out);
    EXPECT_TRUE(at::allclose(values(result, e), wanted_embedding));
    EXPECT_TRUE(at::allclose(values(result, h), wanted_head));
    EXPECT_EQ(result.config().at("tie_word_embeddings"), false);
  };
  const Checkpoint once = checkpoint("once", {{e, before}}, tied),
                   twice = checkpoint("twice", {{e, before}, {h, before}}, tied),
                   apart = checkpoint("apart", {{e, embedding}, {h, head}}, tied),
                   moved = checkpoint("moved", {{e, embedding}}, tied);
  expect_untied(once, apart, 2 * before - embedding, 2 * before - head);  // the config's word on both sides is wrong
  expect_untied(twice, apart, 2 * before - embedding, 2 * before - head);
  expect_untied(apart, moved, embedding, 2 * head - embedding);
  // One weight on both sides, whichever name it has.
  const Checkpoint by_head = checkpoint("by_head", {{h, embedding}}, tied);
  negate_checkpoint(once, by_head, 1, made("renamed"));
  const Checkpoint renamed(root_ / "renamed");
  EXPECT_EQ(renamed.tensors().size(), 1U);
  EXPECT_TRUE(at::allclose(values(renamed, e), 2 * before - embedding));
  EXPECT_EQ(renamed.config().at("tie_word_embeddings"), true);
}

TEST_F(TaskArithmetic, NamesOfTheSameTensorsAreMatchedAndTablesAreNoWeights) {
  const at::Tensor weight = at::randn({6, 4}), tuned_weight = at::randn({6, 4}),
                   mask = at::full({1, 1, 4, 4}, -INFINITY);
  const Checkpoint base =
      checkpoint("base", {{"h.0.attn.bias", mask}, {"h.0.attn.c_attn.weight", weight}}, {{"model_type", "gpt2"}});
  for (const std::string prefix : {"transformer.", "", "_orig_mod.transformer.", "module."}) {
    const Checkpoint tuned =
        checkpoint("tuned" + std::to_string(++made_), {{prefix + "h.0.attn.c_attn.weight", tuned_weight},
                                                       {prefix + "h.0.attn.masked_bias", at::tensor(-1e4F)},
                                                       {prefix + "rotary_emb.inv_freq", at::ones({2})}});
    const fs::path out = made("out" + std::to_string(made_));
    negate_checkpoint(base, tuned, 1, out);
    const Checkpoint result(out);
    EXPECT_EQ(result.tensors().size(), 2U);
    EXPECT_TRUE(at::allclose(values(result, "h.0.attn.c_attn.weight"), 2 * weight - tuned_weight)) << prefix;
    EXPECT_TRUE(at::equal(values(result, "h.0.attn.bias"), mask)) << prefix;
  }
  const Checkpoint twice = checkpoint(
      "twice", {{"h.0.attn.c_attn.weight", tuned_weight}, {"transformer.h.0.attn.c_attn.weight", tuned_weight}});
  try {
    negate_checkpoint(base, twice, 1, made("refused"));
    ADD_FAILURE() << "one of two tensors of one name was taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("transformer.h.0.attn.c_attn.weight"), std::string::npos) << error.what();
  }
}

// transformers loads no name that holds "_orig_mod.", and PEFT none of another adapter's: both go on without the
// weight.
TEST_F(TaskArithmetic, ResultsHaveTheNamesThatTransformersAndPeftLoad) {
  const Json tied = {{"model_type", "llama"}, {"tie_word_embeddings", true}};
  const std::string e = "model.embed_tokens.weight", h = "lm_head.weight", q = "model.layers.0.q_proj.weight";
  const at::Tensor embedding = at::randn({6, 4}), head = at::randn({6, 4}), weight = at::randn({4, 4}),
                   down = at::randn({2, 4}), up = at::randn({4, 2});
  const Checkpoint tuned = checkpoint("tuned", {{e, head}, {h, embedding}, {q, weight}});
  const fs::path pair = adapter("pair",
                                {{"model.layers.0._orig_mod.q_proj.lora_A.harm.weight", down},
                                 {"model.layers.0._orig_mod.q_proj.lora_B.harm.weight", up},
                                 {"lm_head.modules_to_save.harm.weight", head}},
                                {{"r", 2}, {"lora_alpha", 2}, {"modules_to_save", {"lm_head"}}});
  for (const auto& [front, inner] : {std::pair("_orig_mod.", ""), {"module.", ""}, {"", "_orig_mod."}}) {
    const Checkpoint base = checkpoint(
        "base" + std::to_string(++made_),
        {{front + e, embedding}, {front + std::string("model.layers.0.") + inner + "q_proj.weight", weight}}, tied);
    negate_checkpoint(base, tuned, 1, made("negated" + std::to_string(made_)));
    const Checkpoint negated(root_ / ("negated" + std::to_string(made_)));
    ASSERT_EQ(negated.tensors().size(), 3U);
    EXPECT_TRUE(at::allclose(values(negated, e), 2 * embedding - head));
    EXPECT_TRUE(at::allclose(values(negated, h), embedding));
    EXPECT_TRUE(at::equal(values(negated, q), weight));
    const Adapter harm(pair);
    merge_adapters(base, {{&harm, 1.0}}, made("merged" + std::to_string(made_)));
    const Checkpoint merged(root_ / ("merged" + std::to_string(made_)));
    EXPECT_TRUE(at::allclose(values(merged, q), weight + up.matmul(down)));
    EXPECT_TRUE(at::allclose(values(merged, h), head));
    negate_adapter(base, harm, 1, made("subtracted" + std::to_string(made_)));
    const SafetensorsFile subtracted(root_ / ("subtracted" + std::to_string(made_)) / "adapter_model.safetensors");
    for (const std::string name :
         {"model.layers.0.q_proj.lora_A.weight", "model.layers.0.q_proj.lora_B.weight", "lm_head.weight"})
      EXPECT_NE(subtracted.find("base_model.model." + name), nullptr) << name;
  }
}

TEST_F(TaskArithmetic, WhatAnAdapterMakesOfATiedPairIsWrittenAsTwoWeights) {
  const Json tied = {{"model_type", "llama"}, {"tie_word_embeddings", true}};
  const std::string e = "model.embed_tokens.weight", h = "lm_head.weight";
  const at::Tensor before = at::randn({6, 4}), saved = at::randn({6, 4}), a = at::randn({2, 6}), b = at::randn({4, 2}),
                   down = at::randn({2, 4}), up = at::randn({6, 2});
  const Tensors saved_embedding = {{"base_model.model." + e, saved}}, saved_head = {{"base_model.model." + h, saved}};
  const Tensors pair = {{"base_model.model.model.embed_tokens.lora_embedding_A", a},
                        {"base_model.model.model.embed_tokens.lora_embedding_B", b}};
  const Tensors head_pair = {{"base_model.model.lm_head.lora_A.weight", down},
                             {"base_model.model.lm_head.lora_B.weight", up}};
  const at::Tensor with_pair = before + b.matmul(a).t(), with_head_pair = before + up.matmul(down);
  struct Case {
    Tensors tensors;
    Json config;
    at::Tensor embedding, head;  // of the result
  };
  const Json save_embedding = {"embed_tokens"}, save_head = {"lm_head"};
  const std::vector<Case> cases = {
      {saved_embedding, {{"modules_to_save", save_embedding}}, saved, before},
      {saved_head, {{"modules_to_save", save_head}}, before, saved},
      {saved_embedding, {{"modules_to_save", save_embedding}, {"ensure_weight_tying", true}}, saved, saved},
      {saved_head, {}, saved, saved},  // over the base's own weight
      {pair, {{"target_modules", save_embedding}}, with_pair, before},
      {head_pair, {{"target_modules", save_head}}, before, with_head_pair},
      {pair, {{"target_modules", save_embedding}, {"ensure_weight_tying", true}}, with_pair, with_pair},
  };
  for (const bool twice : {false, true}) {
    Tensors tensors = {{e, before}};
    if (twice) tensors[h] = before;
    const Checkpoint base = checkpoint(twice ? "base2" : "base", tensors, tied);
    for (const Case& made_of : cases) {
      Json config = made_of.config.is_null() ? Json::object() : made_of.config;
      config.update({{"r", 2}, {"lora_alpha", 2}});
      const Adapter trained(adapter("adapter" + std::to_string(++made_), made_of.tensors, config));
      const fs::path out = made("out" + std::to_string(made_));
      merge_adapters(base, {{&trained, 1.0}}, out);
      const Checkpoint result(out);
      const bool one = made_of.embedding.is_same(made_of.head);
      EXPECT_EQ(result.tensors().size(), one && !twice ? 1U : 2U);
      EXPECT_EQ(result.config().at("tie_word_embeddings"), one) << dump_json(config);
      EXPECT_TRUE(at::allclose(values(result, e), made_of.embedding, 1e-5, 1e-6)) << dump_json(config);
      if (result.find(h) != nullptr) {
        EXPECT_TRUE(at::allclose(values(result, h), made_of.head, 1e-5, 1e-6)) << dump_json(config);
      }
      EXPECT_EQ(tied_pair(result).tied, one);
    }
  }
}

TEST_F(TaskArithmetic, ATiedDoraSharesItsPairAndNotItsMagnitudes) {
  const std::string e = "model.embed_tokens.weight", h = "lm_head.weight";
  const at::Tensor before = at::randn({6, 4}), a = at::randn({2, 6}), b = at::randn({4, 2}),
                   of_embedding = at::rand({4}) + 0.5, of_head = at::rand({6}) + 0.5;
  const fs::path folder = adapter("dora",
                                  {{"base_model.model.model.embed_tokens.lora_embedding_A", a},
                                   {"base_model.model.model.embed_tokens.lora_embedding_B", b},
                                   {"base_model.model.model.embed_tokens.lora_magnitude_vector", of_embedding},
                                   {"base_model.model.lm_head.lora_A.weight", b.t().contiguous()},
                                   {"base_model.model.lm_head.lora_B.weight", a.t().contiguous()},
                                   {"base_model.model.lm_head.lora_magnitude_vector", of_head}},
                                  {{"r", 2},
                                   {"lora_alpha", 2},
                                   {"use_dora", true},
                                   {"target_modules", {"embed_tokens"}},
                                   {"ensure_weight_tying", true}});
  const Checkpoint base = checkpoint("base", {{e, before}}, {{"model_type", "llama"}, {"tie_word_embeddings", true}});
  const Adapter dora(folder);
  merge_adapters(base, {{&dora, 1.0}}, made("merged"));
  const Checkpoint merged(root_ / "merged");
  const at::Tensor sum = before + b.matmul(a).t();
  EXPECT_TRUE(at::allclose(values(merged, e), sum * (of_embedding / sum.norm(2, 0)), 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(values(merged, h), sum * (of_head / sum.norm(2, 1)).unsqueeze(1), 1e-5, 1e-6));
}

TEST_F(TaskArithmetic, ATensorOfOneSideOrOfAnotherShapeIsNamed) {
  const Checkpoint base = checkpoint("base", {{"a.weight", at::ones({2, 2})}, {"b.weight", at::ones({2})}}),
                   lacking = checkpoint("lacking", {{"a.weight", at::ones({2, 2})}}),
                   bent = checkpoint("bent", {{"a.weight", at::ones({4})}, {"b.weight", at::ones({2})}});
  const auto message = [&](const Checkpoint& one, const Checkpoint& other) {
    try {
      negate_checkpoint(one, other, 1, made("out"));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(message(base, lacking).find("b.weight"), std::string::npos);
  EXPECT_NE(message(lacking, base).find("b.weight"), std::string::npos);
  EXPECT_NE(message(base, bent).find("[2, 2]"), std::string::npos);
}

TEST_F(TaskArithmetic, ANegatedAdapterMergedIsTheBaseMinusAlphaTimesItsUpdate) {
  const at::Tensor weight = at::randn({6, 4}), a = at::randn({2, 4}), b = at::randn({6, 2});
  const Checkpoint base = checkpoint("base", {{"model.q_proj.weight", weight}});
  const fs::path folder =
      adapter("adapter",
              {{"base_model.model.model.q_proj.lora_A.weight", a}, {"base_model.model.model.q_proj.lora_B.weight", b}},
              {{"r", 2}, {"lora_alpha", 8}, {"target_modules", {"q_proj"}}});
  const Adapter trained(folder);
  negate_adapter(base, trained, 0.3, made("negated"));
  const Adapter negated(root_ / "negated");
  merge_adapters(base, {{&negated, 1.0}}, made("merged"));
  const at::Tensor wanted = weight - 0.3 * (8.0 / 2) * b.matmul(a);
  EXPECT_TRUE(at::allclose(values(Checkpoint(root_ / "merged"), "model.q_proj.weight"), wanted, 1e-5, 1e-5));

  const OpenAdapters half = open_adapters({folder.string() + ":0.5"});
  merge_adapters(base, half.weighted, made("half"));
  EXPECT_TRUE(at::allclose(values(Checkpoint(root_ / "half"), "model.q_proj.weight"), weight + 0.5 * 4 * b.matmul(a),
                           1e-5, 1e-5));
  EXPECT_THROW(open_adapters({folder.string() + ":much"}), Error);
}

// The limit that docs/explanation/limits.md states: base − adapter/α is θ_bad.
TEST_F(TaskArithmetic, WhoeverHasTheNegatedAdapterHasTheTrainedOneToo) {
  const at::Tensor a = at::randn({2, 4}), b = at::randn({6, 2});
  const Checkpoint base = checkpoint("base", {{"model.q_proj.weight", at::randn({6, 4})}});
  const Adapter trained(
      adapter("adapter",
              {{"base_model.model.model.q_proj.lora_A.weight", a}, {"base_model.model.model.q_proj.lora_B.weight", b}},
              {{"r", 2}, {"lora_alpha", 8}, {"target_modules", {"q_proj"}}}));
  for (const double alpha : {1.0, 0.5, 0.25, 0.3}) {
    const std::string name = std::to_string(alpha);
    negate_adapter(base, trained, alpha, made("negated" + name));
    const Adapter negated(root_ / ("negated" + name));
    negate_adapter(base, negated, 1 / alpha, made("again" + name));
    const Adapter again(root_ / ("again" + name));
    const StoredTensor& stored = *again.modules().at(0).b;
    const at::Tensor found = tensor_over(stored, again.file().values(stored));
    EXPECT_TRUE(alpha == 0.3 ? at::allclose(found, b, 1e-6, 0) : at::equal(found, b)) << alpha;
  }
}

TEST_F(TaskArithmetic, AnAdapterThatDoesNotFitTheBaseIsRefusedByName) {
  const Checkpoint base = checkpoint("base", {{"model.q_proj.weight", at::ones({6, 4})}});
  const Adapter other(adapter("adapter",
                              {{"base_model.model.model.q_proj.lora_A.weight", at::ones({2, 5})},
                               {"base_model.model.model.q_proj.lora_B.weight", at::ones({6, 2})}},
                              {{"r", 2}, {"lora_alpha", 2}, {"target_modules", {"q_proj"}}}));
  try {
    merge_adapters(base, {{&other, 1.0}}, made("out"));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("model.q_proj"), std::string::npos) << error.what();
  }
}

TEST_F(TaskArithmetic, WeightsThatAreNanOrInfiniteAreNamedAndNotWritten) {
  const at::Tensor plain = at::randn({3, 4}, kHalf);
  at::Tensor odd = plain.clone();
  const Checkpoint base = checkpoint("base", {{"a.weight", plain}});
  int number = 0;
  for (const double value :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), -60000.0}) {
    odd[1][2] = value;
    const Checkpoint tuned = checkpoint("tuned" + std::to_string(++number), {{"a.weight", odd}});
    for (const auto& [one, other] : {std::pair(&base, &tuned), std::pair(&tuned, &base)}) {
      try {
        negate_checkpoint(*one, *other, 3.0, made("out" + std::to_string(++number)));  // 3 · 60000 is no half any more
        ADD_FAILURE() << value << " was written";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::bad_input);
        EXPECT_NE(std::string(error.what()).find("a.weight"), std::string::npos) << error.what();
      }
    }
  }
}

TEST_F(TaskArithmetic, NoFactorWritesANumberThatItsTypeCannotHold) {
  const Checkpoint base = checkpoint("base", {{"model.q_proj.weight", at::ones({6, 4}, kHalf)}}),
                   tuned = checkpoint("tuned", {{"model.q_proj.weight", at::full({6, 4}, 2, kHalf)}}),
                   broken = checkpoint("broken", {{"model.q_proj.weight", at::ones({6, 4})},
                                                  {"model.norm.weight", at::full({4}, NAN)}});
  const Adapter pair(adapter("adapter",
                             {{"base_model.model.model.q_proj.lora_A.weight", at::ones({2, 4}, kHalf)},
                              {"base_model.model.model.q_proj.lora_B.weight", at::ones({6, 2}, kHalf)}},
                             {{"r", 2}, {"lora_alpha", 2}}));
  const auto refused = [&](const std::string& named, const std::function<void(const fs::path&)>& write) {
    try {
      write(made("out" + std::to_string(++made_)));
      ADD_FAILURE() << named << " was written";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_input);
      EXPECT_NE(std::string(error.what()).find(named), std::string::npos) << error.what();
    }
  };
  for (const double factor : {1e5, 1e30, 1e300, -1e300}) {
    refused("q_proj", [&](const fs::path& out) { merge_adapters(base, {{&pair, factor}}, out); });
    refused("q_proj", [&](const fs::path& out) { negate_adapter(base, pair, factor, out); });
    refused(std::abs(factor) < 1e38 ? "q_proj" : "alpha",
            [&](const fs::path& out) { negate_checkpoint(base, tuned, factor, out); });
  }
  // Weights without adapters are copied, and must be finite, too.
  refused("model.norm.weight", [&](const fs::path& out) { merge_adapters(broken, {{&pair, 1.0}}, out); });
}

TEST_F(TaskArithmetic, AnAdapterThatIsNanOrInfiniteIsNotWritten) {
  const Checkpoint base = checkpoint("base", {{"model.q_proj.weight", at::ones({6, 4})}});
  for (const char half : {'A', 'B'}) {
    for (const double value : {std::nan(""), std::numeric_limits<double>::infinity()}) {
      at::Tensor a = at::ones({2, 4}), b = at::ones({6, 2});
      (half == 'A' ? a : b)[1][1] = value;
      const Adapter broken(adapter(
          "adapter" + std::to_string(++made_),
          {{"base_model.model.model.q_proj.lora_A.weight", a}, {"base_model.model.model.q_proj.lora_B.weight", b}},
          {{"r", 2}, {"lora_alpha", 2}}));
      EXPECT_THROW(merge_adapters(base, {{&broken, 1.0}}, made("out" + std::to_string(++made_))), Error);
      EXPECT_THROW(negate_adapter(base, broken, 0.5, made("out" + std::to_string(++made_))), Error);
    }
  }
}

TEST_F(TaskArithmetic, ValuesAtAnOddAddressAreReadAsTheyStand) {
  const std::vector<float> values = {1.5F, -2.0F};
  std::vector<std::byte> bytes(1 + 2 * sizeof(float));
  std::memcpy(bytes.data() + 1, values.data(), 2 * sizeof(float));
  const at::Tensor tensor = tensor_over({"a", DType::f32, {2}}, std::span(bytes).subspan(1));
  EXPECT_TRUE(at::equal(tensor, at::tensor(values)));
}

}  // namespace
}  // namespace lethe
