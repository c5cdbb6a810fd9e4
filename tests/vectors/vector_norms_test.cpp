// Norms of task vectors by part of the model.
#include "vectors/vector_norms.h"

#include <gtest/gtest.h>

#include "made_weights.h"

namespace lethe {
namespace {

using VectorNorms = TaskArithmetic;

TEST_F(VectorNorms, AreThoseOfEachPart) {
  write_tensors(made("weights") / kVectorTensors, {{"model.embed_tokens.weight", at::full({3}, 2.0F)},
                                                   {"model.layers.0.a.weight", at::full({4}, 3.0F)},
                                                   {"model.layers.0.b.weight", at::full({1}, -8.0F)},
                                                   {"model.layers.10.a.weight", at::full({4}, 1.0F)},
                                                   {"model.layers.2.a.weight", at::full({700000}, 1.0F)},
                                                   {"model.norm.weight", at::full({1}, 5.0F)},
                                                   {"lm_head.weight", at::full({1}, -7.0F)}});
  write_vector_info({.kind = VectorKind::weights}, root_ / "weights", Access::normal);
  const PartNorms norms = part_norms(StoredVector(root_ / "weights"));
  const PartNorms wanted = {{"embedding", std::sqrt(12.0)},
                            {"layer 0", 10},
                            {"layer 2", std::sqrt(700000.0)},
                            {"layer 10", 2},
                            {"head", 7},
                            {"other", 5}};
  ASSERT_EQ(norms.size(), wanted.size());
  double squares = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(norms[i].first, wanted[i].first);
    EXPECT_NEAR(norms[i].second, wanted[i].second, 1e-9);
    squares += wanted[i].second * wanted[i].second;
  }
  EXPECT_NEAR(whole_norm(norms), std::sqrt(squares), 1e-9);
  EXPECT_EQ(joined_layers(norms, 3), norms);
  const PartNorms joined = joined_layers(norms, 2);
  ASSERT_EQ(joined.size(), 5U);
  EXPECT_EQ(joined[1].first, "layers 0-2");
  EXPECT_NEAR(joined[1].second, std::hypot(10, std::sqrt(700000.0)), 1e-9);
  EXPECT_EQ(joined[2].first, "layer 10");
  EXPECT_NEAR(whole_norm(joined), whole_norm(norms), 1e-9);
}

TEST_F(VectorNorms, OfAnAdapterAreThoseOfItsProducts) {
  const at::Tensor a = at::randn({2, 4}), b = at::randn({6, 2});
  const fs::path folder = adapter("pair",
                                  {{"base_model.model.model.layers.3.q_proj.lora_A.weight", a},
                                   {"base_model.model.model.layers.3.q_proj.lora_B.weight", b}},
                                  {{"r", 2}, {"lora_alpha", 3}});
  write_vector_info({.kind = VectorKind::adapter}, folder, Access::normal);
  const PartNorms norms = part_norms(StoredVector(folder));
  ASSERT_EQ(norms.size(), 1U);
  EXPECT_EQ(norms[0].first, "layer 3");
  EXPECT_NEAR(norms[0].second, (1.5 * b.matmul(a)).norm().item<double>(), 1e-5);
}

TEST_F(VectorNorms, ThatAreNoNumbersAreNamed) {
  write_tensors(made("odd") / kVectorTensors, {{"a.weight", at::full({2}, NAN)}});
  write_vector_info({.kind = VectorKind::weights}, root_ / "odd", Access::normal);
  EXPECT_NE(refusal_of([&] { part_norms(StoredVector(root_ / "odd")); }).find("a.weight"), std::string::npos);
}

}  // namespace
}  // namespace lethe
