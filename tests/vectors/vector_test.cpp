// Task vectors against their formula and against negate: extract, combine, undo.
#include <gtest/gtest.h>

#include <cmath>

#include "formats/tied_pair.h"
#include "made_weights.h"
#include "vectors/combine.h"
#include "vectors/extract.h"
#include "vectors/negate.h"

namespace lethe {
namespace {

class TaskVectors : public TaskArithmetic {
 protected:
  StoredVector described(const fs::path& folder, VectorKind kind, bool unties_head = false) {
    write_vector_info({.kind = kind, .base = "base", .unties_head = unties_head}, folder, Access::normal);
    return StoredVector(folder);
  }
  StoredVector extracted(const Checkpoint& base, const Checkpoint& tuned, StoreAs type = StoreAs::float32) {
    const fs::path folder = made("vector" + std::to_string(++made_));
    const bool unties_head = extract_weights(base, tuned, type, folder, Access::normal);
    return described(folder, VectorKind::weights, unties_head);
  }
  StoredVector kept(const fs::path& adapter_folder) {
    const fs::path folder = made("vector" + std::to_string(++made_));
    extract_adapter(Adapter(adapter_folder), 1, folder, Access::normal);
    return described(folder, VectorKind::adapter);
  }
  Checkpoint combined(const Checkpoint& base, const std::vector<WeightedVector>& vectors) {
    const fs::path folder = made("sum" + std::to_string(++made_));
    combine_to_checkpoint(base, vectors, folder, Access::normal);
    return Checkpoint(folder);
  }
  Checkpoint negated(const Checkpoint& base, const Checkpoint& tuned, double alpha) {
    const fs::path folder = made("negated" + std::to_string(++made_));
    negate_checkpoint(base, tuned, alpha, folder);
    return Checkpoint(folder);
  }
  static void expect_same_bits(const Checkpoint& found, const Checkpoint& wanted) {
    ASSERT_EQ(found.tensors().size(), wanted.tensors().size());
    for (const StoredTensor* tensor : wanted.tensors()) {
      const StoredTensor* other = found.find(tensor->name);
      ASSERT_NE(other, nullptr) << tensor->name;
      const auto a = found.values(*other), b = wanted.values(*tensor);
      EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end())) << tensor->name;
    }
    EXPECT_EQ(found.config(), wanted.config());
  }
  /// A base with every type of weight, and a table. Sizes are those of several blocks and of less than one.
  static Tensors every_type() {
    return {{"a.weight", at::randn({151, 300}, kWide).to(at::kHalf)},
            {"b.weight", at::randn({6, 3}, kWide).to(at::kBFloat16)},
            {"c.weight", at::randn({200, 101}, kWide)},
            {"d.weight", at::randn({5}, at::kDouble)},
            {"empty.weight", at::empty({0, 4}, kWide)},
            {"table", at::arange(6, at::kLong)}};
  }
  /// As fine-tuning leaves it: some weights moved, some much, some not at all.
  static Tensors tuned_from(const Tensors& base) {
    Tensors tuned = base;
    for (auto& [name, value] : tuned) {
      if (!value.is_floating_point()) continue;
      const at::Tensor moved = 0.1 * at::randn(value.sizes(), at::kDouble) * (at::rand(value.sizes()) > 0.3);
      value = (value.to(at::kDouble) + moved).to(value.scalar_type());
    }
    return tuned;
  }
};

TEST_F(TaskVectors, ExtractedAndSubtractedAreTheBitsOfNegate) {
  const Tensors base = every_type();
  Tensors wide = tuned_from(base);
  for (auto& [name, value] : wide) {
    if (value.is_floating_point() && value.scalar_type() != at::kDouble) value = value.to(at::kFloat) * 1.001F;
  }
  const Checkpoint original = checkpoint("base", base, {{"model_type", "llama"}}, 50000);
  const Checkpoint alike = checkpoint("alike", tuned_from(base)), other = checkpoint("wide", wide, Json::object(), 90);
  for (const Checkpoint* tuned : {&alike, &other}) {
    const StoredVector vector = extracted(original, *tuned);
    EXPECT_EQ(vector.file().find("table"), nullptr);
    for (const double alpha : {1.0, 0.5, 0.7, 1e-3, 2.0, -0.3})
      expect_same_bits(combined(original, {{&vector, -alpha}}), negated(original, *tuned, alpha));
  }
}

