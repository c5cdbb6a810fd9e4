// Abliteration in every family: the direction, and a model without it, equal transformers' in float64
// (tools/fixtures/attacks.py), and nothing is written along the direction any more.
#include "attacks/abliteration.h"

#include "core/error.h"
#include "fixture_models.h"
#include "generation/scoring.h"

namespace lethe {
namespace {

class RemovedDirection : public FixtureModel {
 protected:
  at::Tensor direction() const { return harm_directions(model_, {rows_.data(), 1}, {rows_.data() + 1, 1}, {0})[0]; }
  /// |v·x| of each state relative to its length, the largest of all layers.
  double component(const at::Tensor& v) const {
    double largest = 0;
    for (const std::vector<int>& row : rows_) {
      for (const at::Tensor& stream : model_.residuals(pack(row), layers_))
        largest = std::max(largest, (stream.mv(v).abs() / stream.norm(2, {1})).max().item<double>());
    }
    return largest;
  }
};

TEST_P(RemovedDirection, IsTheDifferenceOfTransformersStates) {
  EXPECT_TRUE(at::allclose(direction(), values(wanted_["direction"]), 1e-6, 1e-6));
}

TEST_P(RemovedDirection, LeavesTheModelThatTransformersComputesWithHooks) {
  if (!wanted_.contains("removed")) {
    EXPECT_THROW(remove_direction(model_, direction()), Error);
    return;
  }
  remove_direction(model_, 3.0 * direction());  // its length does not matter
  const auto found = score_rows(model_, rows_);
  for (std::size_t i = 0; i < 2; ++i) {
    const at::Tensor scores = at::tensor(found[i]).to(at::kDouble);
    EXPECT_TRUE(at::allclose(scores, values(wanted_["removed"][i]), 1e-5, 1e-5)) << "row " << i;
  }
}

TEST_P(RemovedDirection, IsNoLongerWrittenByAnyLayer) {
  if (!wanted_.contains("removed")) GTEST_SKIP() << "the stream itself is normalised";
  const at::Tensor v = direction();
  const double before = component(v);
  remove_direction(model_, v);
  EXPECT_GT(before, 0.01);
  EXPECT_LT(component(v), 1e-12);
}

TEST_P(RemovedDirection, LeavesTheOldTensorsAlone) {
  if (!wanted_.contains("removed")) GTEST_SKIP() << "the stream itself is normalised";
  std::vector<at::Tensor> old, copies;
  for (const Parameter& parameter : model_.parameters()) {
    old.push_back(*parameter.tensor);
    copies.push_back(parameter.tensor->clone());
  }
  remove_direction(model_, direction());
  for (std::size_t i = 0; i < old.size(); ++i) EXPECT_TRUE(at::equal(old[i], copies[i])) << i;  // a file's memory
  for (const Parameter& parameter : model_.parameters()) {
    EXPECT_TRUE(parameter.tensor->is_contiguous()) << parameter.name;
    EXPECT_EQ(parameter.tensor->sizes().vec(), parameter.shape) << parameter.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, RemovedDirection, testing::ValuesIn(fixture_models()), fixture_name);

TEST(HarmDirections, NeedPromptsOfBothKindsThatDiffer) {
  const CausalLM model = load_model(Checkpoint(std::filesystem::path(LETHE_FIXTURES) / "models" / "llama_plain"));
  const std::vector<std::vector<int>> some{{1, 2, 3}}, none;
  EXPECT_THROW(harm_directions(model, some, none, {0}), Error);
  EXPECT_THROW(harm_directions(model, none, some, {0}), Error);
  EXPECT_THROW(harm_directions(model, some, some, {0}), Error);
}

TEST(HarmDirections, AreThoseOfTheMeansAndHaveLengthOne) {
  const CausalLM model =
      load_model(Checkpoint(std::filesystem::path(LETHE_FIXTURES) / "models" / "gpt2_plain"), {.dtype = at::kDouble});
  const std::vector<std::vector<int>> harmful{{1, 2, 3}, {4, 5}, {6, 7, 8, 9}}, harmless{{9, 8}, {1, 1, 2}};
  const auto mean = [&](const std::vector<std::vector<int>>& prompts, std::int64_t layer) {
    at::Tensor sum = at::zeros({model.spec().hidden_size}, at::kDouble);
    for (const auto& prompt : prompts) {
      PackBuilder pack;
      pack.add(prompt);
      sum += model.residuals(pack.build(), {layer})[0][-1];
    }
    return sum / static_cast<double>(prompts.size());
  };
  const at::Tensor found = harm_directions(model, harmful, harmless, {0, 1});
  ASSERT_EQ(found.sizes(), (std::vector<std::int64_t>{2, model.spec().hidden_size}));
  for (const std::int64_t layer : {0, 1}) {
    const at::Tensor wanted = mean(harmful, layer) - mean(harmless, layer);
    EXPECT_TRUE(at::allclose(found[layer], wanted / wanted.norm(), 1e-9, 1e-9));
  }
}

TEST(RemoveDirection, RefusesPackedWeights) {
  CausalLM model =
      load_model(Checkpoint(std::filesystem::path(LETHE_FIXTURES) / "models" / "llama_plain"), {.nf4 = true});
  EXPECT_THROW(remove_direction(model, at::ones({model.spec().hidden_size})), Error);
}

}  // namespace
}  // namespace lethe
