// LongRoPE in a row far beyond the original positions equals transformers' float64 about as well as its float32 does
// (fixture of tools/fixtures/long_rows.py).
#include <gtest/gtest.h>

#include "core/json.h"
#include "formats/checkpoint.h"
#include "models/loading.h"

namespace lethe {
namespace {

TEST(LongRows, KeepTheSinglePrecisionOfTransformersBeyondTheOriginalPositions) {
  const std::filesystem::path folder = std::filesystem::path(LETHE_FIXTURES) / "long_rows";
  const CausalLM model = load_model(Checkpoint(folder));
  const Json expected = read_json(folder / "expected.json");
  const auto ids = expected["ids"].get<std::vector<int>>();
  PackBuilder pack;
  pack.add(ids);
  const at::Tensor logprobs = model.head().logits(model.hidden(pack.build())).to(at::kDouble).log_softmax(-1);
  double worst = 0;
  for (std::size_t j = 0; j + 1 < ids.size(); ++j) {
    const double found = logprobs[static_cast<std::int64_t>(j)][ids[j + 1]].item<double>();
    worst = std::max(worst, std::abs(found - expected["logprobs"][j].get<double>()));
  }
  EXPECT_LT(worst, 6 * expected["float32"].get<double>());  // 40 times as much with frequencies rounded once
}

}  // namespace
}  // namespace lethe
