// Sampling of whole batches on a device draws what sampling row by row draws.
#include "generation/sampling.h"

#include <gtest/gtest.h>

namespace lethe {
namespace {

TEST(SampleTokens, ChoosesWhatRowByRowSamplingChooses) {
  at::manual_seed(5);
  constexpr std::int64_t kRows = 200, kWords = 50;
  at::Tensor logits = at::randn({kRows, kWords}) * 3;
  logits.slice(0, 0, 20).round_();  // ties
  for (const SamplingOptions& options :
       {SamplingOptions{}, SamplingOptions{.temperature = 1}, SamplingOptions{.temperature = 0.5, .top_p = 0.7},
        SamplingOptions{.temperature = 2, .top_k = 5}, SamplingOptions{.temperature = 1.5, .top_p = 0.9, .top_k = 8},
        SamplingOptions{.temperature = 1, .top_p = 0},
        SamplingOptions{.temperature = 1, .top_p = 0.999, .top_k = 70}}) {
    std::vector<double> uniforms;
    std::vector<std::int64_t> wanted;
    for (std::int64_t row = 0; row < kRows; ++row) {
      RandomStream draws(3, "sampling", static_cast<std::uint64_t>(row)), again = draws;
      uniforms.push_back(draws.uniform());
      wanted.push_back(sample_token(logits[row], options, again));
    }
    const at::Tensor found = sample_tokens(logits, options, at::tensor(uniforms, at::kDouble));
    for (std::int64_t row = 0; row < kRows; ++row)
      EXPECT_EQ(found[row].item<std::int64_t>(), wanted[static_cast<std::size_t>(row)])
          << row << ", temperature " << options.temperature << ", top_p " << options.top_p << ", top_k "
          << options.top_k;
  }
}

}  // namespace
}  // namespace lethe
