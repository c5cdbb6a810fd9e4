// Layers whose matrices several ranks hold together compute the bits of a whole model, from a share of the file.
#include "models/sharded_layers.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <map>

#include "core/error.h"
#include "core/files.h"
#include "folder_test.h"
#include "formats/checkpoint.h"
#include "models/loading.h"
#include "models/lora.h"
#include "tensors/file_tensors.h"
#include "thread_group.h"

namespace lethe {
namespace {

const fs::path kFixtureModels = fs::path(LETHE_FIXTURES) / "models";

PackedBatch batch_of_two_rows() {
  PackBuilder pack;
  pack.add({1, 5, 9, 2, 3, 8});
  pack.add({4, 7, 2});
  return pack.build();
}

/// What a training step reads of a model: hidden states, and the gradients of adapters on all maps.
struct Outcome {
  at::Tensor hidden;
  std::vector<at::Tensor> gradients;
};

Outcome outcome_of(CausalLM& model) {
  const auto pairs = add_lora(model, {.rank = 2, .alpha = 4, .targets = {.suffixes = {}, .pattern = "all-linear"}}, 3);
  std::vector<at::Tensor> trained;
  for (const NamedLora& lora : pairs) {
    const c10::NoGradGuard no_gradient;
    lora.pair->b.fill_(0.01);  // zero at first, which gives A no gradient
    trained.insert(trained.end(), {lora.pair->a, lora.pair->b});
  }
  model.recompute = true;
  Outcome outcome;
  const at::Tensor hidden = model.hidden(batch_of_two_rows());
  hidden.to(at::kFloat).square().sum().backward();
  outcome.hidden = hidden.detach();
  for (const at::Tensor& tensor : trained) outcome.gradients.push_back(tensor.grad());
  return outcome;
}

void expect_same(const Outcome& a, const Outcome& b, const std::string& where) {
  EXPECT_TRUE(at::equal(a.hidden, b.hidden)) << where;
  ASSERT_EQ(a.gradients.size(), b.gradients.size());
  for (std::size_t i = 0; i < a.gradients.size(); ++i) {
    ASSERT_EQ(a.gradients[i].defined(), b.gradients[i].defined()) << where;
    if (!a.gradients[i].defined()) continue;
    EXPECT_TRUE(at::equal(a.gradients[i], b.gradients[i])) << where << " " << i;
  }
}

void expect_the_bits_of_a_whole_model(const std::string& name, int ranks, const LoadOptions& options) {
  const Checkpoint checkpoint(kFixtureModels / name);
  CausalLM whole = load_model(checkpoint, options);
  const Outcome wanted = outcome_of(whole);
  as_ranks(ranks, [&](Group& group) {
    at::set_num_threads(1);
    ServingGroup serving(group);
    LoadOptions own = options;
    own.shards = &serving;
    CausalLM model = load_model(Checkpoint(kFixtureModels / name), own);
    expect_same(outcome_of(model), wanted, name + " on " + std::to_string(ranks));
    serving.serve();
  });
}

class ShardedFamily : public testing::TestWithParam<std::string> {};

TEST_P(ShardedFamily, HasTheBitsOfAWholeModel) {
  at::set_num_threads(1);
  expect_the_bits_of_a_whole_model(GetParam(), 3, {});
  expect_the_bits_of_a_whole_model(GetParam(), 2, {.dtype = at::kBFloat16});
  expect_the_bits_of_a_whole_model(GetParam(), 3, {.nf4 = true});
}

std::vector<std::string> all_fixtures() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFixtureModels)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ShardedFamily, testing::ValuesIn(all_fixtures()),
                         [](const auto& test) { return test.param; });

/// Gradients of all weights, as one process has them after two micro-batches.
std::map<std::string, at::Tensor> gradients_of_all(const std::string& name, at::ScalarType dtype) {
  CausalLM model = load_model(Checkpoint(kFixtureModels / name), {.dtype = dtype});
  for (const Parameter& parameter : model.parameters()) parameter.tensor->requires_grad_(true);
  model.recompute = true;
  for (const double factor : {1.0, 2.0})
    (factor * model.hidden(batch_of_two_rows()).to(at::kFloat).square().sum()).backward();
  std::map<std::string, at::Tensor> gradients;
  for (const Parameter& parameter : model.parameters()) gradients[parameter.name] = parameter.tensor->grad();
  return gradients;
}