TEST_F(TaskVectors, OfAHeadThatOneSideTiesGiveWhatNegateGives) {
  const Json tied = {{"model_type", "llama"}, {"tie_word_embeddings", true}};
  const std::string e = "model.embed_tokens.weight", h = "lm_head.weight";
  const at::Tensor before = at::randn({6, 4}), embedding = at::randn({6, 4}), head = at::randn({6, 4});
  std::vector<Checkpoint> all;
  all.push_back(checkpoint("once", {{e, before}}, tied));
  all.push_back(checkpoint("twice", {{e, before}, {h, before}}, tied));
  all.push_back(checkpoint("moved", {{e, embedding}}, tied));
  all.push_back(checkpoint("moved_twice", {{e, embedding}, {h, embedding}}, tied));
  all.push_back(checkpoint("by_head", {{h, embedding}}, tied));
  all.push_back(checkpoint("apart", {{e, embedding}, {h, head}}, tied));
  for (const Checkpoint& base : all) {
    for (const Checkpoint& tuned : all) {
      const StoredVector vector = extracted(base, tuned);
      SCOPED_TRACE(base.folder().filename().string() + " and " + tuned.folder().filename().string());
      expect_same_bits(combined(base, {{&vector, -1.0}}), negated(base, tuned, 1.0));
    }
  }
  // One vector unties the head, the other moves both halves alike.
  const StoredVector unties = extracted(all[0], all[5]), keeps = extracted(all[0], all[2]);
  const Checkpoint sum = combined(all[0], {{&unties, 1.0}, {&keeps, -1.0}});
  EXPECT_TRUE(at::allclose(values(sum, e), before, 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(values(sum, h), before + head - embedding, 1e-5, 1e-6));
  EXPECT_EQ(sum.config().at("tie_word_embeddings"), false);
}

TEST_F(TaskVectors, ThatHideAnUntiedHeadAreRefused) {
  const Json tied = {{"model_type", "llama"}, {"tie_word_embeddings", true}};
  const std::string e = "model.embed_tokens.weight", h = "lm_head.weight";
  const at::Tensor before = at::randn({6, 4});
  const fs::path folder = made("lying");
  write_tensors(folder / kVectorTensors, {{e, at::randn({6, 4})}, {h, at::randn({6, 4})}});
  const StoredVector vector = described(folder, VectorKind::weights, /*unties_head=*/false);
  for (const Tensors& tensors : {Tensors{{e, before}}, Tensors{{e, before}, {h, before}}}) {
    const Checkpoint base = checkpoint("base" + std::to_string(tensors.size()), tensors, tied);
    EXPECT_NE(refusal_of([&] { combined(base, {{&vector, 1.0}}); }).find("unties_head"), std::string::npos);
  }
}

// A sum has no wrappers in its names, and may have untied its head. Vectors of its base still fit.
TEST_F(TaskVectors, FitASumOfTheirBase) {
  const Json tied = {{"model_type", "llama"}, {"tie_word_embeddings", true}};
  const std::string wrapper = "_orig_mod.", e = "model.embed_tokens.weight", h = "lm_head.weight",
                    n = "model.norm.weight";
  const at::Tensor before = at::randn({6, 4}), norm = at::randn({4}), one = at::randn({6, 4}), two = at::randn({6, 4});
  const Checkpoint base = checkpoint("base", {{wrapper + e, before}, {wrapper + n, norm}}, tied);
  const StoredVector keeps = extracted(base, checkpoint("moved", {{e, one}, {n, norm + 1}}, tied)),
                     unties = extracted(base, checkpoint("apart", {{e, one}, {h, two}, {n, norm}}, tied));
  const Checkpoint sum = combined(base, {{&keeps, -1.0}, {&unties, 1.0}});
  ASSERT_NE(sum.find(h), nullptr);
  const Checkpoint again = combined(sum, {{&keeps, 1.0}});
  EXPECT_TRUE(at::allclose(values(again, e), one, 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(values(again, h), two, 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(values(again, n), norm, 1e-5, 1e-6));
}

// θ_o + (−A −B) + B = θ_o − A.
TEST_F(TaskVectors, WhatIsTakenBackLeavesNothingBehind) {
  const Tensors base = every_type();
  const Checkpoint original = checkpoint("base", base);
  for (const StoreAs type : {StoreAs::float32, StoreAs::base}) {
    const StoredVector a = extracted(original, checkpoint("a" + std::to_string(++made_), tuned_from(base)), type),
                       b = extracted(original, checkpoint("b" + std::to_string(++made_), tuned_from(base)), type);
    const Checkpoint without_a = combined(original, {{&a, -1.0}});
    expect_same_bits(combined(original, {{&a, -1.0}, {&b, -1.0}, {&b, 1.0}}), without_a);
    expect_same_bits(combined(original, {{&b, 0.3}, {&a, -1.0}, {&b, -0.3}}), without_a);
    expect_same_bits(combined(original, {}), original);

    // In two steps the sum in between is rounded, too: at most one rounding of each.
    const Checkpoint without_both = combined(original, {{&a, -1.0}, {&b, -1.0}});
    const Checkpoint again = combined(without_both, {{&b, 1.0}});
    for (const auto& [name, value] : base) {
      if (!value.is_floating_point() || value.numel() == 0) continue;
      const double unit = value.scalar_type() == at::kHalf       ? 0x1p-11
                          : value.scalar_type() == at::kBFloat16 ? 0x1p-8
                          : value.scalar_type() == at::kFloat    ? 0x1p-24
                                                                 : 0x1p-53;
      const auto wide = [&](const Checkpoint& checkpoint) { return values(checkpoint, name).to(at::kDouble); };
      const at::Tensor bound =
          1.01 * unit * (wide(without_both).abs() + 2 * wide(without_a).abs() + wide(again).abs()) +
          1e-7 * (unit > 0x1p-53);
      EXPECT_TRUE(((wide(again) - wide(without_a)).abs() <= bound).all().item<bool>()) << name;
    }
  }
}

TEST_F(TaskVectors, SumsAreRoundedOnceToEachType) {
  const Tensors base = every_type();
  const Checkpoint original = checkpoint("base", base);
  std::vector<StoredVector> vectors;
  for (int i = 0; i < 3; ++i)
    vectors.push_back(extracted(original, checkpoint("tuned" + std::to_string(i), tuned_from(base))));
  const std::vector<double> weights = {-1.0, 0.25, -0.7};
  const Checkpoint sum =
      combined(original, {{&vectors[0], weights[0]}, {&vectors[1], weights[1]}, {&vectors[2], weights[2]}});
  for (const auto& [name, value] : base) {
    if (!value.is_floating_point()) {
      EXPECT_TRUE(at::equal(values(sum, name), value));
      continue;
    }
    at::Tensor added = at::zeros_like(value, at::kDouble);
    const bool exact = value.scalar_type() == at::kDouble;
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      const StoredTensor& tensor = *vectors[i].file().find(name);
      const double weight = exact ? weights[i] : static_cast<float>(weights[i]);
      added += weight * tensor_over(tensor, vectors[i].file().values(tensor)).to(at::kDouble);
    }
    const at::ScalarType compute = exact ? at::kDouble : at::kFloat;
    const at::Tensor wanted = (value.to(compute) + added.to(compute)).to(value.scalar_type());
    EXPECT_TRUE(exact ? at::allclose(values(sum, name), wanted, 1e-15, 1e-15) : at::equal(values(sum, name), wanted))
        << name;
  }
}

TEST_F(TaskVectors, InTheBasesTypeAreRoundedOnce) {
  const Tensors base = every_type(), tuned = tuned_from(base);
  const StoredVector vector = extracted(checkpoint("base", base), checkpoint("tuned", tuned), StoreAs::base);
  for (const auto& [name, value] : base) {
    if (!value.is_floating_point()) continue;
    const StoredTensor& tensor = *vector.file().find(name);
    const at::ScalarType compute = value.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const at::Tensor wanted = (tuned.at(name).to(compute) - value.to(compute)).to(value.scalar_type());
    EXPECT_TRUE(at::equal(tensor_over(tensor, vector.file().values(tensor)), wanted)) << name;
  }
}

TEST_F(TaskVectors, ThatDoNotFitAreRefusedByTensor) {
  const Tensors base = {{"a.weight", at::ones({2, 2}, kHalf)}, {"b.weight", at::ones({2})}, {"table", at::arange(3)}};
  const Checkpoint original = checkpoint("base", base);
  const auto refused = [&](const Tensors& tensors, const std::vector<std::string>& words) {
    const fs::path folder = made("vector" + std::to_string(++made_));
    write_tensors(folder / kVectorTensors, tensors);
    const std::string message = refusal_of([&] {
      const StoredVector vector = described(folder, VectorKind::weights);
      combined(original, {{&vector, 1.0}});
    });
    for (const std::string& word : words) EXPECT_NE(message.find(word), std::string::npos) << word << " in " << message;
  };
  const at::Tensor a = at::ones({2, 2}), b = at::ones({2}), nan = at::full({2}, NAN);
  refused({{"a.weight", a}}, {"b.weight", "only in the base"});
  refused({{"a.weight", a}, {"b.weight", b}, {"c.weight", b}}, {"c.weight", "only in the vector"});
  refused({{"a.weight", a}, {"b.weight", b}, {"table", b}}, {"table"});
  refused({{"a.weight", at::ones({4})}, {"b.weight", b}}, {"a.weight", "[2, 2]", "[4]"});
  refused({{"a.weight", a}, {"b.weight", at::arange(2)}}, {"b.weight", "I64"});
  refused({{"a.weight", a}, {"b.weight", nan}}, {"b.weight"});
  refused({{"a.weight", 1e5F * a}, {"b.weight", b}}, {"a.weight"});  // no half holds 1e5

  const StoredVector vector = extracted(original, checkpoint("same", base));
  EXPECT_NE(refusal_of([&] { combined(original, {{&vector, 1e300}}); }).find("float32"), std::string::npos);
  const Checkpoint lacking = checkpoint("lacking", {{"a.weight", a}}),
                   bent = checkpoint("bent", {{"a.weight", at::ones({4})}, {"b.weight", b}}),
                   odd = checkpoint("odd", {{"a.weight", a}, {"b.weight", nan}});
  EXPECT_NE(refusal_of([&] { extracted(original, lacking); }).find("b.weight"), std::string::npos);
  EXPECT_NE(refusal_of([&] { extracted(lacking, original); }).find("b.weight"), std::string::npos);
  EXPECT_NE(refusal_of([&] { extracted(original, bent); }).find("[2, 2]"), std::string::npos);
  EXPECT_NE(refusal_of([&] { extracted(original, odd); }).find("b.weight"), std::string::npos);
}

// ------------------------------------------------------------------------------------------------------- adapters

const std::string kPrefixed = "base_model.model.";

class AdapterVectors : public TaskVectors {
 protected:
  /// A LoRA adapter with random pairs on these modules of [6, 4] weights.
  fs::path pairs(const std::vector<std::string>& modules, std::int64_t rank, double alpha,
                 Json config = Json::object()) {
    Tensors tensors;
    for (const std::string& module : modules) {
      tensors[kPrefixed + module + ".lora_A.weight"] = at::randn({rank, 4});
      tensors[kPrefixed + module + ".lora_B.weight"] = at::randn({6, rank});
    }
    config.update({{"r", rank}, {"lora_alpha", alpha}});
    return adapter("adapter" + std::to_string(++made_), tensors, config);
  }
  static at::Tensor product(const Adapter& adapter, const std::string& module) {
    for (const LoraModule& pair : adapter.modules()) {
      if (pair.module != module) continue;
      const auto wide = [&](const StoredTensor& t) { return tensor_over(t, adapter.file().values(t)).to(at::kDouble); };
      return pair.scale * wide(*pair.b).matmul(wide(*pair.a));
    }
    return at::zeros({6, 4}, at::kDouble);
  }
  Checkpoint base() {
    Tensors tensors;
    for (const char* name : {"layers.0.q", "layers.1.q", "layers.11.q", "layers.0.v", "layers.1.v"})
      tensors["model." + std::string(name) + "_proj.weight"] = at::randn({6, 4});
    return checkpoint("base" + std::to_string(++made_), tensors);
  }
};

TEST_F(AdapterVectors, OfDifferentRanksAndModulesBecomeOneExactAdapter) {
  const Checkpoint original = base();
  const std::string q0 = "model.layers.0.q_proj", q1 = "model.layers.1.q_proj", q11 = "model.layers.11.q_proj",
                    v0 = "model.layers.0.v_proj", v1 = "model.layers.1.v_proj";
  const Adapter a(pairs({q0, q1, v0}, 2, 3)), b(pairs({q1, v0, v1}, 3, 4, {{"use_rslora", true}})),
      c(pairs({q11}, 1, 1));
  stack_adapters(original, {{&a, -1.0}, {&b, 0.3}, {&c, -0.5}}, made("stacked"), {"name of the base"});
  const Adapter stacked(root_ / "stacked");
  EXPECT_EQ(stacked.config().at("base_model_name_or_path"), "name of the base");
  ASSERT_EQ(stacked.modules().size(), 5U);
  for (const LoraModule& module : stacked.modules()) {
    EXPECT_EQ(module.scale, 1.0);
    const at::Tensor wanted =
        -1.0 * product(a, module.module) + 0.3 * product(b, module.module) - 0.5 * product(c, module.module);
    EXPECT_TRUE(at::allclose(product(stacked, module.module), wanted, 1e-6, 1e-6)) << module.module;
  }
  // Without a factor to round, every bit of B is kept: scale 2, weight −1.
  const Adapter plain(pairs({q0}, 2, 4));
  stack_adapters(original, {{&plain, -1.0}}, made("exact"), {"base"});
  EXPECT_TRUE(at::equal(product(Adapter(root_ / "exact"), q0), -product(plain, q0)));
}

TEST_F(AdapterVectors, AreNamedBySuffixesOnlyIfThoseSelectNothingElse) {
  const Checkpoint original = base();
  const auto targets = [&](const std::vector<std::string>& modules) {
    const Adapter one(pairs(modules, 1, 1));
    const fs::path folder = made("stacked" + std::to_string(++made_));
    stack_adapters(original, {{&one, 1.0}}, folder, {"base"});
    return Adapter(folder).config().at("target_modules").get<std::vector<std::string>>();
  };
  EXPECT_EQ(targets({"model.layers.0.v_proj", "model.layers.1.v_proj"}), std::vector<std::string>{"v_proj"});
  EXPECT_EQ(targets({"model.layers.1.v_proj"}), std::vector<std::string>{"model.layers.1.v_proj"});
}

TEST_F(AdapterVectors, OfALowerRankAreTheStrongestDirections) {
  const Checkpoint original = base();
  const std::string q = "model.layers.0.q_proj";
  const Adapter a(pairs({q}, 2, 3)), b(pairs({q}, 3, 4));
  const at::Tensor whole = product(a, q) - product(b, q);
  const auto [u, s, vh] = at::linalg_svd(whole, false);
  for (const std::int64_t rank : {1, 2, 4}) {
    const fs::path folder = made("rank" + std::to_string(rank));
    stack_adapters(original, {{&a, 1.0}, {&b, -1.0}}, folder, {"base", rank});
    const Adapter low(folder);
    EXPECT_EQ(low.modules().at(0).a->shape[0], rank);
    const at::Tensor wanted = at::mm(u.narrow(1, 0, rank) * s.narrow(0, 0, rank), vh.narrow(0, 0, rank));
    EXPECT_TRUE(at::allclose(product(low, q), wanted, 1e-5, 1e-5)) << rank;
  }
}

// Merged by PEFT itself, with these weights (tools/fixtures/adapters.py).
TEST_F(AdapterVectors, CombineToWhatPeftMakesOfThem) {
  const fs::path fixtures = fs::path(LETHE_FIXTURES);
  std::size_t compared = 0;
  const Json cases = read_json(fixtures / "adapters" / "cases.json");
  for (const Json& json : cases.at("cases")) {
    const auto name = json.at("name").get<std::string>();
    const Checkpoint original(fixtures / "models" / json.at("base").get<std::string>());
    std::vector<StoredVector> vectors;
    for (const Json& entry : json.at("adapters"))
      vectors.push_back(kept(fixtures / "adapters" / entry[0].get<std::string>()));
    std::vector<WeightedVector> weighted;
    std::vector<WeightedAdapter> adapters;
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      const auto weight = json.at("adapters")[i][1].get<double>();
      weighted.push_back({&vectors[i], weight});
      adapters.push_back({vectors[i].adapter(), weight});
    }
    const auto expect_weights = [&](const Checkpoint& found) {
      for (const auto& [tensor, list] : json.at("weights").items()) {
        const StoredTensor* stored = found.find_same(tensor);
        if (stored == nullptr) continue;  // half of a pair that is stored once
        const at::Tensor flat = tensor_over(*stored, found.values(*stored)).reshape(-1).to(at::kDouble);
        for (const auto& [index, value] : list.items()) {
          EXPECT_NEAR(flat[std::stoll(index)].item<double>(), value.get<double>(), 2e-6) << name << " " << tensor;
          ++compared;
        }
      }
    };
    expect_weights(combined(original, weighted));
    const fs::path folder = made("stacked_" + name);
    try {
      stack_adapters(original, adapters, folder, {"base"});
    } catch (const Error& error) {  // DoRA, biases, …
      EXPECT_NE(std::string(error.what()).find("--merge"), std::string::npos) << error.what();
      continue;
    }
    const StoredVector stacked = described(folder, VectorKind::adapter);
    expect_weights(combined(original, {{&stacked, 1.0}}));
  }
  EXPECT_GT(compared, 100U);
}

TEST_F(AdapterVectors, AddToDifferencesOfWeights) {
  const Checkpoint original = base();
  const std::string q = "model.layers.0.q_proj", v = "model.layers.0.v_proj";
  Tensors tuned;
  for (const StoredTensor* tensor : original.tensors())
    tuned[tensor->name] = values(original, tensor->name) + at::randn(tensor->shape);
  const StoredVector weights = extracted(original, checkpoint("tuned", tuned)), low = kept(pairs({q}, 2, 3));
  const Checkpoint sum = combined(original, {{&weights, -0.5}, {&low, 2.0}});
  for (const std::string& module : {q, v}) {
    const std::string name = module + ".weight";
    const at::Tensor o = values(original, name).to(at::kDouble);
    const at::Tensor wanted = o - 0.5 * (tuned.at(name) - o) + 2.0 * product(*low.adapter(), module);
    EXPECT_TRUE(at::allclose(values(sum, name).to(at::kDouble), wanted, 1e-5, 1e-6)) << name;
  }
}

TEST_F(AdapterVectors, AreKeptBitByBitOrScaledOnce) {
  const fs::path folder = pairs({"model.layers.0.q_proj"}, 2, 3);
  extract_adapter(Adapter(folder), 1, made("kept"), Access::normal);
  extract_adapter(Adapter(folder), -0.5, made("scaled"), Access::normal);
  const Adapter original(folder), same(root_ / "kept"), scaled(root_ / "scaled");
  EXPECT_EQ(read_file(folder / "adapter_config.json"), read_file(root_ / "kept" / "adapter_config.json"));
  EXPECT_TRUE(at::equal(product(original, "model.layers.0.q_proj"), product(same, "model.layers.0.q_proj")));
  EXPECT_TRUE(at::equal(-0.5 * product(original, "model.layers.0.q_proj"), product(scaled, "model.layers.0.q_proj")));
  const Tensors odd = {{kPrefixed + "model.layers.0.q_proj.lora_A.weight", at::full({2, 4}, NAN)},
                       {kPrefixed + "model.layers.0.q_proj.lora_B.weight", at::ones({6, 2})}};
  const Adapter broken(adapter("broken", odd, {{"r", 2}, {"lora_alpha", 2}}));
  EXPECT_NE(refusal_of([&] { extract_adapter(broken, 1, made("refused"), Access::normal); }).find("q_proj"),
            std::string::npos);
}

}  // namespace
}  // namespace lethe
