// Task arithmetic on files against its formula: θ_o − α·(θ_t − θ_o) in float32, rounded once.
#include "vectors/negate.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "core/error.h"
#include "vectors/apply_adapter.h"
#include "vectors/tensors.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;
using Tensors = std::map<std::string, at::Tensor>;

class TaskArithmetic : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) /
            ("lethe_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(root_);
    at::manual_seed(1);
  }
  // A checkpoint of these tensors, in shards of at most so many bytes.
  Checkpoint checkpoint(const std::string& name, const Tensors& tensors, const Json& config = Json::object(),
                        std::uint64_t shard = 1 << 30) {
    const fs::path folder = made(name);
    write_file(folder / "config.json", dump_json(config));
    std::vector<TensorSpec> specs;
    for (const auto& [tensor, value] : tensors) specs.push_back(spec_of(tensor, value));
    CheckpointWriter writer(folder, specs, {.largest_bytes = shard});
    for (const auto& [tensor, value] : tensors) writer.write(bytes_of(value));
    writer.finish();
    return Checkpoint(folder);
  }
  fs::path adapter(const std::string& name, const Tensors& tensors, Json config) {
    const fs::path folder = made(name);
    config["peft_type"] = "LORA";
    write_file(folder / "adapter_config.json", dump_json(config));
    std::vector<TensorSpec> specs;
    for (const auto& [tensor, value] : tensors) specs.push_back(spec_of(tensor, value));
    SafetensorsWriter writer(folder / "adapter_model.safetensors", specs);
    for (const auto& [tensor, value] : tensors) writer.write(bytes_of(value));
    writer.close();
    return folder;
  }
  fs::path made(const std::string& name) {
    fs::create_directories(root_ / name);
    return root_ / name;
  }
  static at::Tensor values(const Checkpoint& checkpoint, const std::string& name) {
    const StoredTensor& tensor = *checkpoint.find(name);
    return tensor_over(tensor, checkpoint.values(tensor)).clone();
  }
  fs::path root_;
};

const at::TensorOptions kHalf = at::TensorOptions().dtype(at::kHalf), kWide = at::TensorOptions().dtype(at::kFloat),
                        kBrain = at::TensorOptions().dtype(at::kBFloat16);

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

TEST_F(TaskArithmetic, ValuesAtAnOddAddressAreReadAsTheyStand) {
  const std::vector<float> values = {1.5F, -2.0F};
  std::vector<std::byte> bytes(1 + 2 * sizeof(float));
  std::memcpy(bytes.data() + 1, values.data(), 2 * sizeof(float));
  const at::Tensor tensor = tensor_over({"a", DType::f32, {2}}, std::span(bytes).subspan(1));
  EXPECT_TRUE(at::equal(tensor, at::tensor(values)));
}

}  // namespace
}  // namespace lethe
