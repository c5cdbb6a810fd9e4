// Runs with weights in 16 or 4 bits, as on a GPU, compared with the same run in 32 bits; all on the CPU.
#include <cmath>

#include "cli/program_fixture.h"
#include "kernels/bfloat16_panel.h"

namespace lethe {
namespace {

class SixteenBits : public Program {
 protected:
  /// gd and rd of each step.
  std::vector<double> losses(const std::string& name, const std::string& settings) {
    const Outcome outcome =
        run("unlearn --quiet --threads 1 --model " + model_ + data() +
            " training.steps=6 training.batch=2 training.lr=5e-3 sku.k=1 evaluation.prompts=0 negation.alpha=1 --out " +
            at(name) + " " + settings);
    EXPECT_EQ(outcome.status, 0) << outcome.text;
    std::vector<double> found;
    for (const JsonLine& line : parse_json_lines(read_file(at(name + "/metrics.jsonl")), name)) {
      for (const char* term : {"gd", "rd"}) found.push_back(line.value.at(term).get<double>());
    }
    return found;
  }
  static void expect_near(const std::vector<double>& found, const std::vector<double>& wanted, double tolerance) {
    ASSERT_EQ(found.size(), wanted.size());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], wanted[i], tolerance * (1 + wanted[i])) << i;
  }
};

TEST_F(SixteenBits, LoraLearnsOnABaseOf16BitsAsOnOneOf32) {
  const std::vector<double> wanted = losses("wide", "tuning=lora");
  expect_near(losses("bf16", "tuning=lora dtype=bfloat16"), wanted, 0.05);
  // And it does learn: without steps the last losses are others.
  const std::vector<double> still = losses("still", "tuning=lora training.lr=1e-9");
  EXPECT_GT(std::abs(still[10] - wanted[10]), 0.1 * (1 + wanted[10]));
}

TEST_F(SixteenBits, OnACpuThatMultipliesBfloat16LossesAreWithinOnePercentAndTheFirstDivergenceIsZero) {
  if (!has_bfloat16_instructions()) GTEST_SKIP() << "this CPU does not multiply bfloat16";
  const std::vector<double> wanted = losses("wide", "tuning=lora training.steps=12");
  expect_near(losses("bf16", "tuning=lora training.steps=12 dtype=bfloat16"), wanted, 0.01);
  const auto steps = parse_json_lines(read_file(at("bf16/metrics.jsonl")), "metrics");
  EXPECT_EQ(steps[0].value.at("kl"), 0.0);  // reference and step round alike
  EXPECT_GT(steps[11].value.at("kl"), 0.0);
}

TEST_F(SixteenBits, LoraLearnsOnABaseOf4BitsThatComputesIn16) {
  expect_near(losses("nf4_bf16", "tuning=lora quantize=nf4 dtype=bfloat16"), losses("nf4", "tuning=lora quantize=nf4"),
              0.05);
}

TEST_F(SixteenBits, AllWeightsLearnIn16BitsAsIn32) {
  // Three steps move these losses by nats, and arithmetic in 16 bits is slow on most CPUs.
  const std::string settings = "tuning=full training.steps=3";
  expect_near(losses("bf16", settings + " dtype=bfloat16"), losses("wide", settings), 0.1);
}

TEST_F(SixteenBits, ARunReportsItsOwnPeakMemoryNotThatOfItsParent) {
#ifdef __SANITIZE_ADDRESS__
  constexpr std::size_t kMegabytes = 1400;  // the run itself takes 800 with the sanitizer
#else
  constexpr std::size_t kMegabytes = 700;
#endif
  const std::string large(kMegabytes << 20, 'x');
  losses("small", "tuning=lora training.steps=1");
  EXPECT_LT(read_json(at("small/run.json")).at("peak_rss_bytes").get<std::uint64_t>(), large.size());
}

}  // namespace
}  // namespace lethe
