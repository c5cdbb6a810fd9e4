// negation.survive: nf4 in a whole run: plan, choice of alpha, results, report and card.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

using Survive = Program;

TEST_F(Survive, ARunReportsWhatFourBitsLeave) {
  for (const std::string tuning : {"lora", "full"}) {
    const std::string job = "unlearn --threads 1 --model " + model_ + data() + " tuning=" + tuning +
                            " training.steps=3 training.batch=2 sku.k=1 data.max_length=64 negation.survive=nf4"
                            " evaluation.prompts=3 evaluation.max_new_tokens=2 --out " +
                            at(tuning);
    expect_all(run(job + " --dry-run"), 0, {"also in four bits (NF4)"});
    const Outcome outcome = run(job);
    expect_all(outcome, 0, {"in four bits (NF4): ", "weights change their code", " in four bits   <- chosen"});
    const Json results = read_json(at(tuning + "/results.json"));
    const Json& nf4 = results.at("nf4");
    EXPECT_GT(nf4.at("weights").get<int>(), 0);
    EXPECT_GT(nf4.at("code_share").get<double>(), 0);
    EXPECT_LT(nf4.at("code_share").get<double>(), 1);
    EXPECT_TRUE(nf4.at("kept").is_number() && nf4.at("noise").is_number());
    EXPECT_EQ(nf4.at("kl_rise"), results.at("alpha_choice").at("kl_rise_in_nf4"));
    EXPECT_LE(nf4.at("kl_rise").get<double>(), 0.3);
    EXPECT_TRUE(nf4.contains("survives") && nf4.contains("harm_unseen"));
    const std::string written = tuning == "lora" ? "/adapter/README.md" : "/model/README.md";
    for (const std::string& file : {std::string("/report.html"), written})
      EXPECT_NE(read_file(at(tuning + file)).find("In four bits (NF4)"), std::string::npos) << file;
    expect_all(run("rerun " + at(tuning) + " --out " + at(tuning + "_again")), 0, {"same bits"});
  }
}

// With a given alpha, and without an evaluation, the weights alone are compared.
TEST_F(Survive, WithoutAnEvaluationTheWeightsAreCompared) {
  expect_all(run("unlearn --threads 1 --model " + model_ + data() +
                 " tuning=lora training.steps=3 training.batch=2 sku.k=1 data.max_length=64 negation.survive=nf4"
                 " negation.alpha=0.5 evaluation.prompts=0 --out " +
                 at("run")),
             0, {"in four bits (NF4): "});
  const Json nf4 = read_json(at("run/results.json")).at("nf4");
  EXPECT_TRUE(nf4.at("kl_rise").is_null());
  EXPECT_TRUE(nf4.at("survives").is_null());
  EXPECT_GT(nf4.at("kept").get<double>(), 0);
}

}  // namespace
}  // namespace lethe