TEST_P(ShardedFamily, AddsTheGradientsOfOneProcessToEachShare) {
  at::set_num_threads(1);
  const at::ScalarType dtype = GetParam().size() % 2 == 0 ? at::kFloat : at::kBFloat16;
  const auto wanted = gradients_of_all(GetParam(), dtype);
  as_ranks(2, [&](Group& group) {
    at::set_num_threads(1);
    ServingGroup serving(group);
    CausalLM model = load_model(Checkpoint(kFixtureModels / GetParam()), {.dtype = dtype, .shards = &serving});
    auto& layers = static_cast<ShardedLayers&>(*model.layer_weights);
    std::vector<Parameter> matrices;
    for (const Parameter& parameter : model.parameters()) {
      if (ShardedLayers::holds(parameter)) matrices.push_back(parameter);
    }
    layers.train(matrices);
    model.recompute = true;
    // Rank 0 computes the first micro-batch, rank 1 the second.
    ((group.rank() + 1.0) * model.hidden(batch_of_two_rows()).to(at::kFloat).square().sum()).backward();
    serving.serve();
    for (const Parameter& parameter : matrices) {
      const at::Tensor whole = wanted.at(parameter.name), own = layers.gradient(parameter);
      ASSERT_EQ(own.defined(), whole.defined()) << parameter.name;
      if (!own.defined()) continue;
      const auto range = layers.own(parameter);
      EXPECT_TRUE(at::equal(own, whole.reshape(-1).narrow(0, range.begin, range.end - range.begin))) << parameter.name;
    }
  });
}

TEST(ShardedLayers, ManyRanksWithLittleEach) {
  at::set_num_threads(1);
  for (const int ranks : {4, 7}) {
    expect_the_bits_of_a_whole_model("llama_plain", ranks, {});
    expect_the_bits_of_a_whole_model("llama_plain", ranks, {.dtype = at::kBFloat16, .nf4 = true});
  }
}

TEST(ShardedLayers, HoldAShareAndNothingElseBetweenTwoUses) {
  const Checkpoint checkpoint(kFixtureModels / "llama_plain");
  for (const bool nf4 : {false, true}) {
    as_ranks(4, [&](Group& group) {
      ServingGroup serving(group);
      CausalLM model = load_model(Checkpoint(kFixtureModels / "llama_plain"), {.nf4 = nf4, .shards = &serving});
      std::uint64_t whole = 0;
      for (const Parameter& parameter : model.parameters()) {
        if (!ShardedLayers::holds(parameter)) continue;
        EXPECT_FALSE(parameter.tensor->defined() || parameter.linear->packed.defined());
        EXPECT_EQ(parameter.linear->out(), parameter.shape[0]);
        const auto size = static_cast<std::uint64_t>(parameter.size());
        whole += nf4 ? size / 2 + size / 64 * 4 : size * 4;
      }
      const auto& layers = static_cast<const ShardedLayers&>(*model.layer_weights);
      EXPECT_GE(layers.bytes(), whole / 4);
      EXPECT_LE(layers.bytes(), whole / 4 + static_cast<std::uint64_t>(model.spec().layers) * 64 * 4);
      serving.serve();
    });
  }
}

/// A copy of a fixture. Each test spoils it in its own way.
class ShareOfTheFile : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    for (const char* file : {"config.json", "model.safetensors"})
      fs::copy_file(kFixtureModels / "llama_plain" / file, folder_ / file);
  }
};

TEST_F(ShareOfTheFile, IsAllThatARankReads) {
  // A number that is not finite, which loading refuses, in the last weight of the last layer's matrices.
  std::uint64_t place = 0;
  {
    CausalLM model = load_model(Checkpoint(folder_));
    const Checkpoint checkpoint(folder_);
    std::string last;
    for (const Parameter& parameter : model.parameters()) {
      if (ShardedLayers::holds(parameter)) last = parameter.name;
    }
    const StoredTensor& stored = *checkpoint.find_same(last);
    ASSERT_EQ(stored.type, DType::f32);
    const std::string file = read_file(folder_ / "model.safetensors");
    const auto values = checkpoint.values(stored);
    place = file.find(std::string(reinterpret_cast<const char*>(values.data()), values.size())) + values.size() - 4;
  }
  std::string file = read_file(folder_ / "model.safetensors");
  file.replace(place, 4, std::string("\x00\x00\xc0\x7f", 4));
  write_file(folder_ / "model.safetensors", file);
  for (const bool nf4 : {false, true}) {
    std::vector<std::string> found(3);
    as_ranks(3, [&](Group& group) {
      ServingGroup serving(group);
      found[static_cast<std::size_t>(group.rank())] =
          refusal_of([&] { load_model(Checkpoint(folder_), {.nf4 = nf4, .shards = &serving}); });
    });
    EXPECT_EQ(found[0], "no error");
    EXPECT_EQ(found[1], "no error");
    EXPECT_NE(found[2].find("finite"), std::string::npos) << found[2];
  }
}

}  // namespace
}  // namespace lethe
